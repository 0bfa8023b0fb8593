import Costs
import Designs
import Foundation

extension FitExperiment {
  /// A pair of a trace and a design, by their indices.
  struct Pair: Hashable {
    let sample: Int
    let design: Int
  }

  /// What is to be measured, and what else could be.
  struct Plan {
    /// In the order of all pairs.
    let chosen: [Pair]
    /// All pairs, as they were judged; empty where there was nothing to choose and nobody asks what
    /// would come next.
    let possible: [ExperimentPlanner.Candidate]
  }

  /// Nanoseconds per operation before anything is measured: only the planning depends on it.
  private static let guessedNanoseconds = 40.0
  /// Seconds that starting a player takes, and its clocks' calibration.
  private static let startSeconds = 0.035
  /// Seconds that one processor takes to compile a build.
  private static let compileSeconds = 0.35
  /// Operations per second that one processor counts, machine steps included.
  private static let countedPerSecond = 4e6
  /// Windows by which a run is judged before it is chosen: long enough for caches to fill and for
  /// what is freed to be allocated again.
  static let previewWindows = 32

  /// All runs that there could be. The traces that a bare fit generates weigh little: they are for
  /// its intervals, so that the families as they come are enough.
  func pairs(of samples: [Laboratory.Sample]) -> [Pair] {
    samples.indices.flatMap { sample in
      designs.indices.filter { !samples[sample].isPassing || designs[$0].isDefault }
        .map { Pair(sample: sample, design: $0) }
    }
  }

  /// Chooses within the budget, which the planning's own time is part of.
  func plan(_ samples: [Laboratory.Sample], namesNext: Bool) throws -> Plan {
    let clock = ContinuousClock()
    let start = clock.now
    let pairs = pairs(of: samples)
    let lackingRepeats = try samples.map {
      try laboratory.lackingRepeats($0, designs, repeats: repeats)
    }
    let lacking = pairs.map { lackingRepeats[$0.sample][$0.design] }
    let processors = Double(ProcessInfo.processInfo.activeProcessorCount)
    let compiling = Self.compileSeconds * Double(laboratory.builds) / processors
    let isCounted = try pairs.map {
      try laboratory.hasCounts(samples[$0.sample], designs[$0.design])
    }
    let seconds = pairs.indices.map { index in
      let operations = Double(samples[pairs[index].sample].workload.operationCount)
      let missing = Double(lacking[index] ?? repeats)
      let counting = isCounted[index] ? 0 : operations / Self.countedPerSecond
      return missing * (Self.startSeconds + operations * Self.guessedNanoseconds * 1e-9)
        + counting / processors
    }
    var chosen = pairs.indices.filter {
      lacking[$0] != nil || designs[pairs[$0].design].isDefault
    }
    // A design is compiled once, for the first of its traces.
    var toCompile = Set(designs.indices.filter { !laboratory.isCompiled(designs[$0]) })
    func cost(_ index: Int) -> Double {
      toCompile.remove(pairs[index].design) == nil ? seconds[index] : seconds[index] + compiling
    }
    var planned = chosen.reduce(0) { $0 + cost($1) }
    guard namesNext || planned < budget else {
      return Plan(chosen: chosen.map { pairs[$0] }, possible: [])
    }
    let previews = try laboratory.preview(
      pairs.map { (samples[$0.sample], designs[$0.design]) }, windows: Self.previewWindows)
    let candidates = try pairs.indices.map {
      ExperimentPlanner.Candidate(
        run: try previews[$0].guessed(nanoseconds: Self.guessedNanoseconds), seconds: seconds[$0])
    }
    var planner = ExperimentPlanner(candidates, measured: Set(chosen), options: fitOptions)
    planned += start.duration(to: clock.now) / .seconds(1)
    while planned < budget, let next = planner.next() {
      chosen.append(next)
      planned += cost(next)
    }
    return Plan(chosen: chosen.sorted().map { pairs[$0] }, possible: candidates)
  }
}
