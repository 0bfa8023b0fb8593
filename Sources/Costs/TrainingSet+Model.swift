import Designs
import Platform

extension TrainingSet {
  /// A fit of some runs with all that is known of its costs.
  struct Fitted {
    /// Indices into the set's runs.
    let runs: [Int]
    let robust: RobustFit
    let draws: CostDraws
    let known: Identifiability
    let model: CostModel
  }

  /// Fits some runs; the model's error is yet unknown.
  /// - Parameter runs: indices into `runs`; all of them when nil.
  /// - Throws: `CostsError.tooFewRuns`.
  func fitted(
    runs subset: [Int]? = nil, isolated: [Step: Double] = [:], keep: Int = 0
  ) throws(CostsError) -> Fitted {
    let indices = subset ?? Array(runs.indices)
    guard indices.count >= 2 else { throw .tooFewRuns(have: indices.count, need: 2) }
    let programCount = Set(indices.map { programs[rows[$0].trace] }).count
    // Few programs: parts of a trace are the next best thing to independent.
    let parts = programCount >= 6 ? 1 : options.partsPerTrace
    let robust = RobustFit(self, runs: indices, parts: parts)
    let draws = CostDraws(
      self, robust, runs: indices, parts: parts, draws: options.resamples, keep: keep)
    let known = Identifiability(robust.data, separability: options.separability)
    let executed = Set(known.groups.flatMap(\.columns))
    let shares = priorShares(robust)
    var all = [Double](repeating: 1, count: Column.count)
    for (place, column) in columns.enumerated() where executed.contains(place) {
      all[column] = shares[place]
    }
    let bounds = BoundedPosterior(robust, prior: priorSums(robust.data), options)
    var reaches = [Double](repeating: 0, count: Column.count)
    for (place, column) in columns.enumerated() { reaches[column] = bounds.reach(place) }
    let groups = known.groups.map { group in group.columns.map { columns[$0] } }
    let told = Set(groups.joined())
    let alone = (0..<Step.count).filter { !told.contains($0) }.map { [$0] }
    let model = CostModel(
      costs: expanded(robust.costs),
      draws: zip(draws.costs, draws.means).map { costs, means in
        zip(costs, means).map { expanded($0, means: $1) }
      },
      reaches: reaches, priorShares: all, groups: groups + alone,
      separable: Set(executed.filter(known.isSeparable).map { columns[$0] }),
      isolated: Dictionary(uniqueKeysWithValues: isolated.map { (Int($0.rawValue), $1) }),
      degreesOfFreedom: draws.degreesOfFreedom, level: options.level, error: .unknown)
    return Fitted(runs: indices, robust: robust, draws: draws, known: known, model: model)
  }

  /// Which part of each cost its prior and others' decide, from 0 to 1.
  ///
  /// The larger of two answers: the prior's precision in what the cost is known with altogether,
  /// and by which part of itself the cost moves with the means of all priors.
  private func priorShares(_ robust: RobustFit) -> [Double] {
    var whole = robust.data
    whole.add(priorSums(robust.data))
    let variances = whole.inverseDiagonal()
    let step = 0.5
    var moved = robust.data
    moved.add(
      priorSums(robust.data, means: columns.map { (1 + step) * (priors[$0]?.mean ?? 0) }))
    let other = moved.solveNonNegative(start: robust.costs)
    return columns.indices.map { place in
      guard let prior = priors[columns[place]] else { return 0 }
      let cost = max(robust.costs[place], other[place])
      let moves = cost > 0 ? (other[place] - robust.costs[place]).magnitude / (step * cost) : 0
      return min(1, max(moves, variances[place] * prior.precision))
    }
  }
}

extension NormalEquations {
  /// The diagonal of the inverse: what each coefficient's variance is. Columns that depend on
  /// others exactly have none, and are infinite.
  func inverseDiagonal() -> [Double] {
    let scale = (0..<size).map { column -> Double in
      let square = gram[column * size + column]
      return square > 0 ? 1 / square.squareRoot() : 0
    }
    let set = (0..<size).filter { scale[$0] > 0 }
    let scratch = CholeskyScratch(capacity: size)
    var result = [Double](repeating: .infinity, count: size)
    var system = self
    for place in set.indices {
      for column in 0..<size { system.setRight(column, column == set[place] ? 1 : 0) }
      guard scratch.solve(system, scale, set) == nil else { return result }
      result[set[place]] = scratch.solution[place] * scale[set[place]]
    }
    return result
  }
}
