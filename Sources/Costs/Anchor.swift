/// What a fit left unexplained of the runs most like the one to predict: it is expected of that one
/// as well.
///
/// A variant is hardly ever predicted without having measured anything on the trace: the design it
/// differs from is there. Its time plus the cost of the steps that differ is then the prediction,
/// and only the difference needs the costs. Without such runs the prediction is the costs' alone.
struct Anchor {
  /// Nanoseconds per operation, by window; empty without runs.
  private let residuals: [Double]
  private let mean: Double

  /// - Parameters:
  ///   - runs: of one trace, all with the same windows.
  ///   - predicted: of each run, by window.
  ///   - means: what is predicted of each run's mean.
  init(_ runs: [Run], predicted: [[Double]], means: [Double]) {
    let count = Double(max(runs.count, 1))
    mean = zip(runs, means).reduce(0) { $0 + ($1.0.meanNanoseconds - $1.1) } / count
    var sums = [Double](repeating: 0, count: runs.first?.windows ?? 0)
    for (run, predicted) in zip(runs, predicted) {
      for window in sums.indices {
        sums[window] += (Double(run.nanoseconds[window]) - predicted[window]) / count
      }
    }
    residuals = sums
  }

  /// Nanoseconds per operation over the whole run, from what the costs say: never under a quarter of
  /// that.
  func predictedMean(_ model: Double) -> Double { max(model + mean, model / 4) }

  /// Nanoseconds per operation of one window, from what the costs say.
  func predicted(_ model: Double, window: Int) -> Double {
    residuals.isEmpty ? model : max(model + residuals[window], model / 4)
  }
}
