import Foundation
import Models
import NativeDesigns
import Notebook
import Platform
import Replay
import TestSupport
import Testing

@testable import Experiments

/// Times that follow from planted costs exactly, or but for noise.
@Suite struct ScoreCachingFitTests {
  private static let populations = [10, 20, 50, 100, 300, 1000, 2000]
  private static let planted: [ScoreCaching.Cost: Double] = [
    .call: 3, .comparison: 0.5, .insertion: 1, .misprediction: 9, .atomicLoad: 0.4,

    .comparedLine: 2, .passedLine: 1,
    .comparedTranslation: 0, .elementMove: 0.7, .byteMoved: 0.02, .byteCopied: 0.01,
    .referenceIncrement: 6, .referenceDecrement: 5,
  ]

  /// - Parameter spoilt: a population whose forms take ten times as long as they should.
  private func predictor(noise: Double = 0, spoilt: Int? = nil) -> ScoreCaching.Predictor {
    var random = SeededGenerator(seed: 4)
    var observations: [ScoreCaching.Observation] = []
    for population in Self.populations {
      let workload = ScoreCaching.Workload(population: population, warmUp: 2, epochs: 16, seed: 9)
      for kernel in ScoreCaching.Kernel.allCases {
        let counts = ScoreCaching.Model.counts(of: kernel, on: workload, geometry: .reference)
        var observation = ScoreCaching.Observation(kernel, workload, counts: counts, nanoseconds: 0)
        let allocation = 20 + sqrt(Double(population))
        var time = zip(ScoreCaching.Cost.allCases, observation.counts).reduce(0) {
          $0 + $1.1 * (Self.planted[$1.0] ?? 0)
        }
        if kernel == .allocate { time += allocation }
        if kernel == .caching { time += allocation }
        if kernel.isForm && population == spoilt { time *= kernel == .caching ? 10 : 3 }
        observation.nanoseconds = time * exp(noise * (random.unit() - 0.5))
        observations.append(observation)
      }
    }
    return ScoreCaching.Predictor(observations)
  }

  private func truth(_ population: Int, _ predictor: ScoreCaching.Predictor) -> Double {
    func time(_ kernel: ScoreCaching.Kernel) -> Double {
      predictor.observations.first { $0.kernel == kernel && $0.population == population }?
        .nanoseconds ?? 0
    }
    return log(time(.caching) / time(.loads))
  }

  @Test func whatWasPlantedIsPredictedWithoutSeeingIt() throws {
    let predictor = predictor()
    for population in Self.populations {
      let prediction = try predictor.prediction(population)
      #expect(abs(prediction.value - truth(population, predictor)) < 0.01, "\(population)")
    }
    // What is predicted is the sum of its parts.
    let terms = try predictor.terms(100)
    let times = [ScoreCaching.Kernel.loads, .caching].map { kernel in
      predictor.observations.first { $0.kernel == kernel && $0.population == 100 }?.nanoseconds ?? 0
    }
    #expect(abs(terms.reduce(0) { $0 + $1.ns } - (times[1] - times[0])) < 0.02 * times[0])
  }

  @Test func intervalsHoldUnderNoise() throws {
    let predictor = predictor(noise: 0.1)
    let inside = try Self.populations.count {
      try predictor.prediction($0).contains(truth($0, predictor))
    }
    #expect(inside >= Self.populations.count - 1)
    let costs = try predictor.costEstimates()
    #expect(costs.allSatisfy { ($0.low ?? -1) >= 0 && $0.high != nil })
    let increment = ScoreCaching.Cost.allCases.firstIndex(of: .referenceIncrement) ?? 0
    #expect(abs(costs[increment].value - 6) < 0.5)
  }

  @Test func thePredictedPopulationsFormsAreNotSeen() throws {
    let spoilt = predictor(spoilt: 100)
    #expect(try spoilt.prediction(100).value == predictor().prediction(100).value)
    #expect(try spoilt.prediction(300).value != predictor().prediction(300).value)
    // And the others' errors show in the interval.
    let width = { (estimate: Estimate) in (estimate.high ?? 0) - (estimate.low ?? 0) }
    #expect(try width(spoilt.prediction(300)) > 10 * width(predictor().prediction(300)))
  }

  @Test func aSinglePopulationSetsNoBounds() throws {
    let one = ScoreCaching.Predictor(predictor().observations.filter { $0.population == 50 })
    let prediction = try one.prediction(50)
    #expect(prediction.low == nil && prediction.high == nil)
  }

  @Test func theAnswerFlipsWhereTwoClearSignsMeet() {
    func change(_ value: Double, _ width: Double = 1) -> Estimate {
      Estimate(value: value, low: value - width, high: value + width)
    }
    let flips = ScoreCaching.Flip.all(in: [
      (10, change(60)), (100, change(20)), (1000, change(-0.5)), (10_000, change(-20)),
    ])
    #expect(flips.count == 1)
    #expect(flips.first?.after == 100 && flips.first?.before == 10_000)
    #expect(abs((flips.first?.near ?? 0) - 1000) < 1)
    let unclear = [(10, change(3)), (100, change(-1, 2))]
    #expect(ScoreCaching.Flip.all(in: unclear).isEmpty)
    #expect(ScoreCaching.Flip.all(in: unclear, clearly: false).map(\.before) == [100])
    #expect(ScoreCaching.Flip.all(in: [(10, Estimate(unbounded: 3)), (20, change(-9))]).isEmpty)
  }
}

/// What is kept of a study's processes.
@Suite struct ScoreCachingStoreTests {
  private let folder: PrivateFolder
  private let notebook: Notebook
  private let start = Date(timeIntervalSince1970: 1_700_000_000)
  private let series = [10, 20].map {
    ScoreCaching.Series(
      kernel: .loads,
      workload: ScoreCaching.Workload(population: $0, warmUp: 1, epochs: 16, seed: 1))
  }

  init() throws {
    folder = try PrivateFolder(prefix: "score-caching-test")
    notebook = try Notebook(path: folder.file("n.sqlite"))
  }

  private func store(after seconds: TimeInterval = 0) throws -> ScoreCaching.Store {
    let store = ScoreCaching.Store(
      notebook: notebook, allocator: "glibc", build: "b", seed: 1, now: { start + seconds })
    try store.begin(series, repeats: 2)
    return store
  }

  private func run(_ nanoseconds: Double) -> ScoreCaching.Run {
    ScoreCaching.Run(
      blockNanoseconds: [Double](repeating: nanoseconds, count: 16), coreGHz: 3, pageFaults: 0)
  }

  @Test func whatIsWholeIsFoundAgainAndWhatIsHalfIsFinishedWhileYoung() throws {
    let first = try store()
    for one in series { try first.keep(run(5), of: one, round: 0) }
    try first.keep(run(7), of: series[0], round: 1)
    // Minutes later the begun round is finished, days later it is begun anew.
    #expect(try store(after: 60).find(series[0], round: 1) == run(7))
    #expect(try store(after: 86_400).find(series[0], round: 1) == nil)
    #expect(try store(after: 86_400).find(series[1], round: 0) == run(5))
    try store(after: 60).keep(run(9), of: series[1], round: 1)
    #expect(try store(after: 86_400).find(series[1], round: 1) == run(9))
  }

  @Test func anotherPopulationIsMeasuredWithAllOthersAnew() throws {
    let first = try store()
    for round in 0..<2 { try first.keep(run(5), of: series[0], round: round) }
    #expect(try store(after: 60).find(series[0], round: 0) == nil)
  }
}

@Suite struct ScoreCachingProgramTests {
  @Test func timesAreThoseOfWholeBlocks() throws {
    let program = try ScoreCaching.Program(
      contender: Contender(name: "glibc", library: nil),
      compiler: testCompiler(), builds: 2, processors: nil)
    #expect(Set(program.timed.map(\.path)).count == 2)
    for round in 0..<2 {
      let run = try program.time(
        .caching, ScoreCaching.Workload(population: 20, warmUp: 4, epochs: 32, seed: 1),
        round: round)
      #expect(run.blockNanoseconds.count == 16 && run.nanoseconds > 0 && run.coreGHz > 0.1)
    }
  }

  @Test func aProgramThatFailsIsAnErrorThatNamesKernelAndPopulation() throws {
    let program = try ScoreCaching.Program(
      contender: Contender(name: "glibc", library: nil),
      compiler: testCompiler(), builds: 1,
      processors: QuietProcessor(processors: [1023], patience: 1) { _ in [1] })
    #expect {
      try program.time(
        .loads, ScoreCaching.Workload(population: 20, warmUp: 4, epochs: 32, seed: 1), round: 0)
    } throws: { error in
      "\(error)".contains("loads on 20 objects") && "\(error)".contains("processor")
    }
  }

  @Test func aLibraryThatIsNoAllocatorIsRefused() throws {
    let folder = try PrivateFolder(prefix: "score-caching-test")
    let library = folder.file("nothing.so")
    try Data("no library".utf8).write(to: URL(fileURLWithPath: library))
    let program = try ScoreCaching.Program(
      contender: Contender(name: "preload", library: URL(fileURLWithPath: library)),
      compiler: testCompiler(), builds: 1, processors: nil)
    #expect(throws: PlayerError.self) {
      try program.time(
        .loads, ScoreCaching.Workload(population: 20, warmUp: 4, epochs: 32, seed: 1), round: 0)
    }
  }
}
