import CPlayerFormat
import Designs
import Foundation
import Platform
import Traces

/// Writes a plan for several threads, or for the recorded pace.
///
/// Each thread has its operations in the recorded order. Across threads the order of every single
/// object's operations is kept, and a thread begins after what was recorded before its first
/// operation; beyond that threads run as they can. Every wait is for something that was recorded
/// earlier, so no two threads wait for each other.
final class SequencedPlanBuilder {
  private struct Thread {
    var window: [mallometer_operation] = []
    var callsInWindow = 0
    var calls: UInt64 = 0
    var operations: UInt64 = 0
    var firstWindow: UInt64 = 0
    /// Where the window before lies, to be linked to the next; 0 before the first.
    var lastWindow: UInt64 = 0
    var hasBegun = false
    /// When the last operation came, in nanoseconds, for the recorded pace.
    var time: UInt64 = 0
  }

  /// Shorter pauses are kept together with the next: a wait costs two readings of the clock.
  private static let shortestPause: UInt64 = 100

  private let path: String
  private let folder: PrivateFolder
  private let windowEvents: Int
  private let touch: TouchPolicy
  private let pace: Pace
  private let output: PlanOutput
  private var owners: SlotOwners
  private var threads: [Thread]
  private var previousThread = 0
  private var previousTime: UInt64 = 0
  private var calls: UInt64 = 0
  private var largest: UInt64 = 0
  private var longestWindow = 1

  init(
    windowEvents: Int, touch: TouchPolicy, slots: Int, threads: Int, pace: Pace, parent: String?
  ) throws {
    guard (1...8192).contains(windowEvents) else {
      throw PlanError.windowOutOfRange(windowEvents)
    }
    guard threads <= Int(MALLOMETER_PLAN_MAX_THREADS) else {
      throw PlanError.tooManyThreads(threads)
    }
    folder = try PrivateFolder(parent: parent)
    path = folder.file("plan")
    self.windowEvents = windowEvents
    self.touch = touch
    self.pace = pace
    output = try PlanOutput(path: path)
    owners = SlotOwners(slots: slots, threads: max(threads, 1))
    self.threads = Array(repeating: Thread(), count: max(threads, 1))
  }

  func append(_ events: UnsafeBufferPointer<Event>) throws {
    for event in events where event.kind != .threadEnd {
      let thread = Int(event.thread)
      if threads[thread].callsInWindow == windowEvents { try flush(thread) }
      begin(thread, event)
      if pace == .recorded { keepPace(thread, event) }
      var operation = try mallometer_operation(event, number: calls)
      operation.slot = place(event, on: thread)
      if event.kind.allocates {
        largest = max(largest, event.size)
        owners.advance(operation.slot)
      }
      threads[thread].window.append(operation)
      threads[thread].callsInWindow += 1
      threads[thread].calls += 1
      calls += 1
      previousThread = thread
      previousTime = event.time
    }
  }

  /// A thread's first operation waits until all before it on the thread recorded just before is
  /// done: as a rule the one that started it.
  private func begin(_ thread: Int, _ event: Event) {
    guard !threads[thread].hasBegun else { return }
    threads[thread].hasBegun = true
    threads[thread].time = calls == 0 ? event.time : previousTime
    guard calls > 0 else { return }
    passTurn(owners.insertGate(), from: previousThread, to: thread)
    if pace == .recorded { pause(thread, 0) }
  }

  private func keepPace(_ thread: Int, _ event: Event) {
    let time = threads[thread].time
    guard event.time >= time &+ Self.shortestPause else { return }
    pause(thread, event.time - time)
    threads[thread].time = event.time
  }

  /// The slot of the event's object, waited for where another thread used it last.
  private func place(_ event: Event, on thread: Int) -> UInt32 {
    if event.kind.allocates && event.kind != .realloc {
      let (slot, takeover) = owners.insert(event.slot, by: thread)
      if let takeover { passTurn(takeover.slot, from: takeover.from, to: thread) }
      return slot
    }
    let place = owners.place(of: event.slot)
    if Int(place.thread) != thread { awaitTurn(place.slot, on: thread) }
    if event.kind == .realloc {
      owners.use(event.slot, by: thread)
    } else {
      owners.remove(event.slot, by: thread)
    }
    return place.slot
  }

  private func passTurn(_ slot: UInt32, from: Int, to thread: Int) {
    add(MALLOMETER_OPERATION_PASS_TURN, slot: slot, on: from)
    owners.advance(slot)
    awaitTurn(slot, on: thread)
  }

  private func awaitTurn(_ slot: UInt32, on thread: Int) {
    add(MALLOMETER_OPERATION_AWAIT_TURN, slot: slot, size: owners.turn(of: slot), on: thread)
  }

  private func pause(_ thread: Int, _ nanoseconds: UInt64) {
    add(
      MALLOMETER_OPERATION_AWAIT_TIME, slot: 0, size: UInt32(truncatingIfNeeded: nanoseconds),
      site: UInt32(nanoseconds >> 32), on: thread)
  }

  private func add(
    _ kind: mallometer_operation_kind, slot: UInt32, size: UInt32 = 0, site: UInt32 = 0,
    on thread: Int
  ) {
    threads[thread].window.append(
      mallometer_operation(
        kind: UInt8(kind.rawValue), alignment: 0, group: UInt8(MALLOMETER_GROUP_SINGLE),
        size_high: 0, slot: slot, size: size, site: site))
  }

  /// Writes a thread's window and links the one before to it.
  private func flush(_ thread: Int) throws {
    guard !threads[thread].window.isEmpty else { return }
    threads[thread].window.markGroups()
    let count = threads[thread].window.count
    longestWindow = max(longestWindow, count)
    let offset = output.offset
    if threads[thread].lastWindow == 0 {
      threads[thread].firstWindow = offset
    } else {
      // `next_offset` comes first.
      try withUnsafeBytes(of: offset) { try output.rewrite($0, at: threads[thread].lastWindow) }
    }
    let head = mallometer_plan_window(
      next_offset: 0, operations: UInt32(count), calls: UInt32(threads[thread].callsInWindow))
    try withUnsafeBytes(of: head) { try output.write($0) }
    try threads[thread].window.withUnsafeBytes { try output.write($0) }
    threads[thread].lastWindow = offset
    threads[thread].operations += UInt64(count)
    threads[thread].callsInWindow = 0
    threads[thread].window.removeAll(keepingCapacity: true)
  }

  func finish(sites: [UInt64]) throws -> Plan {
    var records: [mallometer_plan_thread] = []
    var windows: UInt64 = 0
    for thread in threads.indices {
      try flush(thread)
      records.append(
        mallometer_plan_thread(
          operations_offset: threads[thread].firstWindow, operations: threads[thread].operations,
          calls: threads[thread].calls, first_window: windows))
      windows += (threads[thread].calls + UInt64(windowEvents) - 1) / UInt64(windowEvents)
    }
    try output.finish(
      threads: records, sites: sites, windowEvents: windowEvents, touch: touch,
      slots: UInt64(owners.count), largest: largest, longestWindow: longestWindow,
      switchesThreads: false)
    return Plan(
      path: path, windowEvents: windowEvents, touch: touch, largest: largest,
      threadCalls: threads.map(\.calls), isSequenced: true, folder: folder)
  }
}
