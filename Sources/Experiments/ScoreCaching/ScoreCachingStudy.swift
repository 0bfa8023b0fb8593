import Designs
import Foundation
import Models
import NativeDesigns
import Notebook
import Platform
import Replay

extension ScoreCaching {
  /// Measures both forms and their steps on every population, and predicts each population's change
  /// from the others.
  public struct Study {
    /// Ascending, each once.
    public let populations: [Int]
    public let repeats: Int
    public let seed: UInt64
    let program: Program
    let store: Store
    let geometry: MachineGeometry
    /// Whether what the notebook has is left aside.
    let measuresAnew: Bool

    /// How many builds of the program take turns.
    private static let builds = 3

    /// - Parameter populations: from `Workload.populations`.
    public init(
      populations: [Int], repeats: Int, seed: UInt64, allocator: Allocator,
      installation: Installation, notebook: Notebook, processors: QuietProcessor?,
      measuresAnew: Bool = false
    ) throws {
      self.populations = Set(populations).sorted()
      self.repeats = repeats
      self.seed = seed
      let compiler = VariantCompiler(installation: installation)
      let contender = try Contender(allocator, compiler: compiler, builds: Self.builds)
      program = try Program(
        contender: contender, compiler: compiler, builds: Self.builds, processors: processors)
      let library = try contender.identities()[0]
      let build = try SHA256.hexadecimal(ofFile: program.timed[0].path)
      store = Store(
        notebook: notebook, allocator: contender.name,
        build: "\(library) \(build)", seed: seed)
      geometry = .current()
      self.measuresAnew = measuresAnew
    }

    /// As the user named it, canonical for own designs.
    public var allocator: String { program.contender.name }

    /// How many processes a run takes at most.
    public var processes: Int { series.count * repeats }

    private var series: [Series] {
      populations.flatMap { population in
        let workload = Workload(population: population, seed: seed)
        return Kernel.allCases.map { Series(kernel: $0, workload: workload) }
          + [Series(kernel: .loads, workload: workload, isTwin: true)]
      }
    }

    /// - Parameter progress: called after every process with what it ran.
    public func run(progress: (String) -> Void) throws -> Findings {
      let series = self.series
      if !measuresAnew { try store.begin(series, repeats: repeats) }
      var random = SeededGenerator(seed: seed)
      var runs: [Series: [Run]] = [:]
      for round in 0..<repeats {
        for one in series.shuffled(using: &random) {
          var run = store.find(one, round: round)
          if run == nil {
            let measured = try program.time(one.kernel, one.workload, round: round)
            try store.keep(measured, of: one, round: round)
            run = measured
          }
          if let run { runs[one, default: []].append(run) }
          progress("\(one.kernel.rawValue) \(one.workload.population)")
        }
      }
      let counts = Dictionary(
        uniqueKeysWithValues: series.filter { !$0.isTwin }.map {
          ($0, Model.counts(of: $0.kernel, on: $0.workload, geometry: geometry))
        })
      return try Findings(runs: runs, counts: counts, seed: seed)
    }
  }

  /// What the study found.
  public struct Findings: Sendable {
    public let rows: [Row]
    public let costs: [CostEstimate]
    /// The median of all processes.
    public let coreGHz: Double

    /// One population.
    public struct Row: Sendable {
      public let population: Int
      /// Nanoseconds per sort.
      public let loadsNs: Estimate
      public let cachingNs: Estimate
      /// What the second form takes beyond the sort of ready entries.
      public let overheadNs: Estimate
      /// Percent of the time of the first form by which the second is longer.
      public let predicted: Estimate
      public let measured: Estimate
      /// How far two series of the same form differ, in percent.
      public let noiseFloorPercent: Double?
      /// What the two allocations and their frees take alone.
      public let allocationNs: Estimate
      /// Parts of the predicted difference, nanoseconds per sort.
      public let terms: [Term]
      /// Steps per sort.
      public let loads: [Double]
      public let caching: [Double]
      /// Of the second form's steps, those that are not its sort's.
      public let overhead: [Double]
    }

    /// What a step was fitted to cost.
    public struct CostEstimate: Sendable {
      public let cost: Cost
      public let ns: Estimate
    }

    init(runs: [Series: [Run]], counts: [Series: Counts], seed: UInt64) throws {
      func times(_ series: Series) -> [Double] { (runs[series] ?? []).map(\.nanoseconds) }
      let observations = counts.map { series, counts in
        Observation(
          series.kernel, series.workload, counts: counts,
          nanoseconds: times(series).median())
      }.sorted { ($0.population, $0.kernel.rawValue) < ($1.population, $1.kernel.rawValue) }
      let predictor = Predictor(observations)
      let workloads = Set(counts.keys.map(\.workload)).sorted { $0.population < $1.population }
      rows = try workloads.map { workload in
        let loads = Series(kernel: .loads, workload: workload)
        let caching = Series(kernel: .caching, workload: workload)
        let sort = Series(kernel: .sortEntries, workload: workload)
        let allocate = Series(kernel: .allocate, workload: workload)
        var twin = loads
        twin.isTwin = true
        let noise = Self.change(from: times(loads), to: times(twin), seed: seed)
        func steps(_ series: Series) -> [Double] {
          (counts[series]?.steps ?? []).map { Double($0) / Double(workload.epochs) }
        }
        return Row(
          population: workload.population,
          loadsNs: RepeatStatistics.difference(times(loads), seed: seed),
          cachingNs: RepeatStatistics.difference(times(caching), seed: seed),
          overheadNs: RepeatStatistics.difference(times(caching), less: times(sort), seed: seed),
          predicted: Self.percent(try predictor.prediction(workload.population)),
          measured: Self.change(from: times(loads), to: times(caching), seed: seed),
          noiseFloorPercent: noise.low.flatMap { low in noise.high.map { max(abs(low), abs($0)) } },
          allocationNs: RepeatStatistics.difference(times(allocate), seed: seed),
          terms: try predictor.terms(workload.population), loads: steps(loads),
          caching: steps(caching), overhead: zip(steps(caching), steps(sort)).map { $0 - $1 })
      }
      costs = zip(Cost.allCases, try predictor.costEstimates()).map {
        CostEstimate(cost: $0, ns: $1)
      }
      coreGHz = runs.values.flatMap { $0.map(\.coreGHz) }.median()
    }

    /// Percent by which times grow, round by round.
    static func change(from: [Double], to: [Double], seed: UInt64) -> Estimate {
      percent(RepeatStatistics.difference(zip(to, from).map { log($0 / $1) }, seed: seed))
    }

    /// The percentage that a logarithm of a ratio is.
    static func percent(_ logarithm: Estimate) -> Estimate {
      func percent(_ value: Double) -> Double { 100 * (exp(value) - 1) }
      return Estimate(
        value: percent(logarithm.value), low: logarithm.low.map(percent),
        high: logarithm.high.map(percent))
    }
  }

  /// Where the sign of the change turns: between two populations with none of another sign between.
  public struct Flip: Equatable, Encodable, Sendable {
    public let after: Int
    public let before: Int
    /// Where the change is 0 if it follows the logarithm of the population.
    public let near: Double

    /// - Parameters:
    ///   - changes: by rising population.
    ///   - clearly: whether an interval with 0 in it leaves a change without a sign.
    public static func all(
      in changes: [(population: Int, change: Estimate)], clearly: Bool = true
    ) -> [Flip] {
      var flips: [Flip] = []
      var last: (population: Int, change: Estimate)?
      for next in changes {
        let isClear = (next.change.low ?? -1) > 0 || (next.change.high ?? 1) < 0
        guard isClear || !clearly else { continue }
        if let last, (last.change.value > 0) != (next.change.value > 0) {
          let share = last.change.value / (last.change.value - next.change.value)
          let (from, to) = (log(Double(last.population)), log(Double(next.population)))
          flips.append(
            Flip(
              after: last.population, before: next.population, near: exp(from + share * (to - from))
            ))
        }
        last = next
      }
      return flips
    }
  }
}
