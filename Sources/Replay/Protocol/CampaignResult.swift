import Foundation
import Platform

/// Everything that a campaign measured on one plan.
public struct CampaignResult: Sendable {
  public let calls: UInt64
  /// Repeats of every contender.
  public let contenders: [[ReplayMeasurement]]
  /// Repeats over the null allocator.
  public let null: [ReplayMeasurement]
  /// Repeats of the first contender's twin.
  public let twin: [ReplayMeasurement]
  let seed: UInt64

  public init(
    calls: UInt64, contenders: [[ReplayMeasurement]], null: [ReplayMeasurement],
    twin: [ReplayMeasurement],
    seed: UInt64
  ) {
    self.calls = calls
    self.contenders = contenders
    self.null = null
    self.twin = twin
    self.seed = seed
  }

  /// Nanoseconds per call that a replay costs besides the allocator.
  public var dispatchNs: Double { RepeatStatistics.median(null.map(\.nanosecondsPerCall)) }

  /// How far two replays of the same allocator differ, in nanoseconds per call: the farther end of
  /// the 95 % interval of the A/A difference. Nil with a single repeat.
  public var noiseFloorNs: Double? {
    guard let first = contenders.first, !twin.isEmpty else { return nil }
    let difference = RepeatStatistics.difference(
      first.map(\.nanosecondsPerCall), less: twin.map(\.nanosecondsPerCall), seed: seed)
    guard let low = difference.low, let high = difference.high else { return nil }
    return max(abs(low), abs(high))
  }

  /// Nanoseconds per call spent in a contender: its replay less the null replay.
  public func ns(_ contender: Int) -> Estimate {
    RepeatStatistics.difference(
      contenders[contender].map(\.nanosecondsPerCall), less: null.map(\.nanosecondsPerCall),
      seed: seed)
  }

  /// Nanoseconds per call, dispatch included.
  public func rawNs(_ contender: Int) -> Estimate {
    RepeatStatistics.difference(contenders[contender].map(\.nanosecondsPerCall), seed: seed)
  }

  /// Nanoseconds per call that a contender's replays spent waiting for other threads or for the
  /// recorded pace: in neither `ns` nor `rawNs`.
  public func waitNs(_ contender: Int) -> Double {
    RepeatStatistics.median(
      contenders[contender].map { $0.waitedNanoseconds / Double(max($0.calls, 1)) })
  }

  /// The levels of `ns`.
  public func modes(_ contender: Int) -> [RepeatStatistics.Mode] {
    let dispatch = dispatchNs
    return RepeatStatistics.modes(contenders[contender].map(\.nanosecondsPerCall)).map {
      RepeatStatistics.Mode(ns: $0.ns - dispatch, share: $0.share)
    }
  }

  /// Nanoseconds of every window spent in a contender: the lower quartile over its repeats less
  /// that over the null replays; may be slightly negative.
  public func windowNanoseconds(_ contender: Int) -> [Float] {
    let dispatch = RepeatStatistics.windowQuartiles(null)
    return zip(RepeatStatistics.windowQuartiles(contenders[contender]), dispatch).map { $0 - $1 }
  }

  /// Nanoseconds per call by which one contender takes longer than another, from the lower quartile
  /// of every window as `windowNanoseconds`: what disturbs less than three quarters of the repeats
  /// of a window is not in it.
  public func windowGapNs(_ contender: Int, less other: Int) -> Estimate {
    WindowQuartiles.difference(
      contenders[contender], less: contenders[other], calls: calls, seed: seed)
  }

  /// As `noiseFloorNs`, estimated as `windowGapNs` is.
  public var windowNoiseFloorNs: Double? {
    guard let first = contenders.first, !twin.isEmpty else { return nil }
    let difference = WindowQuartiles.difference(first, less: twin, calls: calls, seed: seed)
    guard let low = difference.low, let high = difference.high else { return nil }
    return max(abs(low), abs(high))
  }
}
