import Designs
import Testing

@testable import Replay

@Suite struct CalibrationTests {
  @Test func everyPrimitiveIsMeasuredAndStepsFollowFromThem() throws {
    let calibration = try Calibration.measure(player: try testPlayer(), processes: 2, seed: 1)
    let names = Set(calibration.primitives.map(\.name))
    #expect(names.count == calibration.primitives.count)
    for derivation in Calibration.Derivation.all {
      #expect(names.contains(derivation.primitive), "\(derivation.primitive)")
      if let less = derivation.less { #expect(names.contains(less), "\(less)") }
    }
    #expect(calibration.steps.count == Calibration.Derivation.all.count)
    #expect(Set(calibration.steps.map(\.step)).count == calibration.steps.count)
    #expect(calibration.primitives.allSatisfy { $0.ns.value > 0 })
    // A dependent addition takes one cycle: a clock beyond any processor means that it took none.
    #expect(calibration.coreGHz > 0.5 && calibration.coreGHz < 8)
  }
}
