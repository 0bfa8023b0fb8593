/// How far measuring a run again would find another time.
///
/// A run's own standard error holds the noise of its repeats. Designs that take exactly the same
/// steps on a trace are replays of one design by different builds: what their times differ by is
/// noise and code placement, and no model of steps can know it. The larger of both counts.
struct RunNoise: Sendable {
  /// Standard deviation of each of the set's runs, nanoseconds per operation.
  let deviations: [Double]

  /// Half a 95 % interval of a normal distribution, in standard deviations.
  static let quantile = 1.96
  /// Where nothing tells: a repeated replay of the same build differs by no less.
  static let least = 0.005

  /// - Parameter subset: indices into the set's runs.
  init(_ set: TrainingSet, _ subset: [Int]) {
    struct Key: Hashable {
      let trace: Int
      let family: String
      let columns: [Int]
      let counts: [Double]
    }
    var twins: [Key: [Double]] = [:]
    for run in subset {
      let rows = set.rows[run]
      let key = Key(
        trace: rows.trace, family: set.runs[run].design.family, columns: rows.columns,
        counts: rows.means)
      twins[key, default: []].append(rows.meanTime)
    }
    var squares: [Int: (sum: Double, degrees: Double)] = [:]
    for (key, times) in twins where times.count > 1 {
      let mean = times.reduce(0, +) / Double(times.count)
      let square = times.reduce(0) { $0 + ($1 / mean - 1) * ($1 / mean - 1) }
      let old = squares[key.trace] ?? (0, 0)
      squares[key.trace] = (old.sum + square, old.degrees + Double(times.count - 1))
    }
    let known = squares.mapValues { ($0.sum / $0.degrees).squareRoot() }
    let usual = RobustFit.median(Array(known.values))
    deviations = set.runs.indices.map { run in
      let relative = max(known[set.rows[run].trace] ?? usual, Self.least)
      return max(relative * set.rows[run].meanTime, set.runs[run].meanStandardError ?? 0)
    }
  }

  /// Standard deviation of the difference of two runs' times.
  func difference(_ first: Int, _ second: Int) -> Double {
    (deviations[first] * deviations[first] + deviations[second] * deviations[second])
      .squareRoot()
  }
}
