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

  /// Two traces of one program are one witness: neither is predicted by a fit that saw the other.
  @Test func tracesOfOneProgramAreLeftOutTogether() throws {
    let old = try set(5).runs
    func siblings(_ programs: [String: String]) throws -> TrainingSet {
      var options = FitOptions()
      options.resamples = 20
      return try TrainingSet(
        runs: old.map {
          try Run(
            trace: $0.trace, design: $0.design, operations: $0.operations, counts: $0.counts,
            nanoseconds: $0.nanoseconds, meanStandardError: $0.meanStandardError,
            program: programs[$0.trace])
        }, options: options)
    }
    let git = try siblings(["t1": "git", "t6": "git"])
    let fold = try #require(git.folds(.leaveOneTraceOut).first { $0.name == "t1" })
    #expect(Set(fold.heldOut.map { git.runs[$0].trace }) == ["t1"])
    #expect(Set(fold.left.map { git.runs[$0].trace }) == ["t1", "t6"])
    #expect(Set(fold.training.map { git.runs[$0].trace }).isDisjoint(with: ["t1", "t6"]))
    #expect(fold.training.count + fold.left.count == git.runs.count)
    // Of eight traces seven are independent.
    #expect(try git.costTable().degreesOfFreedom == 6)
    #expect(try set(5).costTable().degreesOfFreedom == 7)
    // Nothing of what is left out is in the fit that predicts both a trace and a variant.
    let fitted = try git.fitted(keep: 8)
    let found = git.examine([.leaveOneTraceAndVariantOut], fitted)[0]
    #expect(found.held.count == git.runs.count)
    let design = Design(family: .pool, changes: ["header": "32"])
    let training = git.runs.indices.filter {
      !["t1", "t6"].contains(git.runs[$0].trace) && git.runs[$0].design != design
    }
    let model = try git.fitted(runs: training).model
    let run = try #require(old.first { $0.trace == "t1" && $0.design == design })
    let raw = try #require(
      found.held.first { $0.run.trace == "t1" && $0.run.design == design.description })
    #expect((raw.run.modelNs / run.predictedMean(model.costs) - 1).magnitude < 0.02)
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

  /// What a trace of next to no operations makes of a mean says nothing of most runs.
  @Test func mediansOverRunsStandBesideMeans() throws {
    let old = try set(4).runs
    let runs = try old.map { run in
      guard run.trace == "t5" else { return run }
      return try Run(
        trace: run.trace, design: run.design, operations: run.operations, counts: run.counts,
        nanoseconds: run.nanoseconds.map { 200 * $0 }, meanStandardError: run.meanStandardError)
    }
    var options = FitOptions()
    options.resamples = 20
    let found = try validate(.leaveOneTraceOut, TrainingSet(runs: runs, options: options))
    let mean = try #require(found.nearestVariantErrorPercent)
    let median = try #require(found.medianNearestVariantErrorPercent)
    #expect(mean > 1000 && median > 1000, "every other trace is compared with the odd one as well")
    #expect(found.medianErrorPercent < found.totalErrorPercent)
    let one = found.heldOut.map { $0.errorPercent.magnitude }.sorted()
    #expect(found.medianErrorPercent == (one[31] + one[32]) / 2)
    #expect(found.medianConstantErrorPercent <= found.constantErrorPercent)
  }

  /// A cost that only a sum of others is known with names them.
  @Test func nullDirectionsNameTheirSteps() throws {
    var random = SeededGenerator(seed: 77)
    let runs = try (0..<8).map { trace in
      var counts: [Float] = []
      var times: [Float] = []
      for _ in 0..<16 {
        let (a, b) = (Float(random.unit()), Float(random.unit()))
        let here: [Step: Float] = [
          .mallocCall: 1, .headerWrite: a, .cacheLookup: b, .magicCheck: a + b,
          .pageLookup: Float(random.unit()),
        ]
        counts += Step.allCases.map { here[$0] ?? 0 }
        times.append(5 + 4 * a + 5 * b + 2 * (here[.pageLookup] ?? 0))
      }
      return try Run(
        trace: "t\(trace)", design: Design(family: .pool),
        operations: [Float](repeating: 1024, count: 16), counts: counts, nanoseconds: times)
    }
    let table = try TrainingSet(runs: runs).costTable()
    let dependency = try #require(table.dependencies.first)
    #expect(table.dependencies.count == 1)
    #expect(Set(dependency.steps) == ["header-write", "cache-lookup", "magic-check"])
    #expect(dependency.ns.count == 3 && dependency.ns[0] == 1)
    let header = try #require(table.line(Int(Step.headerWrite.rawValue)))
    #expect(Set(header.partners) == ["cache-lookup", "magic-check"] && !header.identifiable)
    let lookup = try #require(table.line(Int(Step.pageLookup.rawValue)))
    #expect(lookup.partners.isEmpty && lookup.identifiable)
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
