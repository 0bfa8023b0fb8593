import CPlayerFormat
import Designs
import Foundation
import Platform
import Traces

/// Writes a plan for one thread, window by window: memory holds one window only.
final class PlanBuilder {
  private let path: String
  private let folder: PrivateFolder
  private let windowEvents: Int
  private let touch: TouchPolicy
  private let slots: Int
  private let switchesThreads: Bool
  private let output: PlanOutput
  private var window: [mallometer_operation] = []
  private var calls: UInt64 = 0
  private var operations: UInt64 = 0
  private var currentThread: UInt16 = 0
  private var largest: UInt64 = 0

  /// - Parameter switchesThreads: whether to mark where threads change and end.
  init(
    windowEvents: Int, touch: TouchPolicy, slots: Int, switchesThreads: Bool, parent: String?
  ) throws {
    guard (1...8192).contains(windowEvents) else {
      throw PlanError.windowOutOfRange(windowEvents)
    }
    folder = try PrivateFolder(parent: parent)
    path = folder.file("plan")
    self.windowEvents = windowEvents
    self.touch = touch
    self.slots = slots
    self.switchesThreads = switchesThreads
    output = try PlanOutput(path: path)
    window.reserveCapacity(windowEvents)
  }

  func append(_ events: UnsafeBufferPointer<Event>) throws {
    for event in events {
      if switchesThreads {
        if event.kind == .threadEnd {
          try mark(MALLOMETER_OPERATION_END_THREAD, event.thread)
          continue
        }
        if event.thread != currentThread {
          try mark(MALLOMETER_OPERATION_SWITCH_THREAD, event.thread)
          currentThread = event.thread
        }
      }
      window.append(try mallometer_operation(event, number: calls))
      if event.kind.allocates { largest = max(largest, event.size) }
      calls += 1
      if window.count == windowEvents { try flush() }
    }
  }

  private func mark(_ kind: mallometer_operation_kind, _ thread: UInt16) throws {
    window.append(
      mallometer_operation(
        kind: UInt8(kind.rawValue), alignment: 0, group: UInt8(MALLOMETER_GROUP_SINGLE),
        size_high: 0, slot: 0, size: UInt32(thread), site: 0))
    if window.count == windowEvents { try flush() }
  }

  func finish(sites: [UInt64]) throws -> Plan {
    try flush()
    let thread = mallometer_plan_thread(
      operations_offset: UInt64(MALLOMETER_PLAN_OPERATIONS), operations: operations,
      calls: calls, first_window: 0)
    try output.finish(
      threads: [thread], sites: sites, windowEvents: windowEvents, touch: touch,
      slots: UInt64(slots), largest: largest, longestWindow: nil, switchesThreads: switchesThreads)
    return Plan(
      path: path, windowEvents: windowEvents, touch: touch, largest: largest,
      threadCalls: [calls], isSequenced: false, folder: folder)
  }

  private func flush() throws {
    window.markGroups()
    try window.withUnsafeBytes { bytes in try output.write(bytes) }
    operations += UInt64(window.count)
    window.removeAll(keepingCapacity: true)
  }
}

extension mallometer_operation {
  /// - Parameter number: of the operation in its workload, for the message.
  init(_ event: Event, number: UInt64) throws {
    guard event.size < 1 << 40 else {
      throw PlanError.sizeOutOfRange(event.size, operation: number)
    }
    let kind =
      switch event.kind {
      case .malloc: MALLOMETER_OPERATION_MALLOC
      case .calloc: MALLOMETER_OPERATION_CALLOC
      case .realloc: MALLOMETER_OPERATION_REALLOC
      case .aligned: MALLOMETER_OPERATION_ALIGNED
      case .free, .impliedFree, .foreignFree, .threadStart, .threadEnd: MALLOMETER_OPERATION_FREE
      }
    self.init(
      kind: UInt8(kind.rawValue), alignment: event.alignmentLog2,
      group: UInt8(MALLOMETER_GROUP_SINGLE), size_high: UInt8(event.size >> 32), slot: event.slot,
      size: UInt32(truncatingIfNeeded: event.size), site: event.site)
  }

  /// The kind as groups have it, nil where the operation can't be in one.
  fileprivate var kindInGroup: Int? {
    let kind = Int(kind)
    if kind == Int(MALLOMETER_OPERATION_FREE.rawValue) { return kind }
    let fits = kind <= Int(MALLOMETER_OPERATION_REALLOC.rawValue) && size_high == 0 && size > 0
    return fits ? kind : nil
  }
}

extension [mallometer_operation] {
  /// Marks the groups of a window: see player_format.h.
  mutating func markGroups() {
    var first = 0
    while first < count {
      if let bits = kinds(at: first, count: 4, bits: 1) {
        self[first].group = UInt8(bits)
        first += 4
      } else if let kinds = kinds(at: first, count: 3, bits: 2) {
        self[first].group = UInt8(Int(MALLOMETER_GROUP_THREES) + kinds)
        first += 3
      } else {
        self[first].group = UInt8(MALLOMETER_GROUP_SINGLE)
        first += 1
      }
    }
  }

  /// The kinds of so many operations, each in so many bits; nil where one of them has no room there.
  private func kinds(at first: Int, count: Int, bits: Int) -> Int? {
    guard first + count <= self.count else { return nil }
    var kinds = 0
    for index in 0..<count {
      guard let kind = self[first + index].kindInGroup, kind < 1 << bits else { return nil }
      kinds |= kind << (index * bits)
    }
    return kinds
  }
}
