import CPlayerFormat
import Foundation
import Histogram
import Platform

/// Percentiles of single calls of one kind, in nanoseconds, the clock's own cost taken off.
public struct LatencyPercentiles: Sendable, Equatable, Codable {
  public var calls: UInt64
  public var p50: Double
  public var p90: Double
  public var p99: Double
  public var p999: Double
  public var p9999: Double
  public var max: Double
}

/// Percentiles by kind of call: malloc, free, calloc, realloc, aligned; what never occurs is absent.
public typealias Latencies = [String: LatencyPercentiles]

extension Player {
  /// Kinds of call in the order of enum mallometer_operation_kind.
  static let callKinds = ["malloc", "free", "calloc", "realloc", "aligned"]

  /// Plays a plan once, timing every call on its own.
  ///
  /// Fences around every call keep its neighbours out, so calls take longer than in a timed window:
  /// compare latencies with latencies only.
  public func latencies(_ plan: Plan, allocator: String, library: URL?) throws -> Latencies {
    try play(plan, mode: .latency, allocator: allocator, library: library) { result in
      let picosecondsPerTick = result.nanosecondsPerTick * 1000
      return try result.withRecords(of: UInt64.self) { counts in
        let buckets = Int(MALLOMETER_LATENCY_BUCKETS)
        guard counts.count == buckets * Self.callKinds.count else {
          throw PlayerError.unreadableResult("latencies of \(allocator)")
        }
        var latencies: Latencies = [:]
        for (kind, name) in Self.callKinds.enumerated() {
          let ofKind = UnsafeBufferPointer(
            rebasing: counts[(kind * buckets)..<((kind + 1) * buckets)])
          latencies[name] = Self.percentiles(ofKind, picosecondsPerTick: picosecondsPerTick)
        }
        return latencies
      }
    }
  }

  /// - Parameter buckets: counts by duration as `mallometer_latency_bucket` numbers them.
  static func percentiles(
    _ buckets: UnsafeBufferPointer<UInt64>, picosecondsPerTick: Double
  ) -> LatencyPercentiles? {
    var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
    for (bucket, count) in buckets.enumerated() where count > 0 {
      let ticks = mallometer_latency_ticks(UInt32(bucket))
      histogram.record(UInt64(Double(ticks) * picosecondsPerTick), count: count)
    }
    guard histogram.totalCount > 0 else { return nil }
    func value(_ percentile: Double) -> Double {
      Double(min(histogram.valueAtPercentile(percentile), histogram.max)) / 1000
    }
    return LatencyPercentiles(
      calls: histogram.totalCount, p50: value(50), p90: value(90), p99: value(99),
      p999: value(99.9), p9999: value(99.99), max: Double(histogram.max) / 1000)
  }
}
