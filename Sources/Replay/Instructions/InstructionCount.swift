import CPlayerFormat
import Designs
import Foundation
import Models
import NativeDesigns
import Platform

/// Instructions that a native design executes on a workload, counted by callgrind, beside the steps
/// that its model counts there: a check of the steps by someone who knows nothing of them.
public struct InstructionCount: Sendable {
  private let player: Player
  private let compiler: VariantCompiler
  private let valgrind: String

  /// - Throws: `InstructionCountError.valgrindMissing`.
  public init(
    player: Player, compiler: VariantCompiler,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(InstructionCountError) {
    self.player = player
    self.compiler = compiler
    guard let found = ChildProcess.find("valgrind", environment: environment) else {
      throw .valgrindMissing
    }
    valgrind = found
  }

  /// Plays a workload once over the design's ordinary build.
  ///
  /// Counted is what the design's own library executes between the first and the last call. What
  /// the C library copies and clears for it is left out: valgrind counts a string instruction once
  /// per byte, and which ones the library takes depends on the processor. About fifty times
  /// slower than a replay.
  /// - Parameter plan: on one thread.
  /// - Returns: the instructions of every part of `partOperations`, in order.
  public func instructions(_ plan: Plan, design: Design) throws -> [UInt64] {
    let library = try compiler.build(design)
    let folder = try PrivateFolder(prefix: "mallometer-callgrind")
    let profile = folder.file("profile")
    let command = [
      valgrind, "--tool=callgrind", "--quiet", "--callgrind-out-file=\(profile)",
      "--toggle-collect=run_time", "--dump-before=reader_fill",
    ]
    try player.play(
      plan, mode: .time, allocator: design.description, library: library, through: command
    ) { _ in }
    // The first profile ends where the player reads the first part, the next with that part.
    let operations = Self.partOperations(windowEvents: plan.windowEvents)
    let parts = (Int(plan.calls) + operations - 1) / operations
    return try (0..<parts).map { part in
      guard let text = try? String(contentsOfFile: "\(profile).\(part + 2)", encoding: .utf8),
        let parsed = CallgrindProfile(text, object: library.lastPathComponent)
      else { throw InstructionCountError.unreadableProfile(design: design.description) }
      return parsed.instructions
    }
  }

  /// The steps that the design's model counts on the same workload.
  /// - Returns: of every part the steps in the order of `Step.allCases`; machine steps are 0.
  public func steps(_ source: any OperationSource, design: Design) throws -> [[UInt64]] {
    let windows = Self.partOperations(windowEvents: source.windowEvents) / source.windowEvents
    var parts: [[UInt64]] = []
    _ = try Simulation(design: design).run(source) { window in
      if window.index % windows == 0 {
        parts.append(Array(window.counts))
      } else {
        for step in 0..<Step.count { parts[parts.count - 1][step] += window.counts[step] }
      }
    }
    return parts
  }

  /// As many whole windows as the player reads at once.
  public static func partOperations(windowEvents: Int) -> Int {
    Int(MALLOMETER_READ_OPERATIONS) / windowEvents * windowEvents
  }
}

/// Instructions that could not be counted.
public enum InstructionCountError: UserFacingError, Equatable {
  case valgrindMissing
  case unreadableProfile(design: String)

  public var message: String {
    switch self {
    case .valgrindMissing: "valgrind was not found: it counts the instructions"
    case .unreadableProfile(let design): "callgrind left no profile of \(design)"
    }
  }

  public var remedy: String? {
    switch self {
    case .valgrindMissing: "sudo apt-get install -y valgrind"
    case .unreadableProfile: "run it by hand: valgrind --tool=callgrind true"
    }
  }
}
