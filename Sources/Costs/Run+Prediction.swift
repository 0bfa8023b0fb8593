import Designs

extension Run {
  /// Predicted nanoseconds per operation over the whole run.
  public func predictedMean(_ costs: [Double]) -> Double {
    LinearAlgebra.product(meanCounts, costs)
  }

  /// Predicted nanoseconds per operation of every window.
  func predictedWindows(_ costs: [Double]) -> [Double] {
    counts.withUnsafeBufferPointer { counts in
      costs.withUnsafeBufferPointer { costs in
        (0..<windows).map { window in
          var sum = costs[Column.intercept]
          let base = window * Step.count
          for step in 0..<Step.count { sum += Double(counts[base + step]) * costs[step] }
          return sum
        }
      }
    }
  }

  /// Mean absolute percentage error of the windows, each relative to its time but to no less than
  /// a quarter of the run's mean: a window of almost nothing but noise has no relative error.
  func windowErrorPercent(_ predicted: [Double], _ anchor: Anchor) -> Double {
    let least = max(0.25 * meanNanoseconds, RunRows.floor)
    var sum = 0.0
    for window in 0..<windows {
      let time = Double(nanoseconds[window])
      let error = anchor.predicted(predicted[window], window: window) - time
      sum += error.magnitude / max(time, least)
    }
    return 100 * sum / Double(max(windows, 1))
  }
}
