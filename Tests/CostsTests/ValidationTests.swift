import Designs
import Platform
import Testing

@testable import Costs

@Suite struct ValidationTests {
  private func set(_ seed: UInt64, runNoise: Double = 0.01, priors: Priors = [:]) throws
    -> TrainingSet
  {
    var planted = PlantedRuns(seed: seed, traces: 8, windows: 16, runNoise: runNoise)
    var options = FitOptions()
    options.resamples = 100
    return try TrainingSet(runs: planted.runs(), priors: priors, options: options)
  }

  private func validate(_ scheme: ValidationScheme, _ set: TrainingSet) throws -> Validation {
    try set.validate(scheme, set.fitted(keep: set.options.foldResamples))
  }

  @Test func heldOutTracesAreNotSeen() throws {
    let set = try set(1)
    for scheme in ValidationScheme.allCases {
      for fold in set.folds(scheme) {
        #expect(Set(fold.training).isDisjoint(with: fold.heldOut))
        #expect(fold.training.count + fold.heldOut.count == set.runs.count)
      }
    }
    for fold in set.folds(.leaveOneTraceOut) {
      #expect(!fold.training.contains { set.runs[$0].trace == fold.name })
    }
    for fold in set.folds(.leaveOneToggleOut) {
      let parts = fold.name.split(separator: ",")
      let toggle = parts[1].split(separator: "=").map(String.init)
      #expect(
        !fold.training.contains {
          let design = set.runs[$0].design
          return design.family.name == parts[0] && design[toggle[0]] == toggle[1]
        })
    }
  }

  @Test func plantedCostsPredictWhatWasNotSeen() throws {
    let set = try set(2)
    let trace = try validate(.leaveOneTraceOut, set)
    #expect(trace.runs == 64)
    #expect(trace.totalErrorPercent < 5)
    let variant = try validate(.leaveOneVariantOut, set)
    let nearest = try #require(variant.nearestVariantErrorPercent)
    #expect(variant.totalErrorPercent < 0.5 * nearest)
    #expect(variant.constantErrorPercent > nearest)
  }

  @Test func anUnseenToggleCostsWhatCalibrationFound() throws {
    let without = try validate(.leaveOneToggleOut, set(3))
    let with = try validate(
      .leaveOneToggleOut, set(3, priors: Priors(isolated: [.usedCounterAtomic: 4.5])))
    func error(_ validation: Validation) -> Double {
      Validation.mean(
        validation.heldOut.filter { $0.fold == "pool,used-counter=atomic" }
          .map { $0.errorPercent.magnitude })
    }
    #expect(error(with) < 0.3 * error(without))
  }

  @Test func intervalsCoverHeldOutRuns() throws {
    var inside = 0.0
    for seed in 1...6 {
      let validation = try validate(
        .leaveOneTraceOut, set(UInt64(seed) + 10, runNoise: 0.05))
      inside += try #require(validation.coverage(level: 0.95)).percent / 6
    }
    #expect(inside > 90)
    #expect(inside < 100)
  }

  @Test func nearestIsByTogglesAndFamily() {
    let plain = Design(family: .pool)
    let atomic = Design(family: .pool, changes: ["used-counter": "atomic"])
    let both = Design(family: .pool, changes: ["used-counter": "atomic", "header": "16"])
    #expect(TrainingSet.distance(both, atomic) == 1)
    #expect(TrainingSet.distance(both, plain) == 2)
    #expect(TrainingSet.distance(both, Design(family: .reuse)) == 1000)
  }

  @Test func aGapIsTakenApartWithoutItsTrace() throws {
    var planted = PlantedRuns(
      seed: 21, traces: 9, windows: 32, noise: 0.03, runNoise: 0.003)
    let runs = try planted.runs()
    let from = try #require(runs.first { $0.trace == "t4" && $0.design["header"] == "32" })
    let to = try #require(runs.first { $0.trace == "t4" && $0.design == Design(family: .pool) })
    func explain(_ runs: [Run]) throws -> Explanation {
      let model = try TrainingSet(runs: runs.filter { $0.trace != "t4" }).model()
      return Explanation(model, from: from, to: to, gap: measured, noiseFloorNs: 0.1)
    }
    let gap = from.meanNanoseconds - to.meanNanoseconds
    let measured = Estimate(value: gap, low: nil, high: nil)
    let explained = try explain(runs)
    let sum = explained.terms.reduce(0) { $0 + $1.ns.value }
    #expect((sum + explained.unexplainedNs - gap).magnitude < 1e-9)
    #expect(
      (explained.unexplainedRangeNs.value - explained.unexplainedNs).magnitude < 1e-9)
    #expect(explained.unexplainedRangeNs.low == nil, "the gap itself has no interval here")
    #expect(explained.unexplainedNs.magnitude < 0.3 * gap.magnitude)
    let header = try #require(explained.terms.first { $0.step == "header-write" })
    #expect(header.countDifferencePerEvent > 0)
    #expect(header.ns.contains(header.countDifferencePerEvent * 1.2))
  }

  @Test func thePlannerPrefersWhatTellsMore() throws {
    var planted = PlantedRuns(seed: 41, traces: 3, windows: 8)
    let runs = try planted.runs()
    let candidates = runs.map { ExperimentPlanner.Candidate(run: $0, seconds: 1) }
    // Defaults on every trace are known: the atomic counter's column is only in variants with it.
    let known = runs.indices.filter { runs[$0].design == Design(family: .pool) }
    var planner = ExperimentPlanner(candidates, measured: Set(known))
    let narrowing = try #require(
      planner.narrowing(column: Int(Step.usedCounterAtomic.rawValue)))
    #expect(runs[narrowing.index].design["used-counter"] == "atomic")
    var order: [Int] = []
    while let next = planner.next() { order.append(next) }
    #expect(order.count == runs.count - known.count)
    #expect(Set(order).count == order.count)
    // The first few cover different designs before any design comes a third time.
    #expect(Set(order.prefix(3).map { runs[$0].design }).count >= 2)
  }

  @Test func aFitNeedsTwoRuns() {
    #expect(throws: CostsError.tooFewRuns(have: 0, need: 2)) { try TrainingSet(runs: []) }
  }
}
