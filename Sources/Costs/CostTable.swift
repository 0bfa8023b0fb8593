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
    /// Which part of the cost its prior decides, from 0 to 1.
    public let priorShare: Double
    /// Where the cost comes from if not from data in place; nil if it does.
    public let remark: String?
    /// Steps with which it makes up a null direction: only together are their costs known. Empty
    /// for a cost of its own.
    public let partners: [String]
  }

  /// A null direction: costs that may move together without changing any predicted time.
  public struct Dependency: Sendable, Codable, Equatable {
    public let steps: [String]
    /// By how much each moves where the first moves by 1 ns.
    public let ns: [Double]
  }

  public let lines: [Line]
  public let dependencies: [Dependency]
  /// Largest by smallest singular value of the weighted, scaled columns that are reported.
  public let conditionNumber: Double
  /// Independent clusters less one, behind the intervals: see `CostFit.programs`.
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
  /// Fits all runs and reports.
  /// - Throws: `CostsError`.
  public func costTable(isolated: [Step: Double] = [:]) throws(CostsError) -> CostTable {
    try costTable(fitted(isolated: isolated))
  }

  func costTable(_ fitted: Fitted) throws(CostsError) -> CostTable {
    let leaders = fitted.known.groups.map(\.leader)
    let data = fitted.robust.data.selecting(leaders)
    let singular = try LinearAlgebra.singularValues(data.scaledFactor()).values
    let smallest = singular.last { $0 > 0 } ?? 0
    return CostTable(
      lines: report(fitted),
      dependencies: fitted.known.dependencies.map { dependency in
        CostTable.Dependency(
          steps: dependency.columns.map { Column.name(columns[$0]) }, ns: dependency.direction)
      },
      conditionNumber: smallest > 0
        ? (singular.first ?? 0) / smallest : .greatestFiniteMagnitude,
      degreesOfFreedom: fitted.draws.degreesOfFreedom, residualSpread: fitted.robust.spread)
  }

  private func report(_ fitted: Fitted) -> [CostTable.Line] {
    let known = fitted.known
    let model = fitted.model
    let scatter = Scatter(costs: fitted.robust.costs, draws: fitted.draws.costs)
    let bounded = known.groups.map { group in
      var counts = [Double](repeating: 0, count: columns.count)
      for (column, ratio) in zip(group.columns, group.ratios) { counts[column] = ratio }
      return scatter.bounded(counts, quantile: model.quantile)
    }
    let solution = bounded.map(\.value)
    var lines: [CostTable.Line?] = Array(repeating: nil, count: Column.count)
    for (index, group) in known.groups.enumerated() {
      var low = bounded[index].low
      // Draws that all lie at the bound say nothing of how far above it the cost may be.
      var high: Double? = max(bounded[index].high, model.reaches[columns[group.leader]])
      for dependency in known.dependencies {
        guard let place = dependency.columns.firstIndex(of: group.leader) else { continue }
        let reach = reach(dependency, place, known, solution)
        low = min(low, reach.low)
        high = high.flatMap { old in reach.high.map { max(old, $0) } }
      }
      let name =
        group.columns.count > 1
        ? group.columns.map { Column.name(columns[$0]) }.joined(separator: "+") : nil
      var partners: [String] = []
      for dependency in known.dependencies where dependency.columns.contains(group.leader) {
        for other in dependency.columns where other != group.leader {
          let name = Column.name(columns[other])
          if !partners.contains(name) { partners.append(name) }
        }
      }
      for place in group.columns {
        let column = columns[place]
        lines[column] = CostTable.Line(
          step: Column.name(column), group: name,
          ns: Estimate(value: solution[index], low: low, high: high),
          identifiable: model.isIdentifiable(column),
          varianceInflation: known.varianceInflation[group.leader],
          isolatedNs: model.isolated[column], priorShare: model.priorShares[column],
          remark: model.remark(column), partners: partners)
      }
    }
    for column in 0..<Step.count where lines[column] == nil {
      lines[column] = CostTable.Line(
        step: Column.name(column), group: nil, ns: nil, identifiable: false,
        varianceInflation: nil, isolatedNs: model.isolated[column], priorShare: 1, remark: nil,
        partners: [])
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
