import Designs
import NativeDesigns
import Platform
import TestSupport
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
    // A dependent addition takes one cycle. A busy machine makes it slower, nothing makes it faster:
    // a clock beyond any processor means that it took none.
    #expect(calibration.coreGHz > 0 && calibration.coreGHz < 8)
  }

  @Test func everyStepIsTimedAloneOrSaidNotToBe() throws {
    let calibration = try Self.made.get()
    let alone = calibration.steps.map(\.step)
    let others = calibration.notIsolated.map(\.step)
    #expect(Set(alone).count == alone.count)
    #expect(Set(alone + others) == Set(Step.allCases) && alone.count + others.count == Step.count)
    for one in calibration.notIsolated {
      #expect(one.reason != Calibration.Derivation.unmeasured, "\(one.step)")
    }
    #expect(alone.count > Step.count * 3 / 4)
  }

  /// A step that takes less than the noise costs nothing, and no interval reaches below zero.
  @Test func noIsolatedCostIsNegative() throws {
    let calibration = try Self.made.get()
    #expect(calibration.steps.allSatisfy { $0.ns.value >= 0 && ($0.ns.low ?? 0) >= 0 })
  }

  private typealias Derivation = Calibration.Derivation

  /// What three processes would have measured of primitives whose costs are known.
  private func samples(_ costs: [String: Double]) -> Calibration.Samples {
    var samples = Calibration.Samples()
    for process in 0..<3 {
      samples.add(
        Player.CalibrationRun(
          coreGHz: 4, tscGHz: 2.5,
          primitives: costs.map { name, ns in
            (name, [ns, ns + 50, ns, ns].map { $0 + 0.01 * Double(process) })
          }), prefix: "")
    }
    return samples
  }

  @Test func aCostIsTheDifferenceOfTwoPrimitives() throws {
    let samples = samples(["branch-random": 5, "branch-steady": 2, "plain-add": 0.5])
    let miss = try #require(Derivation.all.first { $0.step == .branchMiss })
    let ns = try #require(miss.estimate(samples, seed: 1))
    #expect((ns.value - 6).magnitude < 0.1, "half of the random branches are mispredicted")
    let plain = try #require(Derivation.all.first { $0.step == .usedCounterPlain })
    #expect((try #require(plain.estimate(samples, seed: 1)).value - 0.51).magnitude < 0.02)
    let unmeasured = try #require(Derivation.all.first { $0.step == .memoryLoad })
    #expect(unmeasured.estimate(samples, seed: 1) == nil)
    let negative = Derivation(step: .branchMiss, primitive: "plain-add", less: "branch-random")
    #expect(negative.estimate(samples, seed: 1)?.value == 0)
    #expect(negative.estimate(samples, seed: 1)?.low == 0)
  }
}
