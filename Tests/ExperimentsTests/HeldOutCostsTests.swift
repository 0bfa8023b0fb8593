import Costs
import Designs
import Testing

@testable import Experiments

/// Costs for one prediction at a time.
@Suite struct HeldOutCostsTests {
  /// Times from made-up costs: a header costs 2 ns, an atomic counter 4, a call 5.
  private func runs() throws -> [Run] {
    let designs = [
      Design(family: .pool), Design(family: .pool, changes: ["header": "16"]),
      Design(family: .pool, changes: ["used-counter": "atomic"]),
      Design(family: .pool, changes: ["header": "16", "used-counter": "atomic"]),
    ]
    return try (0..<6).flatMap { trace in
      try designs.map { design in
        var counts = [Float](repeating: 0, count: 8 * Step.count)
        var times: [Float] = []
        for window in 0..<8 {
          let share = 0.3 + 0.05 * Float((window * 7 + trace * 3) % 8)
          func set(_ step: Step, _ count: Float) {
            counts[window * Step.count + Int(step.rawValue)] = count
          }
          set(.mallocCall, share)
          set(.freeCall, 1 - share)
          var time = 5 + 3 * share
          if design["header"] == "16" {
            set(.headerWrite, share)
            time += 2 * share
          }
          if design["used-counter"] == "atomic" {
            set(.usedCounterAtomic, 1)
            time += 4
          }
          times.append(time * (1 + 0.01 * Float((window + 3 * trace) % 5 - 2)))
        }
        return try Run(
          trace: "t\(trace)", design: design, operations: [Float](repeating: 1024, count: 8),
          counts: counts, nanoseconds: times, meanStandardError: 0.05)
      }
    }
  }

  /// A design that is its own `before` is seen; the same one as what a change makes isn't.
  @Test func whatIsLeftOutDependsOnWhatIsChanged() throws {
    let costs = try HeldOutCosts(runs: runs(), isolated: [:], options: FitOptions())
    let atomic = Design(family: .pool, changes: ["used-counter": "atomic"])
    let header = Design(family: .pool, changes: ["header": "16"])
    let seen = try costs.model(trace: "t1", hiding: atomic, before: atomic)
    let unseen = try costs.model(trace: "t1", hiding: atomic, before: Design(family: .pool))
    #expect(seen.cost(.usedCounterAtomic).value != unseen.cost(.usedCounterAtomic).value)
    let other = try costs.model(trace: "t1", hiding: header, before: Design(family: .pool))
    #expect(other.error.variantFolds == unseen.error.variantFolds)
    #expect(seen.error.variantFolds == unseen.error.variantFolds + 1)
    #expect(seen.error.traceFolds == 5)
  }

  /// The widest interval is most often that of a cost which is only assumed.
  @Test func theNextRunMayBeOneForAnAssumedCost() throws {
    let runs = try runs()
    // An atomic counter that is touched once in ten thousand calls: nothing tells what it costs.
    func rarely(_ run: Run) throws -> Run {
      var counts = run.counts
      for window in 0..<run.windows {
        counts[window * Step.count + Int(Step.usedCounterAtomic.rawValue)] *= 1e-4
      }
      return try Run(
        trace: run.trace, design: run.design, operations: run.operations, counts: counts,
        nanoseconds: run.nanoseconds, meanStandardError: run.meanStandardError)
    }
    let measured = try runs.filter { !$0.design.description.contains("atomic") || $0.trace == "t0" }
      .map(rarely)
    let set = try TrainingSet(runs: measured, priors: Priors(isolated: [:]))
    let fit = try CostFit(set, schemes: [])
    #expect(!fit.model.isIdentifiable(Int(Step.usedCounterAtomic.rawValue)))
    let gathered = FitExperiment.Gathered(
      runs: measured, coreGHz: 3, otherSessions: [],
      possible: runs.map { ExperimentPlanner.Candidate(run: $0, seconds: 1) },
      speed: MachineSpeed([]), fitOptions: FitOptions())
    let next = try #require(try gathered.next(fit))
    #expect(next.step == "used-counter-atomic")
    #expect(next.design.contains("atomic") && next.trace != "t0")
    #expect(next.share > 0.01)
  }

  /// Where nothing of a toggle is seen, its step is as dear as is assumed, and payoffs are as far
  /// off as those of toggles that nobody had set.
  @Test func unseenTogglesHaveTheirOwnError() throws {
    let atomic = Design(family: .pool, changes: ["used-counter": "atomic"])
    let pool = Design(family: .pool)
    let usual = try HeldOutCosts(runs: runs(), isolated: [:], options: FitOptions())
      .model(trace: "t1", hiding: atomic, before: pool)
    let unseen = try HeldOutCosts(
      runs: runs(), isolated: [:], options: FitOptions(), hidesToggles: true
    ).model(trace: "t1", hiding: atomic, before: pool)
    #expect(unseen.error.payoffShare >= usual.error.payoffShare)
    #expect(unseen.error.payoffShare == unseen.error.unseenPayoffShare)
  }
}
