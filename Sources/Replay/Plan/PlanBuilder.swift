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

  /// Whether it is a free, or a malloc of 1 byte to 4 GiB − 1: nil for anything else.
  fileprivate var groupBit: Int? {
    if kind == UInt8(MALLOMETER_OPERATION_FREE.rawValue) { return 1 }
    let isPlain = kind == UInt8(MALLOMETER_OPERATION_MALLOC.rawValue)
    return isPlain && size_high == 0 && size > 0 ? 0 : nil
  }
}

extension [mallometer_operation] {
  /// Marks the groups of a window: see player_format.h.
  mutating func markGroups() {
    let size = Int(MALLOMETER_GROUP_SIZE)
    var first = 0
    while first < count {
      if let group = group(at: first, size: size) {
        self[first].group = group
        first += size
      } else {
        self[first].group = UInt8(MALLOMETER_GROUP_SINGLE)
        first += 1
      }
    }
  }

  private func group(at first: Int, size: Int) -> UInt8? {
    guard first + size <= count else { return nil }
    var group = 0
    for index in 0..<size {
      guard let bit = self[first + index].groupBit else { return nil }
      group |= bit << index
    }
    return UInt8(group)
  }
}
