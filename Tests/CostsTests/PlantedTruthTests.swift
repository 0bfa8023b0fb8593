import Designs
import Foundation
import Platform
import Testing

@testable import Costs

/// The statistics against known answers.
@Suite struct PlantedTruthTests {
  private static var options: FitOptions {
    var options = FitOptions()
    options.resamples = 80
    options.rowsPerRun = 12
    return options
  }

  private func line(_ table: CostTable, _ step: Step) throws -> CostTable.Line {
    try #require(table.line(Int(step.rawValue)))
  }

  @Test func costsLieInTheirIntervals() throws {
    let seeds = 200
    var inside: [Step: Int] = [:]
    for seed in 1...seeds {
      var options = Self.options
      options.seed = UInt64(seed)
      var planted = PlantedRuns(seed: UInt64(seed), windows: 12, layoutNoise: 0.01)
      let table = try TrainingSet(runs: planted.runs(), options: options).costTable()
      for (step, truth) in PlantedRuns.truth {
        let estimate = try #require(try line(table, step).ns)
        // These two always occur together: their one cost is the sum.
        let expected = [.siteHash, .cacheLookup].contains(step) ? 5 : truth
        if estimate.contains(expected) { inside[step, default: 0] += 1 }
      }
    }
    for step in PlantedRuns.truth.keys {
      let percent = 100 * Double(inside[step] ?? 0) / Double(seeds)
      #expect(percent >= 90, "\(step.name): inside in \(percent) % of \(seeds) seeds")
      // At the bound an interval that holds zero is right every time.
      #expect(
        percent <= 99.5 || step == .magicCheck,
        "\(step.name): inside in \(percent) % of \(seeds) seeds")
    }
  }

  @Test func stepsThatAlwaysOccurTogetherAreOneGroup() throws {
    var planted = PlantedRuns(seed: 5)
    let table = try TrainingSet(runs: planted.runs(), options: Self.options).costTable()
    let hash = try line(table, .siteHash)
    let lookup = try line(table, .cacheLookup)
    #expect(hash.group == "site-hash+cache-lookup")
    #expect(hash.group == lookup.group)
    #expect(hash.ns == lookup.ns)
    #expect(!hash.identifiable)
    let own = try line(table, .usedCounterAtomic)
    #expect(own.group == nil)
    #expect(own.identifiable)
  }

  @Test func whatNeverRanHasNoCost() throws {
    var planted = PlantedRuns(seed: 6)
    let table = try TrainingSet(runs: planted.runs(), options: Self.options).costTable()
    let never = try line(table, .policyRandom)
    #expect(never.ns == nil)
    #expect(!never.identifiable)
  }

  @Test func equalCallsAreAWideAnswerNotTwoInventedOnes() throws {
    var planted = PlantedRuns(seed: 7)
    let table = try TrainingSet(runs: planted.runs(coupled: true), options: Self.options)
      .costTable()
    let malloc = try line(table, .mallocCall)
    let free = try line(table, .freeCall)
    #expect(malloc.group == free.group)
    #expect(malloc.group != nil)
    let estimate = try #require(malloc.ns)
    #expect(estimate.value >= 0)
    #expect(estimate.value < 15)
    #expect(!malloc.identifiable)
  }

  @Test func fewTracesGiveWiderIntervals() throws {
    var widths: [Double] = []
    for traces in [2, 12] {
      var planted = PlantedRuns(seed: 8, traces: traces, windows: 16)
      let table = try TrainingSet(runs: planted.runs(), options: Self.options).costTable()
      let estimate = try #require(try line(table, .usedCounterAtomic).ns)
      widths.append(try #require(estimate.high) - (try #require(estimate.low)))
      #expect(table.degreesOfFreedom == 7)
    }
    #expect(widths[0] > widths[1])
  }

  @Test func anIntervalAtTheBoundStartsThereAndReachesUp() throws {
    for seed in 1...20 {
      var planted = PlantedRuns(seed: UInt64(seed), traces: 6, windows: 12)
      let table = try TrainingSet(runs: planted.runs(), options: Self.options).costTable()
      let free = try #require(try line(table, .magicCheck).ns)
      #expect(free.low == 0)
      #expect(try #require(free.high) > 0)
    }
  }

  /// A cost that is four times what is assumed of it, in a quarter of a few runs that otherwise fit
  /// closely: the runs that show it are no outliers.
  @Test func fewRunsTellACostFromItsPrior() throws {
    var planted = PlantedRuns(seed: 12, traces: 4, windows: 12, noise: 0.004, runNoise: 0.001)
    var priors: Priors = [:]
    for (step, truth) in PlantedRuns.truth {
      let mean = step == .usedCounterAtomic ? truth / 4 : max(truth, 0.1)
      priors[Int(step.rawValue)] = Prior(mean: mean, deviation: mean)
    }
    let runs = try planted.runs()
    func cost(_ options: FitOptions) throws -> Estimate {
      try TrainingSet(runs: runs, priors: priors, options: options).costs()
        .cost(.usedCounterAtomic)
    }
    let found = try cost(Self.options)
    #expect((found.value - 4.5).magnitude < 0.2, "\(found)")
    #expect(found.contains(4.5), "\(found)")
    // If all were taken to be off by a tenth, the prior would have its way.
    var loose = Self.options
    loose.mostPrecision = loose.precision
    let held = try cost(loose)
    #expect(held.value < 4.2 && held.value < found.value - 0.3, "\(held)")
  }

  /// Half a normal distribution, and one that is cut off far out.
  @Test func whatIsLeftOfANormalDistributionAboveZero() {
    let half = BoundedPosterior.upper(mean: 0, deviation: 2, level: 0.95)
    #expect((half / 2 - 1.959964).magnitude < 1e-4)
    let cut = BoundedPosterior.upper(mean: -2, deviation: 1, level: 0.95)
    // 0.05 × P(z > 2) = 0.0011375 = P(z > 3.05228)
    #expect((cut - 1.05228).magnitude < 1e-3)
    let near = BoundedPosterior.upper(mean: -19.99, deviation: 1, level: 0.95)
    let far = BoundedPosterior.upper(mean: -20.01, deviation: 1, level: 0.95)
    #expect(far > 0 && (near / far - 1).magnitude < 0.01)
  }

  /// A check that makes it faster: there is no such cost.
  private func runsOfACostBelowZero() throws -> [Run] {
    var planted = PlantedRuns(seed: 9, traces: 8, windows: 12, noise: 0.02, runNoise: 0.001)
    return try planted.runs().map { run in
      guard run.design.family == .reuse, run.design["magic-check"] == "on" else { return run }
      return try Run(
        trace: run.trace, design: run.design, operations: run.operations, counts: run.counts,
        nanoseconds: run.nanoseconds.map { 0.8 * $0 }, meanStandardError: run.meanStandardError)
    }
  }

  /// Where the rows pull a cost far below zero every draw lies at the bound; the interval doesn't.
  @Test func aCostThatAllDrawsPutAtZeroHasAnInterval() throws {
    let runs = try runsOfACostBelowZero()
    let table = try TrainingSet(runs: runs, options: Self.options).costTable()
    let check = try #require(try line(table, .magicCheck).ns)
    #expect(check.value == 0)
    #expect(try #require(check.high) > 0.01)
  }

  /// A payoff that rests on a cost at zero alone may be more, on the side that its count says.
  @Test func aPayoffOfACostAtZeroHasAnInterval() throws {
    let model = try TrainingSet(runs: runsOfACostBelowZero(), options: Self.options).model()
    let none = [Double](repeating: 0, count: Column.count)
    var twice = none
    twice[Int(Step.magicCheck.rawValue)] = 2
    let saved = model.payoff(from: twice, to: none)
    #expect(saved.value == 0)
    let low = try #require(saved.low)
    let high = try #require(saved.high)
    #expect(high > 0.02 && high > -low)
    let lost = model.payoff(from: none, to: twice)
    #expect(lost.low == -high && lost.high == -low)
  }

  /// What is printed and what verdicts are made of are the same, at the bound as elsewhere.
  @Test func theModelKnowsOfACostWhatTheTableSays() throws {
    let fit = try CostFit(
      TrainingSet(runs: runsOfACostBelowZero(), options: Self.options), schemes: [])
    let read = try JSONDecoder().decode(CostModel.self, from: JSONEncoder().encode(fit.model))
    var atBound = 0
    for line in fit.table.lines where line.group == nil && line.partners.isEmpty {
      guard let ns = line.ns, let step = Step(name: line.step) else { continue }
      for cost in [fit.model.cost(step), read.cost(step)] {
        #expect((cost.value - ns.value).magnitude < 1e-6, "\(line.step)")
        for (end, other) in [(cost.low, ns.low), (cost.high, ns.high)] {
          let far = try (#require(end) - #require(other)).magnitude
          #expect(far < 1e-4 * max(1, ns.value), "\(line.step)")
        }
        if cost.value == 0 { atBound += 1 }
        #expect(try #require(cost.high) > cost.value, "\(line.step)")
      }
    }
    #expect(atBound > 0)
  }
}
