import CPlayerFormat
import Designs
import Foundation
import Platform
import Traces

/// The plan file while it is written: operations in bulk, everything else at the end.
final class PlanOutput {
  private let path: String
  private let file: Int32
  private var length: UInt64

  init(path: String) throws {
    self.path = path
    file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    length = UInt64(MALLOMETER_PLAN_OPERATIONS)
    guard file >= 0 else { throw PlanError.cannotWrite(path, errorNumber: errno) }
  }

  deinit { close(file) }

  /// Where the next byte goes.
  var offset: UInt64 { length }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    try put(bytes, at: length)
    length += UInt64(bytes.count)
  }

  /// Changes what was written before.
  func rewrite(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws {
    try put(bytes, at: offset)
  }

  /// - Parameter longestWindow: operations of the longest window of a sequenced plan, else nil.
  func finish(
    threads: [mallometer_plan_thread], sites: [UInt64], windowEvents: Int, touch: TouchPolicy,
    slots: UInt64, largest: UInt64, longestWindow: Int?, switchesThreads: Bool
  ) throws {
    let sitesOffset = length
    let addresses = sites.isEmpty ? [0] : sites
    try addresses.withUnsafeBytes { bytes in try write(bytes) }
    let threadsOffset = length
    try threads.withUnsafeBytes { bytes in try write(bytes) }
    var header = mallometer_plan_header(
      magic: UInt32(MALLOMETER_PLAN_MAGIC), window: UInt32(windowEvents),
      touch: touch.planValue, threads: UInt32(threads.count),
      calls: threads.reduce(0) { $0 + $1.calls }, slots: slots, sites: UInt64(addresses.count),
      sites_offset: sitesOffset, threads_offset: threadsOffset, steps: UInt64(Step.count),
      largest: largest, sequenced: longestWindow == nil ? 0 : 1,
      longest_window: UInt32(longestWindow ?? 0), switches_threads: switchesThreads ? 1 : 0,
      reserved: 0)
    try withUnsafeBytes(of: &header) { bytes in try put(bytes, at: 0) }
  }

  private func put(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        file, bytes.baseAddress.map { $0 + done }, bytes.count - done, Int(offset) + done)
      guard count > 0 || errno == EINTR else {
        throw PlanError.cannotWrite(path, errorNumber: errno)
      }
      done += max(count, 0)
    }
  }
}

extension TouchPolicy {
  /// As enum mallometer_touch. A workload has resolved `auto` before.
  var planValue: UInt32 {
    switch self {
    case .none: MALLOMETER_TOUCH_NONE.rawValue
    case .firstLine, .auto: MALLOMETER_TOUCH_FIRST_LINE.rawValue
    case .perPage: MALLOMETER_TOUCH_PER_PAGE.rawValue
    case .all: MALLOMETER_TOUCH_ALL.rawValue
    }
  }
}
