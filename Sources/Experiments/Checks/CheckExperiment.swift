import Designs
import Models
import NativeDesigns
import Platform
import Replay
import Traces

/// Compares models with counting builds, in every window; and, where asked, what depends on timing
/// and what instructions say.
public struct CheckExperiment {
  /// A design on a trace.
  public struct Comparison<Found: Sendable>: Sendable {
    /// The trace's path.
    public let trace: String
    public let design: Design
    public let found: Found
  }

  public struct Outcome: Sendable {
    public let exactness: [Comparison<ExactnessCheck.Outcome>]
    /// Nil where it wasn't asked for; traces of one thread are not among them.
    public let concurrency: [Comparison<ConcurrencyCheck.Outcome>]?
    /// Nil where it wasn't asked for.
    public let instructions: InstructionExperiment.Outcome?

    /// Whether nothing differs, and what was asked for besides is predicted and explained.
    public var isPassed: Bool {
      exactness.allSatisfy { $0.found.differing == 0 }
        && concurrency?.allSatisfy { $0.found.isPredicted } != false
        && instructions?.isExplained != false
    }
  }

  private let exactness: ExactnessCheck
  private let concurrency: ConcurrencyCheck?
  private let instructions: InstructionExperiment?
  private let designs: [Design]
  private let options: WorkloadOptions
  /// Told before a stretch of work what it is and how many times `progress` will be told of it.
  public var stage: (String, Int) -> Void = { _, _ in }
  /// Told after every comparison what was compared.
  public var progress: (String) -> Void = { _ in }

  /// - Parameters:
  ///   - concurrent: whether threads run beside each other too.
  ///   - instructions: how many operations of each trace valgrind runs; nil for none.
  /// - Throws: `InstructionCountError.valgrindMissing`.
  public init(
    player: Player, compiler: VariantCompiler, designs: [Design], options: WorkloadOptions,
    concurrent: Bool, instructions first: Int?
  ) throws(InstructionCountError) {
    self.designs = designs
    self.options = options
    exactness = ExactnessCheck(player: player, compiler: compiler)
    concurrency = concurrent ? ConcurrencyCheck(player: player, compiler: compiler) : nil
    if let first {
      instructions = InstructionExperiment(
        counting: try InstructionCount(player: player, compiler: compiler), designs: designs,
        first: first, options: options)
    } else {
      instructions = nil
    }
  }

  public func run(_ traces: [CheckedTrace]) throws -> Outcome {
    let sources = traces.map { ($0, Workload(trace: $0.reader, options: options)) }
    let threaded = concurrency == nil ? 0 : sources.count { $0.1.threads > 1 }
    stage("checking", (traces.count + threaded) * designs.count)
    var exact: [Comparison<ExactnessCheck.Outcome>] = []
    var concurrent: [Comparison<ConcurrencyCheck.Outcome>] = []
    for (trace, source) in sources {
      // In the recorded order on one thread: only that has one right answer.
      let plan = try Plan.compile(source)
      for design in designs {
        let found = try exactness.compare(source, design: design, plan: plan)
        exact.append(Comparison(trace: trace.path, design: design, found: found))
        progress("\(design) on \(trace.path)")
      }
      guard let concurrency, source.threads > 1 else { continue }
      let sequenced = try Plan.compile(workload: source)
      for design in designs {
        let found = try concurrency.compare(source, design: design, plan: sequenced)
        concurrent.append(Comparison(trace: trace.path, design: design, found: found))
        progress("\(design) on \(trace.path), its threads beside each other")
      }
    }
    if let instructions {
      stage(
        "counting instructions",
        CheckedTrace.distinct(traces).count * instructions.designs.count)
    }
    return Outcome(
      exactness: exact, concurrency: concurrency == nil ? nil : concurrent,
      instructions: try instructions?.run(traces, progress: progress))
  }
}
