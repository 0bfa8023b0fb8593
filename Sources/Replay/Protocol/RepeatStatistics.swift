import Foundation
import Platform
import Traces

/// Statistics over the repeats of a replay: few, skewed by interruptions, sometimes in modes.
public enum RepeatStatistics {
  /// The median of `values` less the median of `baseline`, with a 95 % interval.
  ///
  /// Both are resampled (a percentile bootstrap with 800 draws); the interval is then widened by
  /// Student's quantile over the normal one and by √(n/(n−1)), without which it is too narrow for
  /// few repeats. One repeat sets no bounds.
  public static func difference(
    _ values: [Double], less baseline: [Double] = [], seed: UInt64
  ) -> Estimate {
    let value = values.median() - baseline.median()
    let fewest = baseline.isEmpty ? values.count : min(values.count, baseline.count)
    guard fewest > 1 else { return Estimate(unbounded: value) }
    var random = SeededGenerator(seed: seed)
    let draws = 800
    let differences = (0..<draws).map { _ in
      resampledMedian(values, &random) - resampledMedian(baseline, &random)
    }
    return interval(value, draws: differences, repeats: fewest)
  }

  /// A 95 % interval from bootstrap draws, widened for few repeats.
  /// - Parameters:
  ///   - repeats: of what was drawn together, at least 2.
  ///   - builds: how often so many were drawn apart.
  static func interval(
    _ value: Double, draws: [Double], repeats: Int, builds: Int = 1
  ) -> Estimate {
    let sorted = draws.sorted()
    let count = Double(repeats)
    let widening =
      studentQuantile(degreesOfFreedom: builds * (repeats - 1)) / 1.96
      * (count / (count - 1)).squareRoot()
    let low = min(sorted[sorted.count / 40], value)
    let high = max(sorted[sorted.count - 1 - sorted.count / 40], value)
    return Estimate(
      value: value, low: value - (value - low) * widening, high: value + (high - value) * widening)
  }

  private static func resampledMedian(
    _ values: [Double], _ random: inout SeededGenerator
  ) -> Double {
    values.map { _ in values[Int.random(in: values.indices, using: &random)] }.median()
  }

  /// The 97.5 % quantile of Student's t.
  public static func studentQuantile(degreesOfFreedom: Int) -> Double {
    let table = [
      12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
      2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    ]
    if degreesOfFreedom <= table.count { return table[max(degreesOfFreedom, 1) - 1] }
    // Cornish–Fisher to the first order: off by less than 0.001 from 20 degrees on.
    let z = 1.959964
    return z + (z * z * z + z) / (4 * Double(degreesOfFreedom))
  }

  /// A level that repeats gather at.
  public struct Mode: Sendable, Equatable, Codable {
    /// The median of its repeats.
    public var ns: Double
    /// Part of the repeats, from 0 to 1.
    public var share: Double

    public init(ns: Double, share: Double) {
      self.ns = ns
      self.share = share
    }
  }

  /// The levels that repeats gather at, lowest first: one, unless the sorted values have a gap
  /// wider than 4 % of the median and than four times their typical gap. A level of a single repeat
  /// among five or more is a disturbance, not a mode: it joins its neighbour.
  public static func modes(_ values: [Double]) -> [Mode] {
    guard !values.isEmpty else { return [] }
    let sorted = values.sorted()
    let gaps = zip(sorted, sorted.dropFirst()).map { $1 - $0 }
    let threshold = max(0.04 * abs(values.median()), 4 * gaps.median())
    var clusters: [[Double]] = [[sorted[0]]]
    for (gap, value) in zip(gaps, sorted.dropFirst()) {
      if gap > threshold && gap > 0 { clusters.append([]) }
      clusters[clusters.count - 1].append(value)
    }
    if values.count >= 5 { mergeSingles(&clusters) }
    return clusters.map {
      Mode(ns: $0.median(), share: Double($0.count) / Double(values.count))
    }
  }

  private static func mergeSingles(_ clusters: inout [[Double]]) {
    while clusters.count > 1, let single = clusters.firstIndex(where: { $0.count == 1 }) {
      let value = clusters[single][0]
      let before = single > 0 ? value - (clusters[single - 1].last ?? value) : .infinity
      let after =
        single + 1 < clusters.count ? (clusters[single + 1].first ?? value) - value : .infinity
      let target = before <= after ? single - 1 : single + 1
      clusters[target] = (clusters[target] + [value]).sorted()
      clusters.remove(at: single)
    }
  }

  /// What fits work on: of every window the lower quartile over a build's repeats, then the mean
  /// over the builds.
  ///
  /// Whatever disturbs a replay (another process, a busy neighbour on the same core) only ever adds
  /// to a window's time, and often to more than half of the repeats. Where the code lies may make a
  /// build faster or slower: a quartile over all of them would take the luckiest for the design's.
  /// - Parameters:
  ///   - measurements: in the order of their rounds.
  ///   - builds: how many took turns.
  /// - Returns: empty without measurements.
  public static func windowQuartiles(
    _ measurements: [ReplayMeasurement], builds: Int = 1
  ) -> [Float] {
    guard let first = measurements.first else { return [] }
    let groups = byBuild(measurements, builds: builds)
    let share = 1 / Float(groups.count)
    var means = [Float](repeating: 0, count: first.windowNanoseconds.count)
    for group in groups {
      var column = [Float](repeating: 0, count: group.count)
      let place = (group.count - 1) / 4
      for window in means.indices {
        for (index, measurement) in group.enumerated() {
          column[index] = measurement.windowNanoseconds[window]
        }
        column.sort()
        means[window] += share * column[place]
      }
    }
    return means
  }

  /// Measurements of the same build together; fewer groups than builds where there were fewer
  /// rounds.
  static func byBuild(
    _ measurements: [ReplayMeasurement], builds: Int
  ) -> [[ReplayMeasurement]] {
    var groups = [[ReplayMeasurement]](repeating: [], count: max(builds, 1))
    for (round, measurement) in measurements.enumerated() {
      groups[round % groups.count].append(measurement)
    }
    return groups.filter { !$0.isEmpty }
  }
}
