import CPlayerFormat
import Foundation
import Platform

/// Runs the player: one fresh process per replay, the allocator preloaded.
public struct Player: Sendable {
  /// The player's executable.
  public let executable: URL
  /// The environment of every player, LD_PRELOAD aside.
  public var environment: [String: String]
  /// Finds the processor that a single-threaded replay is pinned to; nil for any.
  public var processors: QuietProcessor?

  public init(
    installation: Installation, processors: QuietProcessor? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(InstallationError) {
    executable = try installation.player()
    self.environment = environment
    self.environment["LD_PRELOAD"] = nil
    self.processors = processors
  }

  /// How a plan is played; the argument of the player.
  enum Mode {
    case time, count, latency, calibrate
    case dump(window: Int)

    var name: String {
      switch self {
      case .time: "time"
      case .count: "count"
      case .latency: "latency"
      case .calibrate: "calibrate"
      case .dump: "dump"
      }
    }

    /// Whether it matters who else uses the processor.
    var isTimed: Bool {
      switch self {
      case .time, .latency, .calibrate: true
      case .count, .dump: false
      }
    }
  }

  /// Plays a plan once.
  /// - Parameters:
  ///   - allocator: its name, for messages.
  ///   - library: preloaded; nil for glibc.
  ///   - command: runs the player, its own path and arguments following; empty to run it plainly.
  ///   - body: receives the result file as long as it exists.
  func play<Output>(
    _ plan: Plan, mode: Mode, allocator: String, library: URL?, through command: [String] = [],
    body: (ResultFile) throws -> Output
  ) throws -> Output {
    try play(
      planPath: plan.path, largest: plan.touch == .firstLine ? 0 : plan.largest, mode: mode,
      cpu: plan.threadCalls.count > 1 || !mode.isTimed ? nil : processors?.choose(),
      allocator: allocator, library: library,
      through: command, body: body)
  }

  /// - Parameters:
  ///   - planPath: ignored by the player when it calibrates.
  ///   - cpu: the processor to pin to, or nil: a player with threads spreads them by itself.
  ///   - largest: the largest block that is touched beyond its first line, for the null allocator.
  func play<Output>(
    planPath: String, largest: UInt64 = 0, mode: Mode, cpu: Int?, allocator: String,
    library: URL?, through command: [String] = [], body: (ResultFile) throws -> Output
  ) throws -> Output {
    let folder = try PrivateFolder(prefix: "mallometer-result")
    let path = folder.file("result")
    var arguments = [mode.name, planPath, path, cpu.map(String.init) ?? "any"]
    if case .dump(let window) = mode { arguments.append(String(window)) }
    var variables = environment
    variables["LD_PRELOAD"] = library?.path
    variables["MALLOMETER_LARGEST"] = String(largest)
    let words = command + [executable.path] + arguments
    let ended = try ChildProcess(
      executable: words[0], arguments: Array(words.dropFirst()), environment: variables
    ).run()
    try Preloading.checkLoaded(library, errors: ended.errors)
    let result = try? ResultFile(path: path)
    let calls = result?.header.calls_done ?? 0
    switch ended.ending {
    case .exited(status: 0): break
    case .killed(signal: SIGINT): throw PlayerError.interrupted
    case .killed(let signal):
      throw PlayerError.killed(
        allocator: allocator, signal: signal, afterCalls: calls, errors: ended.errors)
    case .exited(let status):
      throw PlayerError.failed(
        allocator: allocator, status: status, afterCalls: calls, errors: ended.errors)
    }
    guard let result, result.isDone else { throw PlayerError.unreadableResult(path) }
    try Preloading.checkReplacesMalloc(library, mallocFrom: result.allocatorPath)
    if result.header.failed_allocations > 0 {
      throw PlayerError.outOfMemory(
        allocator: allocator, size: result.header.first_failed_size,
        failures: result.header.failed_allocations)
    }
    return try body(result)
  }
}
