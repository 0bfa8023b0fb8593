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
  /// How many builds of the contenders took turns from round to round.
  public let builds: Int

  public init(
    calls: UInt64, contenders: [[ReplayMeasurement]], null: [ReplayMeasurement],
    twin: [ReplayMeasurement], seed: UInt64, builds: Int = 1
  ) {
    self.calls = calls
    self.contenders = contenders
    self.null = null
    self.twin = twin
    self.seed = seed
    self.builds = builds
  }

  /// As if the machine had been faster or slower throughout.
  /// - Parameter factor: of all times.
  public func scaled(by factor: Double) -> CampaignResult {
    factor == 1 ? self : scaled { _ in factor }
  }

  /// As if the machine had been faster or slower in each replay.
  /// - Parameter factor: of a replay's times.
  public func scaled(_ factor: (ReplayMeasurement) -> Double) -> CampaignResult {
    func scaled(_ measurements: [ReplayMeasurement]) -> [ReplayMeasurement] {
      measurements.map { $0.scaled(by: factor($0)) }
    }
    return CampaignResult(
      calls: calls, contenders: contenders.map(scaled), null: scaled(null), twin: scaled(twin),
      seed: seed, builds: builds)
  }

  /// Nanoseconds per call that a replay costs besides the allocator.
  public var dispatchNs: Double { null.map(\.nanosecondsPerCall).median() }

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
    contenders[contender].map { $0.waitedNanoseconds / Double(max($0.calls, 1)) }.median()
  }

  /// The levels of `ns`.
  public func modes(_ contender: Int) -> [RepeatStatistics.Mode] {
    let dispatch = dispatchNs
    return RepeatStatistics.modes(contenders[contender].map(\.nanosecondsPerCall)).map {
      RepeatStatistics.Mode(ns: $0.ns - dispatch, share: $0.share)
    }
  }

  /// Nanoseconds of every window spent in a contender: `RepeatStatistics.windowQuartiles` over its
  /// repeats less that over the null replays; may be slightly negative. The null allocator has one
  /// build, whose repeats are divided alike: both are then the same order statistic of as many.
  public func windowNanoseconds(_ contender: Int) -> [Float] {
    let dispatch = RepeatStatistics.windowQuartiles(null, builds: builds)
    return zip(RepeatStatistics.windowQuartiles(contenders[contender], builds: builds), dispatch)
      .map { $0 - $1 }
  }

  /// Nanoseconds per call by which one contender takes longer than another, from the lower quartile
  /// of every window as `windowNanoseconds`: what disturbs less than three quarters of the repeats
  /// of a window is not in it. The interval has the scatter of the builds in it.
  public func windowGapNs(_ contender: Int, less other: Int) -> Estimate {
    BuildLevels.difference(
      levels(contenders[contender]), less: levels(contenders[other]), seed: seed)
  }

  /// The same of some windows alone.
  /// - Parameter calls: in these windows.
  public func windowGapNs(
    _ contender: Int, less other: Int, windows: Range<Int>, calls: UInt64
  ) -> Estimate {
    func part(_ measurements: [ReplayMeasurement]) -> BuildLevels {
      BuildLevels(
        measurements.map { measurement in
          var part = measurement
          part.windowNanoseconds = Array(measurement.windowNanoseconds[windows])
          return part
        }, builds: builds, calls: calls)
    }
    return BuildLevels.difference(
      part(contenders[contender]), less: part(contenders[other]), seed: seed)
  }

  /// As `noiseFloorNs`, estimated as `windowGapNs` is, but for the layout: the pair has the same
  /// builds.
  public var windowNoiseFloorNs: Double? {
    guard let first = contenders.first, !twin.isEmpty else { return nil }
    let (one, other) = (levels(first), levels(twin))
    let difference =
      BuildLevels.noise(one, less: other, seed: seed) ?? BuildLevels.layout(one, less: other)
    guard let low = difference?.low, let high = difference?.high else { return nil }
    return max(abs(low), abs(high))
  }

  /// The levels of a contender's builds, dispatch included.
  func levels(_ measurements: [ReplayMeasurement]) -> BuildLevels {
    BuildLevels(measurements, builds: builds, calls: calls)
  }

  /// Of every contender the standard error of the mean of `windowNanoseconds`, per call: the noise
  /// and the scatter of the builds, whichever is larger. Nil with one repeat. The null replays' is
  /// not in it (`nullStandardError`): all contenders share it, so that differences are free of it.
  ///
  /// Three builds say little about their scatter: each contender's variance, in proportion to its
  /// time, is drawn towards the mean of all contenders' with the weight of four builds more.
  public var standardErrors: [Double?] {
    let all = contenders.map(levels)
    let relative = all.compactMap { one in
      one.variance.map { $0 / max(one.mean * one.mean, .leastNonzeroMagnitude) }
    }
    let pooled = relative.reduce(0, +) / Double(max(relative.count, 1))
    return all.map { Self.squaredError($0, pooled: pooled, seed: seed)?.squareRoot() }
  }

  /// The same of the null replays, which is in the error of every contender's time.
  public var nullStandardError: Double? {
    Self.squaredError(levels(null), pooled: 0, seed: seed)?.squareRoot()
  }

  private static let pooledFreedom = 4.0

  private static func squaredError(
    _ levels: BuildLevels, pooled: Double, seed: UInt64
  ) -> Double? {
    var layout: Double?
    if let variance = levels.variance {
      let freedom = Double(levels.count - 1)
      let weight = pooled > 0 ? pooledFreedom : 0
      let expected = pooled * levels.mean * levels.mean
      layout =
        (freedom * variance + weight * expected) / (freedom + weight) / Double(levels.count)
    }
    var noise: Double?
    if levels.repeats > 1 {
      var random = SeededGenerator(seed: seed)
      let draws = (0..<60).map { _ in levels.resampled(&random) }
      let mean = draws.reduce(0, +) / Double(draws.count)
      let square = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(draws.count - 1)
      let repeats = Double(levels.repeats)
      noise = square * repeats / (repeats - 1)
    }
    return [layout, noise].compactMap { $0 }.max()
  }
}
