import Platform

/// How far measuring a run again would find another time.
///
/// A run's own standard error holds the noise of its repeats and the scatter of its builds. Where a
/// single repeat of a single build was measured, designs that take exactly the same steps on a trace
/// say it: what they differ by holds noise and code placement, but also that other code does the
/// same work. That is the model's error: counted as noise beside a known standard error it would
/// excuse the model from payoffs that it can't tell.
struct RunNoise: Sendable {
  /// Standard deviation of each of the set's runs, nanoseconds per operation, without what all runs
  /// of its session share; nil where nothing tells.
  let deviations: [Double?]
  /// The error that all runs of a session share: the null replays'.
  private let shared: [Double]
  private let sessions: [Session]

  private struct Session: Hashable {
    let trace: Int
    let number: Int
  }

  /// Half a 95 % interval of a normal distribution, in standard deviations.
  static let quantile = 1.96

  /// - Parameter subset: indices into the set's runs.
  init(_ set: TrainingSet, _ subset: [Int]) {
    struct Key: Hashable {
      let session: Session
      let family: String
      let columns: [Int]
      let counts: [Double]
    }
    let sessions = set.runs.indices.map {
      Session(trace: set.rows[$0].trace, number: set.runs[$0].session)
    }
    var twins: [Key: [Double]] = [:]
    for run in subset {
      let rows = set.rows[run]
      let key = Key(
        session: sessions[run], family: set.runs[run].design.family.name, columns: rows.columns,
        counts: rows.means)
      twins[key, default: []].append(rows.meanTime)
    }
    var squares: [Int: (sum: Double, degrees: Double)] = [:]
    for (key, times) in twins where times.count > 1 {
      let mean = times.reduce(0, +) / Double(times.count)
      let square = times.reduce(0) { $0 + ($1 / mean - 1) * ($1 / mean - 1) }
      let old = squares[key.session.trace] ?? (0, 0)
      squares[key.session.trace] = (old.sum + square, old.degrees + Double(times.count - 1))
    }
    let known = squares.mapValues { ($0.sum / $0.degrees).squareRoot() }
    let usual = known.isEmpty ? nil : known.values.median()
    deviations = set.runs.indices.map { run in
      set.runs[run].meanStandardError
        ?? (known[set.rows[run].trace] ?? usual).map { $0 * set.rows[run].meanTime }
    }
    shared = set.runs.map { $0.nullStandardError ?? 0 }
    self.sessions = sessions
  }

  /// Standard deviation of the difference of two runs' times; nil where nothing tells. What all runs
  /// of a session share is not in it.
  func difference(_ first: Int, _ second: Int) -> Double? {
    guard let one = deviations[first], let other = deviations[second] else { return nil }
    var square = one * one + other * other
    if sessions[first] != sessions[second] {
      square += shared[first] * shared[first] + shared[second] * shared[second]
    }
    return square.squareRoot()
  }
}
