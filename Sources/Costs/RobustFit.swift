import Platform

/// One robust non-negative fit on a subset of the runs: P. J. Huber's M-estimate by iterated
/// reweighting.
struct RobustFit: Sendable {
  /// Nanoseconds per step, one per column of the set.
  let costs: [Double]
  /// The weighted products of each run of the subset, by parts, in its order: with Huber's weights.
  let sums: [[RunSums]]
  /// All of them added up, without priors.
  let data: NormalEquations
  /// The typical relative residual of a row: 1.4826 × the median of the absolute ones.
  let spread: Double

  /// - Parameters:
  ///   - runs: indices into the set's runs.
  ///   - parts: into how many stretches each run's sums are divided.
  init(_ set: TrainingSet, runs: [Int], parts: Int = 1) {
    var costs: [Double] = []
    var sums: [[RunSums]] = []
    var data = NormalEquations(size: set.columns.count)
    var spread = 0.0
    var robust = [[Double]?](repeating: nil, count: runs.count)
    for round in 0...max(set.options.rounds, 1) {
      let isLast = round == max(set.options.rounds, 1)
      sums = zip(runs, robust).map {
        set.rows[$0].sums(robust: $1, parts: isLast ? parts : 1, options: set.options)
      }
      data = Self.total(sums, size: set.columns.count)
      var whole = data
      whole.add(set.priorSums(data))
      let next = whole.solveNonNegative(start: costs.isEmpty ? nil : costs)
      costs = next
      if isLast { break }
      let residuals = runs.map { set.rows[$0].residuals(costs) }
      spread = 1.4826 * residuals.flatMap { $0.relative.map(\.magnitude) }.median()
      let bound = set.options.huber * max(spread, 1e-6)
      // Runs that fit more closely than they are taken to weigh as much more against priors. Else a
      // prior would hold a step far from its cost whatever its runs say, and these, being off where
      // all others fit, would be weighed down as outliers.
      let closeness = min(1 / (spread * spread), set.options.mostPrecision)
      let gain = max(1, closeness / set.options.precision)
      robust = residuals.map { run in
        zip(run.relative, run.corrections).map { residual, correction in
          gain * correction * (residual.magnitude <= bound ? 1 : bound / residual.magnitude)
        }
      }
    }
    self.costs = costs
    self.sums = sums
    self.data = data
    self.spread = spread
  }

  private static func total(_ sums: [[RunSums]], size: Int) -> NormalEquations {
    var total = NormalEquations(size: size)
    for run in sums { for part in run { part.add(toUpper: &total, times: 1) } }
    total.symmetrize()
    return total
  }

  /// The sums without some runs, given by their places in the subset: what they add is taken off,
  /// which costs a pass over them instead of one over all others. Huber's weights stay.
  /// - Parameter weights: what each run counted in `total`; 1 when nil.
  func leaving(
    out places: [Int], of total: NormalEquations, weights: [[Double]]? = nil
  ) -> NormalEquations {
    var rest = total
    for place in places {
      for (part, one) in sums[place].enumerated() {
        one.add(toUpper: &rest, times: -(weights?[place][part] ?? 1))
      }
    }
    rest.symmetrize()
    // What only they had is left as rounding error.
    for column in 0..<rest.size {
      let before = total.gram[column * rest.size + column]
      if rest.gram[column * rest.size + column] <= 1e-9 * before { rest.clear(column) }
    }
    return rest
  }
}
