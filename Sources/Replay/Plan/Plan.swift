import CPlayerFormat
import Designs
import Foundation
import Models
import Platform
import Traces

/// A workload compiled for the player: 16 bytes per call, in a temporary file that only this user
/// can read. The file goes when the plan does.
public final class Plan: Sendable {
  /// Where the player finds it.
  public let path: String
  /// Calls per window.
  public let windowEvents: Int
  /// Calls in all.
  public let calls: UInt64
  public let touch: TouchPolicy
  /// Largest size of any allocation, in bytes.
  public let largest: UInt64
  /// Calls of each replayed thread; one element when all events run on one.
  public let threadCalls: [UInt64]
  /// Whether it has several threads or keeps the recorded pace: such a plan can be timed, but
  /// neither counted window by window nor asked for latencies.
  public let isSequenced: Bool
  /// Files beside the plan live as long as it does.
  let folder: PrivateFolder

  init(
    path: String, windowEvents: Int, touch: TouchPolicy, largest: UInt64, threadCalls: [UInt64],
    isSequenced: Bool, folder: PrivateFolder
  ) {
    self.path = path
    self.windowEvents = windowEvents
    self.touch = touch
    self.largest = largest
    self.threadCalls = threadCalls
    self.isSequenced = isSequenced
    self.folder = folder
    calls = threadCalls.reduce(0, +)
  }

  /// Windows of all threads: thread by thread, the last of each may be shorter.
  public var windows: Int {
    threadCalls.reduce(0) { $0 + (Int($1) + windowEvents - 1) / windowEvents }
  }

  /// Calls in one window.
  public func calls(inWindow window: Int) -> Int {
    var first = 0
    for calls in threadCalls {
      let windows = (Int(calls) + windowEvents - 1) / windowEvents
      if window < first + windows {
        return min(windowEvents, Int(calls) - (window - first) * windowEvents)
      }
      first += windows
    }
    return 0
  }
}

extension Plan {
  /// Compiles every operation of `source` for one thread, streaming.
  ///
  /// With several threads that is the serialised order: a counting build, and nothing else, can play
  /// it, and is told which thread each operation and each end belongs to.
  /// - Parameter parent: where the temporary file goes, TMPDIR unless given.
  public static func compile(
    _ source: some OperationSource, parent: String? = nil
  ) throws -> Plan {
    let builder = try PlanBuilder(
      windowEvents: source.windowEvents, touch: source.touch, slots: source.slots,
      switchesThreads: source.threads > 1, parent: parent)
    try source.forEachOperationBlock { block in try builder.append(block) }
    return try builder.finish(sites: source.siteAddresses)
  }
}

extension Plan {
  /// Compiles a workload: sequenced if it keeps the recorded threads, be it one, or the recorded
  /// pace. One thread is then played by the same loop as several, and can be compared with them.
  /// - Parameter parent: where the temporary file goes, TMPDIR unless given.
  public static func compile(workload: Workload, parent: String? = nil) throws -> Plan {
    guard workload.options.threads == .recorded || workload.options.pace == .recorded else {
      return try compile(workload, parent: parent)
    }
    return try compile(
      workload, threads: workload.threads, pace: workload.options.pace, parent: parent)
  }

  /// Compiles every operation of `source` for the thread it is on, streaming: memory holds the live
  /// objects and a window per thread.
  static func compile(
    _ source: some OperationSource, threads: Int, pace: Pace, parent: String? = nil
  ) throws -> Plan {
    let builder = try SequencedPlanBuilder(
      windowEvents: source.windowEvents, touch: source.touch, slots: source.slots,
      threads: threads, pace: pace, parent: parent)
    try source.forEachOperationBlock { block in try builder.append(block) }
    return try builder.finish(sites: source.siteAddresses)
  }
}

/// A workload that can't be compiled to a plan.
public enum PlanError: UserFacingError, Equatable {
  case sizeOutOfRange(UInt64, operation: UInt64)
  case windowOutOfRange(Int)
  case tooManyThreads(Int)
  case cannotWrite(String, errorNumber: Int32)
  case cannotRead(String)

  public var message: String {
    switch self {
    case .sizeOutOfRange(let size, let operation):
      "operation \(operation) asks for \(size) bytes; a replay goes up to 2^40 − 1"
    case .windowOutOfRange(let length):
      "a window of \(length) operations; a replay has windows of 1 to 8192"
    case .tooManyThreads(let count):
      "the trace has \(count) threads; a replay has up to \(MALLOMETER_PLAN_MAX_THREADS)"
    case .cannotWrite(let path, let number):
      "cannot write the replay plan \(path): \(String(cString: strerror(number)))"
    case .cannotRead(let path): "cannot read the replay plan \(path) again"
    }
  }

  public var remedy: String? {
    switch self {
    case .sizeOutOfRange, .windowOutOfRange: nil
    case .tooManyThreads: "replay it on one thread with: --threads one"
    case .cannotRead: "nothing else may write to TMPDIR's files while a replay runs"
    case .cannotWrite: "make room (16 bytes per event) or point TMPDIR at another disk"
    }
  }
}
