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
    #expect(cold.deviation == Step.segmentInit.info.assumedNs)
    let warm = try #require(priors[Int(Step.headerWrite.rawValue)])
    #expect(warm.deviation == 0.3, "what is at hand in place as well costs no more for it")
    #expect(Prior(isolated: 5, order: 2).deviation == 5)
  }

  /// A toggle's alternative is measured alone as what it takes more: the rest is no step's cost.
  @Test func whatAnAlternativeIsComparedWithCostsNothing() {
    let baselines = Step.allCases.filter { $0.info.isolation == .baseline }
    #expect(baselines.contains(.fastPathInlined))
    for step in baselines { #expect(Prior(assumed: step) == Prior(isolated: 0)) }
    #expect(Prior(isolated: 0).deviation == 0.3)
    #expect(Prior(assumed: .freeListPop) == Prior(mean: 1, deviation: 1))
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

  /// Three designs of one session and one of another; the second is the first's twin.
  private func noise(of errors: [Double?], times: [Float] = [10, 10.2, 20, 10]) throws -> RunNoise {
    let designs: [([String: String], [Step: Float])] = [
      ([:], [.mallocCall: 1, .branchHinted: 1]),
      (["encoding": "xor-rotate"], [.mallocCall: 1, .branchHinted: 1]),
      (["branch-hints": "off"], [.mallocCall: 1, .branchUnhinted: 1]),
      (["header": "16"], [.mallocCall: 1, .headerWrite: 1]),
    ]
    let runs = try zip(designs, times).enumerated().map { place, one in
      try Run(
        trace: "t", design: Design(family: .pool, changes: one.0.0), operations: [1024],
        counts: Step.allCases.map { one.0.1[$0] ?? 0 }, nanoseconds: [one.1],
        meanStandardError: errors[place], nullStandardError: 0.4, session: place == 3 ? 1 : 0)
    }
    return try RunNoise(TrainingSet(runs: runs), [0, 1, 2, 3])
  }

  /// Designs that take the same steps are replays of one; those that take others as often are not.
  /// They say what nobody else does.
  @Test func noiseIsWhatTwinsDifferByWhereNothingWasRepeated() throws {
    let noise = try noise(of: [nil, nil, nil, 0.3])
    // Two values 2 % apart scatter by that over the root of 2.
    let first = try #require(noise.deviations[0])
    #expect((first / 10 - 0.02 / 2.0.squareRoot()).magnitude < 0.001)
    let third = try #require(noise.deviations[2])
    #expect((third / 20 - 0.02 / 2.0.squareRoot()).magnitude < 0.001)
    #expect(noise.deviations[3] == 0.3)
  }

  /// Other code for the same steps is the model's error, not the measurement's.
  @Test func noiseIsTheStandardErrorWhereItIsKnown() throws {
    let noise = try noise(of: [0.03, 0.04, 0.05, 0.12], times: [10, 15, 20, 10])
    #expect(noise.deviations[0] == 0.03)
    // All runs of a session share the null replays' error: their differences are free of it.
    #expect((try #require(noise.difference(0, 1)) - 0.05).magnitude < 1e-12)
    let apart = 0.05 * 0.05 + 0.12 * 0.12 + 2 * 0.4 * 0.4
    #expect((try #require(noise.difference(2, 3)) - apart.squareRoot()).magnitude < 1e-12)
  }

  /// Without repeats, builds or twins nobody knows which payoffs are over the noise.
  @Test func withoutRepeatsAndTwinsTheNoiseIsUnknown() throws {
    let old = try set(37).runs
    let runs = try old.map {
      try Run(
        trace: $0.trace, design: $0.design, operations: $0.operations, counts: $0.counts,
        nanoseconds: $0.nanoseconds)
    }
    var options = FitOptions()
    options.resamples = 20
    let set = try TrainingSet(runs: runs, options: options)
    let noise = RunNoise(set, Array(runs.indices))
    #expect(noise.deviations.allSatisfy { $0 == nil })
    #expect(noise.difference(0, 1) == nil)
    let fitted = try set.fitted(keep: 8)
    #expect(set.validate(.leaveOneVariantOut, fitted).payoffSummary == nil)
    #expect(set.validate(.leaveOneTraceOut, fitted).gaps.isEmpty)
  }

  /// A run of next to no time has an enormous relative error: its total counts no more than its
  /// windows do, relative to a nanosecond.
  @Test func aRunOfAlmostNoTimeDoesNotOutweighOthers() throws {
    let run = try Run(
      trace: "tiny", design: Design(family: .pool), operations: [1024, 1024],
      counts: (0..<2).flatMap { _ in Step.allCases.map { $0 == .mallocCall ? 1 : 0 } },
      nanoseconds: [0.05, 0.05])
    let options = FitOptions()
    let rows = RunRows(
      run: run, trace: 0, variant: 0, options: options, places: Array(0..<Column.count))
    #expect(rows.totalScale == RunRows.floor)
    let sums = rows.sums(robust: nil, parts: 1, options: options)[0]
    // Rows and total together: 100 of precision, in squares of a nanosecond.
    #expect((sums.gram[0] - 100).magnitude < 1e-6)
    #expect((sums.right[0] - 5).magnitude < 1e-6)
    let doubted = rows.sums(robust: [1, 1, 0.5], parts: 1, options: options)[0]
    #expect((doubted.gram[0] - 75).magnitude < 1e-6)
  }

  /// Huber's weights and the fitted time's correction apply to whole runs as to their windows.
  @Test func aRunThatIsOffIsBoundedAsAWhole() throws {
    var planted = PlantedRuns(seed: 38, traces: 8, windows: 16, noise: 0.02, runNoise: 0.002)
    var runs = try planted.runs()
    let place = try #require(
      runs.firstIndex {
        $0.trace == "t2" && $0.design == Design(family: .pool, changes: ["header": "32"])
      })
    let odd = runs[place]
    runs[place] = try Run(
      trace: odd.trace, design: odd.design, operations: odd.operations, counts: odd.counts,
      nanoseconds: odd.nanoseconds.map { 3 * $0 })
    let set = try TrainingSet(runs: runs)
    let fit = RobustFit(set, runs: Array(runs.indices))
    let rows = set.rows[place]
    let (relative, corrections) = rows.residuals(fit.costs)
    #expect(relative.count == rows.rows + 1 && corrections.count == rows.rows + 1)
    #expect(try #require(relative.last) > 0.5)
    let header = try #require(set.columns.firstIndex(of: Int(Step.headerWrite.rawValue)))
    #expect((fit.costs[header] - 1.2).magnitude < 0.15, "header at \(fit.costs[header])")
  }

  /// What lies in another session than its default has no payoff.
  @Test func payoffsAreOfOneSession() throws {
    let old = try set(36).runs
    let runs = try old.map {
      try Run(
        trace: $0.trace, design: $0.design, operations: $0.operations, counts: $0.counts,
        nanoseconds: $0.nanoseconds, meanStandardError: $0.meanStandardError,
        session: $0.design["header"] == "32" ? 1 : 0)
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
