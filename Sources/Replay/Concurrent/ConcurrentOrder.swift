import CPlayerFormat
import Foundation
import Models
import Platform
import Traces

/// The operations of a sequenced plan in the order in which its threads began them.
///
/// Memory holds one window of each thread beside the time stamps. Ends of threads are not among the
/// operations: the player's threads stay to the end.
final class ConcurrentOrder: OperationSource {
  private struct Thread {
    var calls: [mallometer_operation] = []
    /// Of the calls of the window.
    var next = 0
    /// Where the next window lies in the plan, 0 after the last.
    var offset: UInt64
    /// Of the next call's time stamp, and behind the thread's last.
    var stamp: Int
    let endStamp: Int
  }

  let slots: Int
  let siteAddresses: [UInt64]
  let touch: TouchPolicy
  let windowEvents: Int
  let threads: Int
  /// When the operation that was handed out last began, and its thread the one after it: no earlier
  /// had it ended. In ticks.
  private(set) var span = (begin: UInt64(0), end: UInt64(0))

  private let path: String
  private let file: FileHandle
  private let stamps: [UInt64]
  private let records: [mallometer_plan_thread]

  /// - Parameters:
  ///   - siteAddresses: of the workload that the plan was compiled from.
  ///   - stamps: of every call, thread by thread.
  init(_ plan: Plan, siteAddresses: [UInt64], stamps: [UInt64]) throws {
    guard let file = FileHandle(forReadingAtPath: plan.path), stamps.count == Int(plan.calls) else {
      throw PlanError.cannotRead(plan.path)
    }
    self.file = file
    self.siteAddresses = siteAddresses
    self.stamps = stamps
    path = plan.path
    touch = plan.touch
    windowEvents = plan.windowEvents
    threads = plan.threadCalls.count
    let header = try file.records(of: mallometer_plan_header.self, count: 1, at: 0, path)[0]
    slots = Int(header.slots)
    records = try file.records(
      of: mallometer_plan_thread.self, count: Int(header.threads), at: header.threads_offset, path)
  }

  func forEachOperationBlock(_ body: (UnsafeBufferPointer<Event>) throws -> Void) throws {
    var first = 0
    var cursors = try records.map { record in
      let end = first + Int(record.calls)
      var thread = Thread(offset: record.operations_offset, stamp: first, endStamp: end)
      try fill(&thread)
      first = end
      return thread
    }
    while let thread = earliest(cursors) {
      let stamp = cursors[thread].stamp
      let isLast = stamp + 1 == cursors[thread].endStamp
      span = (stamps[stamp], max(stamps[stamp], stamps[isLast ? stamp : stamp + 1]))
      let event = Event(cursors[thread].calls[cursors[thread].next], thread: UInt16(thread))
      try withUnsafePointer(to: event) { try body(UnsafeBufferPointer(start: $0, count: 1)) }
      cursors[thread].stamp += 1
      cursors[thread].next += 1
      if cursors[thread].next == cursors[thread].calls.count { try fill(&cursors[thread]) }
    }
  }

  /// Of each thread, the median distance between the beginnings of two calls, in ticks.
  var usualDistances: [UInt64] {
    var first = 0
    return records.map { record in
      let own = stamps[first..<(first + Int(record.calls))]
      first += own.count
      let distances = zip(own, own.dropFirst()).map { $1 - min($0, $1) }.sorted()
      return distances.isEmpty ? 0 : distances[distances.count / 2]
    }
  }

  /// Reads a thread's next window that has calls, and leaves out what isn't one: what the waiting
  /// was for had come when the call after it began.
  private func fill(_ thread: inout Thread) throws {
    thread.next = 0
    repeat {
      thread.calls = []
      guard thread.offset != 0 else { return }
      let head = try file.records(
        of: mallometer_plan_window.self, count: 1, at: thread.offset, path)[0]
      thread.calls = try file.records(
        of: mallometer_operation.self, count: Int(head.operations),
        at: thread.offset + UInt64(MemoryLayout<mallometer_plan_window>.size), path)
      thread.calls.removeAll { $0.kind >= UInt8(MALLOMETER_OPERATION_AWAIT_TURN.rawValue) }
      thread.offset = head.next_offset
    } while thread.calls.isEmpty
  }

  private func earliest(_ cursors: [Thread]) -> Int? {
    var earliest: Int?
    var time = UInt64.max
    for index in cursors.indices where !cursors[index].calls.isEmpty {
      let stamp = stamps[cursors[index].stamp]
      if stamp < time {
        earliest = index
        time = stamp
      }
    }
    return earliest
  }
}

extension Event {
  /// A call of a plan.
  fileprivate init(_ operation: mallometer_operation, thread: UInt16) {
    let kind: EventKind =
      switch mallometer_operation_kind(UInt32(operation.kind)) {
      case MALLOMETER_OPERATION_MALLOC: .malloc
      case MALLOMETER_OPERATION_CALLOC: .calloc
      case MALLOMETER_OPERATION_REALLOC: .realloc
      case MALLOMETER_OPERATION_ALIGNED: .aligned
      default: .free
      }
    self.init(
      kind: kind, alignmentLog2: operation.alignment, thread: thread, slot: operation.slot,
      size: UInt64(operation.size_high) << 32 | UInt64(operation.size), site: operation.site)
  }
}

extension FileHandle {
  fileprivate func records<Record: BitwiseCopyable>(
    of type: Record.Type, count: Int, at offset: UInt64, _ path: String
  ) throws -> [Record] {
    let bytes = count * MemoryLayout<Record>.stride
    guard bytes > 0 else { return [] }
    try seek(toOffset: offset)
    guard let data = try read(upToCount: bytes), data.count == bytes else {
      throw PlanError.cannotRead(path)
    }
    return data.withUnsafeBytes { Array($0.bindMemory(to: type)) }
  }
}
