import Designs
import Platform

extension CostModel {
  /// What some executions of steps cost together, nanoseconds, with the scatter of the costs alone.
  /// - Parameter counts: executions by column.
  public func sum(_ counts: [Double]) -> Estimate {
    let value = LinearAlgebra.product(counts, costs)
    let half = halfWidth(counts)
    return Estimate(value: value, low: value - half, high: value + half)
  }

  /// Half of the interval of a weighted sum of costs.
  public func halfWidth(_ counts: [Double]) -> Double { quantile * deviation(counts) }

  /// Whether `calibrate` timed a step alone: then what is assumed of it is a measurement.
  public func wasTimedAlone(_ column: Int) -> Bool { isolated[column] != nil }

  /// The other columns that no data tell a column from.
  public func companions(of column: Int) -> [Int] {
    (groups.first { $0.contains(column) } ?? []).filter { $0 != column }
  }
}

extension TrainingSet {
  /// The costs of all runs, without what back-testing would find of their predictions' errors.
  /// - Throws: `CostsError.tooFewRuns`.
  public func costs(isolated: [Step: Double] = [:]) throws(CostsError) -> CostModel {
    try fitted(isolated: isolated).model
  }
}
