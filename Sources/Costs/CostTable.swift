import Designs
import Platform

/// What each step costs, for people and programs: the reported side of a fit.
public struct CostTable: Sendable, Codable, Equatable {
  /// One line of the table.
  public struct Line: Sendable, Codable, Equatable {
    /// The step's name, or `unexplained`.
    public let step: String
    /// The names of all steps that share this one cost, joined by +; nil for a step of its own.
    public let group: String?
    /// Nanoseconds per occurrence; for a group, per occurrence of its first step together with
    /// what always comes with it. Nil for a step that was never executed.
    public let ns: Estimate?
    /// Whether the data tell this step's cost from the others'.
    public let identifiable: Bool
    /// Variance inflation factor.
    public let varianceInflation: Double?
    /// What `calibrate` found for the step alone, nanoseconds.
    public let isolatedNs: Double?
  }

  public let lines: [Line]
  /// Largest by smallest singular value of the weighted, scaled columns that are reported.
  public let conditionNumber: Double
  /// Independent clusters less one, behind the intervals.
  public let degreesOfFreedom: Double
  /// Typical relative residual of a row, in sample: for diagnosis, never an accuracy.
  public let residualSpread: Double

  /// The line that holds a column's cost.
  public func line(_ column: Int) -> Line? {
    let name = Column.name(column)
    return lines.first { $0.step == name }
  }
}

extension TrainingSet {
  /// Fits some runs and reports.
  /// - Parameter runs: indices into `runs`; all of them when nil.
  /// - Throws: `CostsError`.
  public func costTable(runs subset: [Int]? = nil, isolated: [Step: Double] = [:])
    throws(CostsError) -> (table: CostTable, identifiability: Identifiability)
  {
    let indices = subset ?? Array(runs.indices)
    guard indices.count >= 2 else { throw .tooFewRuns(have: indices.count, need: 2) }
    let robust = RobustFit(self, runs: indices, rounds: options.rounds)
    let traceCount = Set(indices.map { rows[$0].trace }).count
    // Few traces: parts of a trace are the next best thing to independent.
    let parts = traceCount >= 6 ? 1 : options.partsPerTrace
    var data = NormalEquations(size: Column.count)
    var pieces: [(trace: Int, variant: Int, sums: NormalEquations)] = []
    for (order, run) in indices.enumerated() {
      var sums = [NormalEquations](
        repeating: NormalEquations(size: Column.count), count: parts)
      rows[run].add(to: &sums, robust: robust.weights[order], options: options)
      for part in sums.indices {
        sums[part].symmetrize()
        data.add(sums[part])
        pieces.append((rows[run].trace * parts + part, rows[run].variant, sums[part]))
      }
    }
    let known = Identifiability(data, separability: options.separability)
    let leaders = known.groups.map(\.leader)
    let prior = groupPrior(known, data)
    var (matrix, target) = try triangle(
      runs: indices, weights: robust.weights, columns: leaders)
    let singular = try LinearAlgebra.singularValues(scaled(matrix))
    append(prior, to: &matrix, &target)
    let solution = try NonNegativeLeastSquares.solve(matrix, target).coefficients
    let bootstrap = Bootstrap(
      pieces: pieces.map {
        Bootstrap.Piece(
          trace: $0.trace, variant: $0.variant, sums: $0.sums.selecting(leaders))
      }, prior: prior, estimate: solution, resamples: options.resamples, seed: options.seed)
    let lines = report(known, solution, bootstrap, isolated)
    let smallest = singular.values.last { $0 > 0 } ?? 0
    let condition =
      smallest > 0 ? (singular.values.first ?? 0) / smallest : .greatestFiniteMagnitude
    return (
      CostTable(
        lines: lines, conditionNumber: condition, degreesOfFreedom: bootstrap.degreesOfFreedom,
        residualSpread: robust.spread), known
    )
  }

  /// A group's cost is the sum of its steps' per occurrence of the leader, and so is its prior;
  /// it has one when all its steps have.
  private func groupPrior(_ known: Identifiability, _ data: NormalEquations) -> NormalEquations {
    var prior = NormalEquations(size: known.groups.count)
    for (index, group) in known.groups.enumerated() {
      let priors = group.columns.compactMap { self.priors[$0] }
      if priors.count == group.columns.count {
        var mean = 0.0
        var variance = 0.0
        for (prior, ratio) in zip(priors, group.ratios) {
          mean += prior.mean * ratio
          variance += prior.deviation * prior.deviation * ratio * ratio
        }
        prior.addPrior(column: index, mean: mean, precision: 1 / variance)
      } else {
        let own = data.gram[group.leader * Column.count + group.leader]
        prior.addPrior(column: index, mean: 0, precision: 1e-6 * own)
      }
    }
    return prior
  }

  private func append(
    _ prior: NormalEquations, to matrix: inout Matrix, _ target: inout [Double]
  ) {
    var elements = matrix.elements
    for column in 0..<prior.size {
      let root = prior.gram[column * prior.size + column].squareRoot()
      var row = [Double](repeating: 0, count: prior.size)
      row[column] = root
      elements.append(contentsOf: row)
      target.append(root > 0 ? prior.right[column] / root : 0)
    }
    matrix = Matrix(rows: matrix.rows + prior.size, columns: prior.size, elements: elements)
  }

  private func scaled(_ matrix: Matrix) -> Matrix {
    let norms = matrix.columnNorms
    var result = matrix
    for row in 0..<matrix.rows {
      for column in 0..<matrix.columns where norms[column] > 0 {
        result[row, column] /= norms[column]
      }
    }
    return result
  }

  private func report(
    _ known: Identifiability, _ solution: [Double], _ bootstrap: Bootstrap,
    _ isolated: [Step: Double]
  ) -> [CostTable.Line] {
    let quantile = LinearAlgebra.studentQuantile(
      0.5 + options.level / 2, degreesOfFreedom: bootstrap.degreesOfFreedom)
    var lines: [CostTable.Line?] = Array(repeating: nil, count: Column.count)
    for (index, group) in known.groups.enumerated() {
      let half = quantile * bootstrap.deviations[index]
      var low = max(0, min(bootstrap.lifted[index] - half, solution[index]))
      var high: Double? = max(bootstrap.lifted[index] + half, solution[index])
      for dependency in known.dependencies {
        guard let place = dependency.columns.firstIndex(of: group.leader) else { continue }
        let reach = reach(dependency, place, known, solution)
        low = min(low, reach.low)
        high = high.flatMap { old in reach.high.map { max(old, $0) } }
      }
      let name =
        group.columns.count > 1
        ? group.columns.map(Column.name).joined(separator: "+") : nil
      for column in group.columns {
        lines[column] = CostTable.Line(
          step: Column.name(column), group: name,
          ns: Estimate(value: solution[index], low: low, high: high),
          identifiable: known.isSeparable(column),
          varianceInflation: known.varianceInflation[group.leader],
          isolatedNs: column < Step.count ? isolated[Step.allCases[column]] : nil)
      }
    }
    for column in known.neverExecuted where column != Column.intercept {
      lines[column] = CostTable.Line(
        step: Column.name(column), group: nil, ns: nil, identifiable: false,
        varianceInflation: nil, isolatedNs: isolated[Step.allCases[column]])
    }
    return lines.compactMap { $0 }
  }

  /// How far a cost may move along a null direction before some cost of it turns negative.
  private func reach(
    _ dependency: Identifiability.Dependency, _ place: Int, _ known: Identifiability,
    _ solution: [Double]
  ) -> (low: Double, high: Double?) {
    var least = -Double.infinity
    var most = Double.infinity
    for (column, slope) in zip(dependency.columns, dependency.direction) where slope != 0 {
      let index = known.groups.firstIndex { $0.leader == column } ?? 0
      let bound = -solution[index] / slope
      if slope > 0 { least = max(least, bound) } else { most = min(most, bound) }
    }
    let slope = dependency.direction[place]
    let index = known.groups.firstIndex { $0.leader == dependency.columns[place] } ?? 0
    let ends = [least, most].map { solution[index] + slope * $0 }.sorted()
    return (max(0, ends[0]), ends[1].isFinite ? ends[1] : nil)
  }
}
