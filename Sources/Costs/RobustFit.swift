/// One robust non-negative fit on a subset of the runs: P. J. Huber's M-estimate by iterated
/// reweighting.
struct RobustFit: Sendable {
  /// Nanoseconds per step, one per column.
  let costs: [Double]
  /// Huber's weights times the correction of the scale, per run of the subset (in its order) and
  /// row.
  let weights: [[Double]]
  /// The typical relative residual of a row: 1.4826 × the median of the absolute ones.
  let spread: Double

  /// - Parameters:
  ///   - runs: indices into the set's runs.
  ///   - start: where the reweighting starts; the result doesn't depend on it once settled.
  init(_ set: TrainingSet, runs: [Int], rounds: Int, start: [Double]? = nil) {
    var base = NormalEquations(size: Column.count)
    for run in runs { base.add(set.plain[run]) }
    let prior = set.priorSums(base)
    var total = base
    total.add(prior)
    var costs = start ?? total.solveNonNegative()
    var weights: [[Double]] = []
    var spread = 0.0
    for _ in 0..<max(rounds, 1) {
      let residuals = runs.map { set.rows[$0].residuals(costs) }
      spread = 1.4826 * Self.median(residuals.flatMap { $0.relative.map(\.magnitude) })
      let bound = set.options.huber * max(spread, 1e-6)
      weights = residuals.map { run in
        zip(run.relative, run.corrections).map { residual, correction in
          correction * (residual.magnitude <= bound ? 1 : bound / residual.magnitude)
        }
      }
      var sums = [NormalEquations(size: Column.count)]
      for (position, run) in runs.enumerated() {
        set.rows[run].add(to: &sums, robust: weights[position], options: set.options)
      }
      sums[0].symmetrize()
      sums[0].add(prior)
      let next = sums[0].solveNonNegative(start: costs)
      let change = zip(next, costs).map { ($0 - $1).magnitude }.max() ?? 0
      costs = next
      if change < 1e-6 * (costs.max() ?? 0) { break }
    }
    self.costs = costs
    self.weights = weights
    self.spread = spread
  }

  static func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
