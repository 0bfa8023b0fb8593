import Platform

/// How long the builds of one contender take, per call: each the sum of its windows' lower
/// quartiles. Builds differ in where code and data lie, so that their scatter is what an accident of
/// the layout, and the noise besides, may add to or take from a time.
struct BuildLevels {
  private let builds: [WindowQuartiles]
  private let perCall: Double
  /// Nanoseconds per call of each build.
  let levels: [Double]

  /// - Parameter measurements: in the order of their rounds.
  init(_ measurements: [ReplayMeasurement], builds: Int, calls: UInt64) {
    self.builds = RepeatStatistics.byBuild(measurements, builds: builds).map(WindowQuartiles.init)
    perCall = 1 / Double(max(calls, 1))
    levels = self.builds.map { [perCall] in $0.total * perCall }
  }

  var count: Int { levels.count }
  /// Of the build that was repeated least often.
  var repeats: Int { builds.map(\.repeats).min() ?? 0 }
  /// What one resampling looks at.
  var work: Int { builds.reduce(0) { $0 + $1.work } }

  /// Nanoseconds per call: the mean over the builds.
  var mean: Double { levels.reduce(0, +) / Double(max(count, 1)) }

  /// The variance of a single build's level; nil for one build.
  var variance: Double? {
    guard count > 1 else { return nil }
    let mean = mean
    return levels.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
  }

  /// As `mean`, of whole repeats drawn again within their builds.
  func resampled(_ random: inout SeededGenerator) -> Double {
    var sum = 0.0
    for build in builds { sum += build.resampled(&random) }
    return sum * perCall / Double(max(count, 1))
  }

  /// One time less another, per call, with a 95 % interval for the noise alone: whole repeats are
  /// resampled within their builds, and the interval is widened as `RepeatStatistics.interval`
  /// does. Nil for one repeat of a build.
  static func noise(_ first: BuildLevels, less second: BuildLevels, seed: UInt64) -> Estimate? {
    let repeats = min(first.repeats, second.repeats)
    guard repeats > 1 else { return nil }
    var random = SeededGenerator(seed: seed)
    // A second at most, however long the trace.
    let draws = min(800, max(200, 100_000_000 / max(first.work + second.work, 1)))
    let differences = (0..<draws).map { _ in first.resampled(&random) - second.resampled(&random) }
    return RepeatStatistics.interval(
      first.mean - second.mean, draws: differences, repeats: repeats,
      builds: min(first.count, second.count))
  }

  /// One time less another, per call, with a 95 % interval for where the code lies: the builds'
  /// scatter with Student's quantile for the degrees of freedom that B. L. Welch (The
  /// generalization of Student's problem, 1947) gives. Nil for one build.
  static func layout(_ first: BuildLevels, less second: BuildLevels) -> Estimate? {
    guard let one = first.variance, let other = second.variance else { return nil }
    let (a, b) = (one / Double(first.count), other / Double(second.count))
    let value = first.mean - second.mean
    guard a + b > 0 else { return Estimate(value: value, low: value, high: value) }
    let freedom =
      (a + b) * (a + b) / (a * a / Double(first.count - 1) + b * b / Double(second.count - 1))
    let half =
      (a + b).squareRoot()
      * RepeatStatistics.studentQuantile(degreesOfFreedom: Int(freedom.rounded(.down)))
    return Estimate(value: value, low: value - half, high: value + half)
  }

  /// One time less another, per call, with whichever of both intervals is wider at each end. No
  /// bounds for a single repeat of a single build.
  static func difference(
    _ first: BuildLevels, less second: BuildLevels, seed: UInt64
  ) -> Estimate {
    let both = [noise(first, less: second, seed: seed), layout(first, less: second)]
      .compactMap { $0 }
    let value = first.mean - second.mean
    guard let low = both.compactMap(\.low).min(), let high = both.compactMap(\.high).max() else {
      return Estimate(unbounded: value)
    }
    return Estimate(value: value, low: low, high: high)
  }
}
