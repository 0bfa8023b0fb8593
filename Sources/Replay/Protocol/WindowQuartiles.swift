import Platform
import Traces

/// A replay's time as the sum of its windows' lower quartiles over the repeats of one build, ready
/// to be resampled: every window's repeats are ordered once.
struct WindowQuartiles {
  let repeats: Int
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

  /// What one resampling looks at.
  var work: Int { order.count }

  /// Nanoseconds of all windows.
  var total: Double { sum([Int](repeating: 1, count: repeats)) }

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

  /// As `total`, of whole repeats drawn again.
  func resampled(_ random: inout SeededGenerator) -> Double {
    var times = [Int](repeating: 0, count: repeats)
    for _ in 0..<repeats { times[Int.random(in: 0..<repeats, using: &random)] += 1 }
    return sum(times)
  }
}
