import CPlayerFormat
import Designs
import Foundation

/// What a counting build counted while the threads of a sequenced plan really ran beside each
/// other.
public struct ConcurrentCount: Sendable {
  /// Of all threads together, in the order of `Step.allCases`; machine steps are 0.
  public let counts: [UInt64]
  /// When every call began, in ticks of the time stamp counter, thread by thread.
  public let stamps: [UInt64]
  public let calls: UInt64

  public subscript(step: Step) -> UInt64 { counts[Int(step.rawValue)] }
}

extension Player {
  /// Plays a sequenced plan once over a counting build, each thread on its own.
  ///
  /// Memory grows with the calls: 8 bytes for each.
  /// - Throws: `PlayerError`, also where the library counts nothing.
  public func countConcurrently(
    _ plan: Plan, allocator: String, library: URL
  ) throws -> ConcurrentCount {
    try play(plan, mode: .time, allocator: allocator, library: library) { result in
      try result.withRecords(of: UInt64.self) { words in
        let times = plan.windows * MemoryLayout<mallometer_window_time>.stride / 8
        guard plan.isSequenced, result.header.has_step_counts != 0,
          Step.count <= Int(MALLOMETER_RESULT_STEPS), words.count == times + Int(plan.calls)
        else { throw PlayerError.unreadableResult("counts of \(allocator)") }
        let counts = withUnsafeBytes(of: result.header.step_counts) {
          Array($0.bindMemory(to: UInt64.self).prefix(Step.count))
        }
        return ConcurrentCount(
          counts: counts, stamps: Array(words[times...]), calls: result.header.calls_done)
      }
    }
  }
}
