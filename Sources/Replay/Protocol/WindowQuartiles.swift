import Platform
import Traces

/// A replay's time as the sum of its windows' lower quartiles over the repeats, ready to be
/// resampled: every window's repeats are ordered once.
struct WindowQuartiles {
  private let repeats: Int
  /// Of every window the repeats' numbers, fastest first.
  private var order: [Int32] = []
  /// Of every window the nanoseconds of these repeats, in the same order.
  private var times: [Float] = []

  init(_ measurements: [ReplayMeasurement]) {
    repeats = measurements.count
    let windows = measurements.first?.windowNanoseconds.count ?? 0
    order.reserveCapacity(windows * repeats)
    times.reserveCapacity(windows * repeats)
    for window in 0..<windows {
      let sorted = measurements.indices.sorted {
        measurements[$0].windowNanoseconds[window] < measurements[$1].windowNanoseconds[window]
      }
      for one in sorted {
        order.append(Int32(one))
        times.append(measurements[one].windowNanoseconds[window])
      }
    }
  }

  /// Nanoseconds of all windows with every repeat taken so many times.
  /// - Parameter multiplicities: one per repeat, adding up to their number.
  /// - Complexity: a quarter of the repeats per window.
  func sum(_ multiplicities: [Int]) -> Double {
    guard repeats > 0 else { return 0 }
    let place = (repeats - 1) / 4
    var sum = 0.0
    for start in stride(from: 0, to: order.count, by: repeats) {
      var index = start
      var passed = multiplicities[Int(order[index])]
      while passed <= place {
        index += 1
        passed += multiplicities[Int(order[index])]
      }
      sum += Double(times[index])
    }
    return sum
  }

  /// The sum of lower quartiles of `values` less that of `baseline`, per call, with a 95 %
  /// interval: whole repeats are resampled, and the interval is widened as
  /// `RepeatStatistics.difference` widens it. One repeat sets no bounds.
  static func difference(
    _ values: [ReplayMeasurement], less baseline: [ReplayMeasurement], calls: UInt64, seed: UInt64
  ) -> Estimate {
    let first = WindowQuartiles(values)
    let second = WindowQuartiles(baseline)
    let perCall = 1 / Double(max(calls, 1))
    func once(_ repeats: Int) -> [Int] { [Int](repeating: 1, count: repeats) }
    let value = (first.sum(once(first.repeats)) - second.sum(once(second.repeats))) * perCall
    guard min(first.repeats, second.repeats) > 1 else { return Estimate(unbounded: value) }
    var random = SeededGenerator(seed: seed)
    func drawn(_ repeats: Int) -> [Int] {
      var times = [Int](repeating: 0, count: repeats)
      for _ in 0..<repeats { times[Int.random(in: 0..<repeats, using: &random)] += 1 }
      return times
    }
    // A second at most, however long the trace.
    let work = max(first.order.count + second.order.count, 1)
    let draws = min(800, max(200, 100_000_000 / work))
    let differences = (0..<draws).map { _ in
      (first.sum(drawn(first.repeats)) - second.sum(drawn(second.repeats))) * perCall
    }
    return RepeatStatistics.interval(
      value, draws: differences, repeats: min(first.repeats, second.repeats))
  }
}
