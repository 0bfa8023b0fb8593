import Foundation
import Platform
import Replay

/// How slow the machine was during a replay, as logarithms of what fixed pieces of work took: of an
/// allocator's work before and after it, and of additions between its windows.
struct Slowness: Equatable, Codable {
  let outside: Double
  /// Nil where nothing was timed between windows, as on several threads.
  let between: Double?

  init(outside: Double, between: Double?) {
    self.outside = outside
    self.between = between
  }

  /// Nil where nothing was timed.
  init?(_ measurement: ReplayMeasurement) {
    guard measurement.referenceNanoseconds > 0 else { return nil }
    outside = log(measurement.referenceNanoseconds)
    let between = measurement.throughputNanoseconds
    self.between = between > 0 ? log(between) : nil
  }

  /// How much slower than another: where one of them knows nothing of the time between windows, what
  /// was before and after stands for it.
  func over(_ other: Slowness) -> (outside: Double, between: Double) {
    let outside = outside - other.outside
    guard let own = between, let others = other.between else { return (outside, outside) }
    return (outside, own - others)
  }

  /// The lower quartile of each: what the machine was like for the windows that count. Nil of
  /// nothing.
  static func lowerQuartile(_ all: [Slowness]) -> Slowness? {
    func quartile(_ values: [Double]) -> Double? {
      values.isEmpty ? nil : values.sorted()[(values.count - 1) / 4]
    }
    return quartile(all.map(\.outside)).map {
      Slowness(outside: $0, between: quartile(all.compactMap(\.between)))
    }
  }
}

/// How much longer the replays of one session take where the machine is slower, as they tell
/// themselves: replays of one build do the same work, whoever else uses the core.
///
/// The logarithm of a replay's time is a sum of the two slownesses times exponents that are the
/// session's own, because work that waits for memory minds a neighbour less than work that doesn't.
struct SessionSpeed: Equatable {
  /// By how much of the slowness before and after, and of that between windows, times grow.
  let exponents: (outside: Double, between: Double)
  /// Of the session; nil where nothing was timed: then nothing is brought to another speed.
  let usual: Slowness?

  /// What traces of all kinds had on a shared machine, for sessions that say little themselves.
  private static let expected = (outside: 0.15, between: 0.75)
  private static let deviation = 0.3
  /// Of times that nobody disturbs, at least.
  private static let leastScatter = 0.005
  private static let rounds = 8

  init(_ result: CampaignResult) {
    let subjects = result.contenders + [result.twin, result.null]
    let all = subjects.joined().map(Slowness.init)
    guard !all.contains(nil) else {
      self.init(exponents: Self.expected, usual: nil)
      return
    }
    let groups = subjects.flatMap { replays in
      (0..<result.builds).map { build in
        replays.indices.filter { $0 % result.builds == build }.map { replays[$0] }
      }
    }
    self.init(
      exponents: Self.exponents(groups), usual: .lowerQuartile(all.compactMap { $0 }))
  }

  init(exponents: (outside: Double, between: Double), usual: Slowness?) {
    self.exponents = exponents
    self.usual = usual
  }

  static func == (one: SessionSpeed, other: SessionSpeed) -> Bool {
    one.exponents == other.exponents && one.usual == other.usual
  }

  /// By what times at one slowness are multiplied to be as if at another.
  private func factor(from: Slowness, to: Slowness) -> Double {
    let slower = to.over(from)
    return exp(exponents.outside * slower.outside + exponents.between * slower.between)
  }

  /// By what the session's times are multiplied to be as if at another slowness.
  func factor(to slowness: Slowness) -> Double {
    usual.map { factor(from: $0, to: slowness) } ?? 1
  }

  /// Every replay as if the machine had been as fast as it usually was in the session.
  func leveled(_ result: CampaignResult) -> CampaignResult {
    guard let usual else { return result }
    return result.scaled { replay in
      Slowness(replay).map { factor(from: $0, to: usual) } ?? 1
    }
  }

  /// Least squares over the differences within groups of like replays, in which what is far off
  /// counts less, and drawn towards what is expected.
  private static func exponents(
    _ groups: [[ReplayMeasurement]]
  ) -> (outside: Double, between: Double) {
    var rows: [(outside: Double, between: Double, time: Double)] = []
    for group in groups where group.count > 1 {
      let times = group.map { log(max($0.nanoseconds, 1)) }
      let slow = group.compactMap(Slowness.init)
      guard let first = slow.first else { continue }
      let over = slow.map { $0.over(first) }
      func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
      let (time, outside, between) =
        (mean(times), mean(over.map(\.outside)), mean(over.map(\.between)))
      for (one, own) in zip(over, times) {
        rows.append((one.outside - outside, one.between - between, own - time))
      }
    }
    var found = expected
    for _ in 0..<rounds {
      let left = rows.map {
        ($0.time - found.outside * $0.outside - found.between * $0.between).magnitude
      }
      // The median of what is left over is two thirds of a normal scatter.
      let scatter = max(1.5 * left.median(), leastScatter)
      let prior = scatter * scatter / (deviation * deviation)
      var (a, b, d) = (prior, 0.0, prior)
      var (x, y) = (prior * expected.outside, prior * expected.between)
      for (row, left) in zip(rows, left) {
        let weight = min(1, scatter / max(left, scatter / 2))
        a += weight * row.outside * row.outside
        b += weight * row.outside * row.between
        d += weight * row.between * row.between
        x += weight * row.outside * row.time
        y += weight * row.between * row.time
      }
      let determinant = a * d - b * b
      found = ((d * x - b * y) / determinant, (a * y - b * x) / determinant)
    }
    return found
  }
}
