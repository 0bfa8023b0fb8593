import Foundation
import NativeDesigns
import Platform
import Replay

extension ScoreCaching {
  /// What one process of the program measured.
  struct Run: Equatable, Codable, Sendable {
    /// Nanoseconds per epoch, one of every block of epochs.
    var blockNanoseconds: [Double]
    var coreGHz: Double
    /// In all timed epochs.
    var pageFaults: UInt64

    /// Of an epoch: the lower quartile of the blocks, because disturbances only add.
    var nanoseconds: Double {
      guard !blockNanoseconds.isEmpty else { return 0 }
      return blockNanoseconds.sorted()[(blockNanoseconds.count - 1) / 4]
    }
  }

  /// Runs the study's program: a fresh process every time, the allocator preloaded.
  struct Program {
    let contender: Contender
    /// Builds that differ in where code and data lie; they take turns.
    let timed: [URL]
    let counting: URL
    let processors: QuietProcessor?
    var environment: [String: String]

    /// - Parameter builds: of the program, and of an own design.
    init(
      contender: Contender, compiler: VariantCompiler, builds: Int, processors: QuietProcessor?,
      environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(NativeDesignError) {
      self.contender = contender
      timed = try compiler.programs(study: "score_caching", count: builds)
      counting = try compiler.programs(study: "score_caching", counting: true)[0]
      self.processors = processors
      self.environment = environment
    }

    /// Times a kernel once.
    func time(_ kernel: Kernel, _ workload: Workload, round: Int) throws -> Run {
      let values = try run(timed[round % timed.count], kernel, workload, round: round)
      let blocks = (values["blocks"] ?? []).compactMap { Double($0) }
      guard blocks.count == Workload.blocks,
        let clock = values["coreGHz"]?.first.flatMap(Double.init),
        let faults = values["faults"]?.first.flatMap(UInt64.init)
      else { throw ScoreCachingError.unreadable(kernel, population: workload.population) }
      return Run(blockNanoseconds: blocks, coreGHz: clock, pageFaults: faults)
    }

    /// Has the counting build count a kernel's steps, by `Step`.
    func count(_ kernel: Kernel, _ workload: Workload) throws -> [UInt64] {
      let values = try run(counting, kernel, workload, round: 0)
      let counts = (values["counts"] ?? []).compactMap { UInt64($0) }
      guard counts.count == Step.allCases.count else {
        throw ScoreCachingError.unreadable(kernel, population: workload.population)
      }
      return counts
    }

    /// The words that the program wrote after each name.
    private func run(
      _ executable: URL, _ kernel: Kernel, _ workload: Workload, round: Int
    ) throws -> [String: [String]] {
      let library = contender.build(inRound: round)
      var variables = environment
      variables["LD_PRELOAD"] = library?.path
      let ended = try ChildProcess(
        executable: executable.path,
        arguments: [
          kernel.rawValue, String(workload.population), String(workload.warmUp),
          String(workload.epochs), String(workload.seed),
          processors?.choose().map(String.init) ?? "any",
        ], environment: variables
      ).run()
      try Preloading.checkLoaded(library, errors: ended.errors)
      guard ended.ending == .exited(status: 0) else {
        if ended.ending == .killed(signal: SIGINT) { throw PlayerError.interrupted }
        throw ScoreCachingError.ended(
          kernel, population: workload.population, allocator: contender.name,
          ending: "\(ended.ending)", errors: ended.errors)
      }
      var values: [String: [String]] = [:]
      for line in ended.output.split(separator: "\n") {
        let words = line.split(separator: " ").map(String.init)
        values[words[0]] = Array(words.dropFirst())
      }
      try Preloading.checkReplacesMalloc(
        library, mallocFrom: (values["malloc"] ?? []).joined(separator: " "))
      return values
    }
  }
}

/// A process of the study that did not do what it should.
public enum ScoreCachingError: UserFacingError, Equatable {
  case ended(
    ScoreCaching.Kernel, population: Int, allocator: String, ending: String, errors: String)
  case unreadable(ScoreCaching.Kernel, population: Int)

  public var message: String {
    switch self {
    case .ended(let kernel, let population, let allocator, let ending, let errors):
      "the kernel \(kernel.rawValue) on \(population) objects over \(allocator) ended early: \(ending)"
        + (errors.isEmpty ? "" : ", saying: \(errors)")
    case .unreadable(let kernel, let population):
      "the kernel \(kernel.rawValue) on \(population) objects wrote no whole result"
    }
  }

  public var remedy: String? {
    switch self {
    case .ended: "try a smaller population, or --design glibc: if that works, the allocator fails"
    case .unreadable: "compile it anew: remove score_caching-* from the folder MALLOMETER_CACHE"
    }
  }
}
