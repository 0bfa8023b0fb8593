import Designs
import Foundation
import Platform
import Testing

@testable import Costs

/// What predicts: payoffs, times and terms from one model.
@Suite struct CostModelTests {
  private func set(
    _ seed: UInt64, priors: Priors = [:], noise: Double = 0.08, runNoise: Double = 0.01
  ) throws -> TrainingSet {
    var planted = PlantedRuns(
      seed: seed, traces: 8, windows: 16, noise: noise, runNoise: runNoise)
    var options = FitOptions()
    options.resamples = 60
    return try TrainingSet(runs: planted.runs(), priors: priors, options: options)
  }

  private func run(_ set: TrainingSet, _ trace: String, _ changes: [String: String]) throws -> Run {
    try #require(
      set.runs.first {
        $0.trace == trace && $0.design == Design(family: .pool, changes: changes)
      })
  }

  @Test func aFitIsStoredAndPredictsTheSame() throws {
    let fit = try CostFit(set(31), schemes: [.leaveOneTraceOut, .leaveOneVariantOut])
    let stored = try JSONDecoder().decode(CostFit.self, from: JSONEncoder().encode(fit))
    let set = try set(31)
    let run = set.runs[0]
    let first = try #require(
      stored.predict(countsPerOperation: run.meanCounts, design: run.design.description))
    #expect(
      first == fit.predict(countsPerOperation: run.meanCounts, design: run.design.description))
    #expect(first.contains(run.meanNanoseconds))
    let from = set.runs[2].meanCounts
    let mine = fit.model.payoff(from: from, to: run.meanCounts)
    let theirs = stored.model.payoff(from: from, to: run.meanCounts)
    #expect(mine.value == theirs.value)
    #expect((try #require(mine.low) - (try #require(theirs.low))).magnitude < 1e-4)
  }

  @Test func termsAddUpToThePayoff() throws {
    let set = try set(32)
    let model = try set.model()
    let from = try run(set, "t1", ["header": "32"]).meanCounts
    let to = try run(set, "t1", [:]).meanCounts
    let payoff = model.payoff(from: from, to: to)
    let terms = model.terms(from: from, to: to)
    #expect((terms.reduce(0) { $0 + $1.ns.value } - payoff.value).magnitude < 1e-9)
    #expect(model.payoff(from: to, to: from).value == -payoff.value)
    // From what was measured of one, the other is told.
    let measured = try run(set, "t1", ["header": "32"]).meanNanoseconds
    let told = model.time(to, from: (from, measured, 0.02))
    #expect(told.contains(try run(set, "t1", [:]).meanNanoseconds))
  }

  /// Noise of the measurement widens an interval, and no change at all leaves only it.
  @Test func noiseIsInTheInterval() throws {
    let set = try set(33)
    let model = try set.model()
    let counts = set.runs[0].meanCounts
    let nothing = model.payoff(from: counts, to: counts, noise: 0.5)
    #expect(nothing.value == 0)
    #expect((try #require(nothing.high) - model.quantile * 0.5).magnitude < 1e-12)
  }

  /// Costs that the data determine forget what was assumed; those that move say so.
  @Test func whatMovesWithItsPriorIsFlagged() throws {
    let priors = Priors(isolated: [:])
    let tripled = priors.mapValues { Prior(mean: 3 * $0.mean, deviation: 3 * $0.deviation) }
    let first = try set(34, priors: priors).costTable()
    let second = try set(34, priors: tripled).costTable()
    var moved = 0
    var stayed = 0
    for (one, other) in zip(first.lines, second.lines) {
      guard let old = one.ns?.value, let new = other.ns?.value, old > 0.05 else { continue }
      if one.priorShare <= CostModel.mostPriorShare {
        #expect(new / old < 1.5, "\(one.step)")
        #expect(one.remark == nil)
        stayed += 1
      } else {
        #expect(!one.identifiable)
        #expect(one.remark != nil)
        moved += 1
      }
    }
    #expect(stayed >= 6)
    // The hash and the lookup always occur together: what each of them costs is assumed.
    #expect(moved >= 1)
  }

  /// An assumption that nothing tests is as uncertain as it says.
  @Test func anAssumedCostHasTheWidthOfTheAssumption() throws {
    let model = try set(35, priors: Priors(isolated: [.policyRandom: 4])).model(
      isolated: [.policyRandom: 4])
    let column = Int(Step.policyRandom.rawValue)
    let cost = model.cost(column)
    #expect(cost.value == 4)
    #expect(try #require(cost.high) > 8)
    #expect(!model.isIdentifiable(column))
    #expect(model.remark(column) == "isolated, not measured in place")
    #expect(model.remark(Int(Step.adviseFree.rawValue)) == "assumed, not measured")
    #expect(model.remark(Int(Step.usedCounterAtomic.rawValue)) == nil)
  }

  /// Alone a step finds everything in the cache: what happens seldom may cost far more in place.
  @Test func aColdStepMayCostMoreThanAlone() throws {
    let priors = Priors(isolated: [.segmentInit: 0.3, .headerWrite: 0.3])
    let cold = try #require(priors[Int(Step.segmentInit.rawValue)])
    #expect(cold.mean == 0.3)
    #expect(cold.deviation == AssumedCosts.nanoseconds(.segmentInit))
    let warm = try #require(priors[Int(Step.headerWrite.rawValue)])
    #expect(warm.deviation == 1)
    #expect(Prior(isolated: 5, order: 2).deviation == 5)
  }

  @Test func heldOutPayoffsLieInTheirIntervals() throws {
    var inside = 0.0
    for seed in 1...4 {
      let set = try set(UInt64(seed) + 50, runNoise: 0.03)
      let fitted = try set.fitted(keep: 16)
      let found = try #require(set.validate(.leaveOneVariantOut, fitted).payoffSummary)
      // Six of eight designs differ from their family's default, on eight traces.
      #expect(found.runs == 48)
      #expect(try #require(found.rightSignPercent) > 90)
      inside += found.coveragePercent / 4
    }
    #expect(inside > 88)
  }

  /// Designs that take the same steps are replays of one; those that take others as often are not.
  @Test func noiseIsWhatTwinsDifferBy() throws {
    func run(_ changes: [String: String], _ steps: [Step: Float], _ time: Float) throws -> Run {
      try Run(
        trace: "t", design: Design(family: .pool, changes: changes), operations: [1024],
        counts: Step.allCases.map { steps[$0] ?? 0 }, nanoseconds: [time])
    }
    let set = try TrainingSet(runs: [
      run([:], [.mallocCall: 1, .branchHinted: 1], 10),
      run(["encoding": "xor-rotate"], [.mallocCall: 1, .branchHinted: 1], 10.2),
      run(["branch-hints": "off"], [.mallocCall: 1, .branchUnhinted: 1], 20),
    ])
    let noise = RunNoise(set, [0, 1, 2])
    // Two values 2 % apart scatter by that over the root of 2.
    #expect((noise.deviations[0] / 10 - 0.02 / 2.0.squareRoot()).magnitude < 0.001)
    #expect((noise.deviations[2] / 20 - 0.02 / 2.0.squareRoot()).magnitude < 0.001)
  }

  /// What lies in another session than its default has no payoff.
  @Test func payoffsAreOfOneSession() throws {
    let old = try set(36).runs
    let runs = try old.map {
      try Run(
        trace: $0.trace, design: $0.design, operations: $0.operations, counts: $0.counts,
        nanoseconds: $0.nanoseconds, session: $0.design["header"] == "32" ? 1 : 0)
    }
    var options = FitOptions()
    options.resamples = 20
    let set = try TrainingSet(runs: runs, options: options)
    let validation = try set.validate(.leaveOneVariantOut, set.fitted(keep: 10))
    let paired = validation.heldOut.filter { $0.payoff != nil }
    #expect(!paired.isEmpty)
    #expect(!paired.contains { $0.design == "pool,header=32" })
    // Reuse as it comes has a header of 32 bytes: its variants are of the other session.
    #expect(!paired.contains { $0.design == "reuse,header=16" })
    #expect(paired.contains { $0.design == "reuse,magic-check=off" })
  }
}
