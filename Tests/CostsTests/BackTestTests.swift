import Designs
import Foundation
import Platform
import Testing

@testable import Costs

/// The error of predictions, from what was held out without what has the answer in it.
@Suite struct BackTestTests {
  private func set(
    _ seed: UInt64, runNoise: Double = 0.01
  ) throws -> TrainingSet {
    var planted = PlantedRuns(seed: seed, traces: 8, windows: 16, runNoise: runNoise)
    var options = FitOptions()
    options.resamples = 40
    // A check that costs nothing has no payoff to be wrong about.
    let runs = try planted.runs().filter {
      $0.design.family == .pool || $0.design["magic-check"] == "on"
    }
    return try TrainingSet(
      runs: runs, priors: Priors(isolated: [.usedCounterAtomic: 4]), options: options)
  }

  private func payoff(
    measured: Double, predicted: Double, deviation: Double = 0, gross: Double = 10,
    noise: Double = 1
  ) -> Validation.RawPayoff {
    Validation.RawPayoff(
      measuredNs: measured, predictedNs: predicted, deviation: deviation, gross: gross,
      noise: noise)
  }

  @Test(arguments: [
    (2.0, 0.0, false), (2, 0.1, true), (-2, 0, false), (-2, -1, true), (2, -1, false),
  ])
  func aPredictionOfNothingHasNoSign(measured: Double, predicted: Double, isRight: Bool) {
    let found = payoff(measured: measured, predicted: predicted).payoff(share: 0.1, quantile: 2)
    #expect(found.hasRightSign == isRight)
  }

  /// What can't be measured lies in any interval: only what can says how wide they have to be.
  @Test func intervalsAreMadeForPayoffsOverTheNoise() throws {
    let small = (0..<200).map { _ in (["a"], payoff(measured: 0.5, predicted: 0.4)) }
    func shares(_ count: Int) -> PayoffShares {
      let large = (0..<count).map { place in
        (["b"], payoff(measured: 10, predicted: 10 + 4 * Double(place + 1) / Double(count)))
      }
      return PayoffShares(small + large, level: 0.95, quantile: 2)
    }
    let found = try #require(shares(PayoffShares.enough).share())
    #expect(found > 0.12, "the farthest but one is off by 3.8 of a gross change of 10")
    #expect(shares(PayoffShares.enough - 1).share() == 0, "too few: all count")
    #expect(shares(PayoffShares.enough).share(without: ["b"]) == 0)
    #expect(shares(3).share(without: ["a", "b"]) == nil)
  }

  /// As if on eight traces eight designs had been held out, each of them with its trace, and payoffs
  /// of 10 been predicted as `predicted` says.
  /// - Parameter generated: traces that are of recipes.
  private func test(
    generated: Set<String> = [],
    _ predicted: (_ trace: String, _ design: Design) -> Double
  ) -> BackTest {
    let toggles = Family.pool.toggles.filter { $0.values.count > 1 }.prefix(8)
    let designs = toggles.map { toggle in
      let value = toggle.values.first { $0 != toggle.defaultValue } ?? toggle.defaultValue
      return (design: Design(family: .pool, changes: [toggle.name: value]), value: value)
    }
    func examination(_ scheme: ValidationScheme) -> Examination {
      let held = (0..<8).flatMap { trace in
        zip(toggles, designs).map { toggle, one in
          let name = "t\(trace)"
          let payoff = payoff(measured: 10, predicted: predicted(name, one.design), noise: 0.1)
          let besides =
            scheme == .leaveOneTraceAndVariantOut
            ? Examination.fold(.leaveOneVariantOut, one.design.description)
            : Examination.fold(.leaveOneToggleOut, "pool,\(toggle.name)=\(one.value)")
          return Examination.Raw(
            run: Validation.HeldOut(
              fold: name, trace: name, design: one.design.description,
              isGenerated: generated.contains(name), measuredNs: 20,
              predictedNs: 30 - payoff.predictedNs, modelNs: 20, windowErrorPercent: 0,
              constantNs: 20, nearestVariantNs: nil, instructionsNs: nil, payoff: nil),
            folds: [Examination.fold(.leaveOneTraceOut, name), besides], payoff: payoff)
        }
      }
      return Examination(
        scheme: scheme, held: held, gaps: [], folds: 8, quantile: 2, level: 0.95)
    }
    let schemes: [ValidationScheme] = [.leaveOneTraceAndVariantOut, .leaveOneTraceAndToggleOut]
    return BackTest(examinations: schemes.map(examination))
  }

  /// What was found on a trace has the answer in it.
  @Test func theErrorOfATraceIsNotKnownFromIt() {
    let test = test { trace, _ in trace == "t3" ? 20 : 11 }
    #expect(test.error().payoffShare > 0.4)
    #expect(test.error(withoutTrace: "t4").payoffShare > 0.4)
    #expect(test.error(withoutTrace: "t3").payoffShare < 0.06)
    #expect(test.error(withoutTrace: "t3").unseenPayoffShare < 0.06)
  }

  /// What is to be predicted is a program: what was found on recipes counts only where there is
  /// nothing else.
  @Test func theErrorIsThatOfPrograms() {
    let wild: Set<String> = ["t3", "t5"]
    let test = test(generated: wild) { trace, _ in wild.contains(trace) ? 20 : 11 }
    #expect(test.error().payoffShare < 0.06 && test.error().unseenPayoffShare < 0.06)
    let all = Set((0..<8).map { "t\($0)" })
    let recipes = self.test(generated: all) { trace, _ in wild.contains(trace) ? 20 : 11 }
    #expect(recipes.error().payoffShare > 0.4)
  }

  /// The same for a design and for a toggle's value; a trace that is called as a design is another.
  @Test func theErrorOfADesignIsNotKnownFromIt() throws {
    let toggle = try #require(Family.pool.toggles.first { $0.values.count > 1 })
    let value = try #require(toggle.values.first { $0 != toggle.defaultValue })
    let design = Design(family: .pool, changes: [toggle.name: value])
    let test = test { _, other in other == design ? 20 : 11 }
    let all = test.error()
    #expect(all.payoffShare > 0.4 && all.unseenPayoffShare > 0.4)
    #expect(all.ofUnseenToggles.payoffShare == all.unseenPayoffShare)
    #expect(test.error(design: design).payoffShare < 0.06)
    #expect(test.error(withoutTrace: design.description).payoffShare > 0.4)
    let hidden = test.error(
      design: design, hiding: [(.pool, Design.Setting(toggle: toggle.name, value: value))])
    #expect(hidden.unseenPayoffShare < 0.06)
  }

  /// Neither the trace nor the variant is seen, and yet there are payoffs: both sides are on the
  /// trace.
  @Test func payoffsOnUnseenTracesAreOfFitsWithoutTraceAndVariant() throws {
    let set = try set(63)
    let found = try set.examine(
      [.leaveOneTraceAndVariantOut, .leaveOneTraceOut], set.fitted(keep: 8))
    let both = found[0]
    #expect(both.held.count == set.runs.count)
    let design = Design(family: .pool, changes: ["header": "32"])
    let one = try #require(
      both.held.first { $0.run.trace == "t2" && $0.run.design == design.description })
    #expect(one.folds.count == 2 && one.run.fold == "t2")
    let training = set.runs.indices.filter {
      set.runs[$0].trace != "t2" && set.runs[$0].design != design
    }
    let model = try set.fitted(runs: training).model
    func counts(_ design: Design) throws -> [Double] {
      try #require(set.runs.first { $0.trace == "t2" && $0.design == design }).meanCounts
    }
    let expected = model.payoff(
      from: try counts(Design(family: .pool)), to: try counts(design))
    let payoff = try #require(one.payoff)
    // Huber's weights are those of all runs.
    #expect((payoff.predictedNs / expected.value - 1).magnitude < 0.05)
    #expect(payoff.deviation > 0)
    let validations = found.map(Validation.init)
    for validation in validations {
      let summary = try #require(validation.payoffSummary)
      #expect(summary.runs == 40)
      #expect(try #require(summary.coverageOverNoisePercent) > 80)
      #expect(try #require(summary.medianHalfWidthOverNoisePercent) > 0)
    }
    #expect(validations[0].gaps.isEmpty && validations[1].gaps.count == 8)
  }

  @Test func gapsOnUnseenTracesHaveIntervalsOfTheirOwn() throws {
    var inside = 0
    var gaps = 0
    for seed in 1...5 {
      let set = try set(UInt64(seed) + 70, runNoise: 0.02)
      let found = try set.validate(.leaveOneTraceOut, set.fitted(keep: 16))
      #expect(found.gapShare != nil)
      for gap in found.gaps {
        gaps += 1
        if gap.isInInterval { inside += 1 }
        let rest = gap.unexplainedNs
        #expect((rest.value - (gap.measuredNs.value - gap.explainedNs.value)).magnitude < 1e-12)
        let width = try #require(rest.high) - (try #require(rest.low))
        let measured = try #require(gap.measuredNs.high) - (try #require(gap.measuredNs.low))
        #expect(width >= measured)
      }
    }
    #expect(gaps == 40)
    #expect(inside >= 32)
  }
}
