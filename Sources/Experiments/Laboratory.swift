import Designs
import Foundation
import Models
import NativeDesigns
import Notebook
import Platform
import Replay
import Traces

/// Where runs come from: the notebook has what was simulated and measured before, models and the
/// player make the rest, and every piece is kept as soon as it is there.
public final class Laboratory {
  /// A trace with its identity.
  public struct Sample: Sendable {
    public let path: String
    public let hash: String
    public let workload: Workload
    /// As the user and the tables know it: the file's name without its extension, with a number
    /// where another trace has that name. The same content always has the same name.
    public let name: String
    /// Whether its file will be gone, so that nothing is noted of it.
    let isPassing: Bool

    /// What was recorded: the same for all traces of one program. A recipe makes another program
    /// of every seed and parameter.
    var program: String {
      let program = workload.trace.header.program
      return program.isEmpty || workload.trace.header.process == nil ? name : program
    }

    /// Whether it is of a recipe and of no program.
    var isGenerated: Bool { workload.trace.header.origin != nil }
  }

  public let notebook: Notebook
  let player: Player
  let compiler: VariantCompiler
  let systemLibraries = SystemLibraries()
  /// Of the designs that were asked for: the builds of each.
  var libraries: [Design: [URL]] = [:]
  let nullLibrary: URL
  let options: WorkloadOptions
  let machine: MachineGeometry
  let seed: UInt64
  /// In how many builds with different code placement an own design is measured.
  public let builds: Int
  /// Told after every replay and every simulation what was done.
  public var progress: (String) -> Void = { _ in }
  /// Told before a stretch of work what it is and how many times `progress` will be told of it.
  public var stage: (String, Int) -> Void = { _, _ in }
  /// Told what the user should know of the input.
  public var notice: (String) -> Void = { _ in }
  let optionsText: String
  var plan: (hash: String, plan: Plan)?
  let store: MeasurementStore
  /// Runs are told apart by the names of their traces: two traces never share one.
  private var names = TraceNames()

  /// The least that shows a scatter.
  public static let usualBuilds = 3

  /// - Parameter measuresAnew: whether what the notebook has measured is left aside.
  /// - Throws: `InstallationError` when the player or the null allocator is missing.
  public init(
    installation: Installation, notebook: Notebook, options: WorkloadOptions, seed: UInt64,
    processors: QuietProcessor? = nil, builds: Int = Laboratory.usualBuilds,
    measuresAnew: Bool = false
  ) throws {
    self.builds = builds
    self.notebook = notebook
    self.options = options
    self.seed = seed
    player = try Player(installation: installation, processors: processors)
    compiler = VariantCompiler(installation: installation)
    nullLibrary = try installation.nullAllocator()
    machine = .current()
    optionsText = try Subject.canonical(options)
    store = MeasurementStore(
      notebook: notebook, player: player, seed: seed, measuresAnew: measuresAnew)
  }

  /// Opens a trace, noting in the notebook where it was seen.
  /// - Parameter isPassing: for a file that will be gone, of which nothing is noted.
  public func open(_ path: String, isPassing: Bool = false) throws -> Sample {
    let trace = try TraceReader.runnable(path: path)
    if let loss = trace.loss { notice("\(path): only what is intact is used: \(loss)") }
    let hash = try SHA256.hexadecimal(ofFile: path)
    if !isPassing {
      try notebook.saw(
        trace: hash, path: path, program: trace.header.program, events: trace.eventCount)
    }
    return Sample(
      path: path, hash: hash, workload: Workload(trace: trace, options: options),
      name: names.name(path: path, hash: hash), isPassing: isPassing)
  }
}
