import CPlayerFormat
import Designs
import Foundation
import Platform

/// One window of a counting build's run, valid only during the call that hands it over.
public struct CountedWindow {
  /// From 0.
  public let index: Int
  /// Steps counted in this window, in the order of `Step.allCases`; machine steps are 0.
  public let counts: UnsafeBufferPointer<UInt64>
  /// As `SimulatedWindow.addressHash`.
  public let addressHash: UInt64
}

/// One operation of a dumped window.
public struct CountedOperation: Sendable, Equatable {
  /// Of the operation in its workload, from 0.
  public let number: UInt64
  /// What was handed out (region number << 40 | offset), 0 for a free.
  public let address: UInt64
  /// Whether it is the end of a thread, which has the number of the operation after it.
  public let isThreadEnd: Bool
  /// Steps of this operation alone, in the order of `Step.allCases`.
  public let counts: [UInt64]
}

extension Player {
  /// Plays a plan over a counting build and hands out every window in order.
  public func count(
    _ plan: Plan, allocator: String, library: URL, onWindow: (CountedWindow) throws -> Void
  ) throws {
    try play(plan, mode: .count, allocator: allocator, library: library) { result in
      try result.withRecords(of: UInt64.self) { words in
        let stride = Step.count + 1
        guard words.count == plan.windows * stride else {
          throw PlayerError.unreadableResult("counts of \(allocator)")
        }
        for window in 0..<plan.windows {
          let first = window * stride
          try onWindow(
            CountedWindow(
              index: window,
              counts: UnsafeBufferPointer(rebasing: words[(first + 1)..<(first + stride)]),
              addressHash: words[first]))
        }
      }
    }
  }

  /// Plays a plan over a counting build up to the end of one window, and returns every operation
  /// of that window: to name the first that differs.
  public func dump(
    _ plan: Plan, window: Int, allocator: String, library: URL
  ) throws -> [CountedOperation] {
    try play(plan, mode: .dump(window: window), allocator: allocator, library: library) { result in
      result.withRecords(of: UInt64.self) { words in
        let stride = Step.count + 1
        var number = UInt64(window * plan.windowEvents)
        return (0..<(words.count / stride)).map { index in
          let first = index * stride
          let isThreadEnd = words[first] == UInt64(MALLOMETER_DUMPED_THREAD_END)
          defer { number += isThreadEnd ? 0 : 1 }
          return CountedOperation(
            number: number, address: isThreadEnd ? 0 : words[first], isThreadEnd: isThreadEnd,
            counts: Array(words[(first + 1)..<(first + stride)]))
        }
      }
    }
  }
}
