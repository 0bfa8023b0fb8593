import Designs
import NativeDesigns
import Platform
import Testing

@testable import Replay

@Suite struct CalibrationTests {
  /// One calibration for all tests: it takes seconds.
  private static let made = Result {
    try Calibration.measure(
      player: try testPlayer(), compiler: VariantCompiler(installation: Installation()),
      processes: 2, seed: 1)
  }

  @Test func everyPrimitiveIsMeasuredAndStepsFollowFromThem() throws {
    let calibration = try Self.made.get()
    let names = Set(calibration.primitives.map(\.name))
    #expect(names.count == calibration.primitives.count)
    for derivation in Calibration.Derivation.all where derivation.step != .hugePageFault {
      #expect(names.contains(derivation.primitive), "\(derivation.primitive)")
      if let less = derivation.less { #expect(names.contains(less), "\(less)") }
    }
    #expect(calibration.primitives.allSatisfy { $0.ns.value > 0 })
    // A dependent addition takes one cycle: a clock beyond any processor means that it took none.
    #expect(calibration.coreGHz > 0.5 && calibration.coreGHz < 8)
  }

  @Test func everyStepIsTimedAloneOrSaidNotToBe() throws {
    let calibration = try Self.made.get()
    let alone = calibration.steps.map(\.step)
    let others = calibration.notIsolated.map(\.step)
    #expect(Set(alone).count == alone.count)
    #expect(Set(alone + others) == Set(Step.allCases) && alone.count + others.count == Step.count)
    for one in calibration.notIsolated {
      #expect(
        one.reason != Calibration.Derivation.reason(.freeListPop), "\(one.step): \(one.reason)")
    }
    #expect(alone.count > Step.count * 3 / 4)
  }

  /// What is known of a step's cost whatever the machine.
  @Test func isolatedCostsHaveTheirOrder() throws {
    let calibration = try Self.made.get()
    let ns = Dictionary(
      uniqueKeysWithValues: calibration.steps.map { ($0.step, $0.ns.value) })
    func cost(_ step: Step) throws -> Double { try #require(ns[step], "\(step)") }
    #expect(try cost(.policyUpdate) > cost(.policyScanBest))
    #expect(try cost(.lockUncontended) > cost(.freeListPush))
    #expect(try cost(.statisticAtomic) > cost(.statisticPlain))
    #expect(try cost(.hugePageDetect) > cost(.mapCall))
    #expect(try cost(.threadLocalCall) > cost(.threadLocalAccess))
    #expect(try cost(.memoryLoad) > cost(.levelTwoHit))
    #expect(calibration.steps.allSatisfy { $0.ns.value >= 0 && ($0.ns.low ?? 0) >= 0 })
  }
}
