import Designs
import Foundation
import Platform

/// A finished fit: costs for predicting, the table for reading, and how far both are to be
/// trusted. Kept in the notebook as JSON.
public struct CostFit: Sendable, Codable, Equatable {
  /// Nanoseconds per step by name, every executed or calibrated step its own: predictions use it.
  public let costs: [String: Double]
  public let table: CostTable
  public let validations: [Validation]
  public let coverage: [Coverage]
  public let traces: [String]
  public let designs: [String]
  public let options: FitOptions

  /// Fits all runs of a set and validates by every scheme that has at least two folds.
  /// - Throws: `CostsError`.
  public init(
    _ set: TrainingSet, isolated: [Step: Double] = [:],
    schemes: [ValidationScheme] = ValidationScheme.allCases
  ) throws(CostsError) {
    let all = Array(set.runs.indices)
    let robust = RobustFit(set, runs: all, rounds: set.options.rounds)
    costs = Dictionary(
      uniqueKeysWithValues: robust.costs.indices.map { (Column.name($0), robust.costs[$0]) })
    table = try set.costTable(isolated: isolated).table
    var validations: [Validation] = []
    for scheme in schemes {
      let validation = set.validate(scheme)
      if validation.folds >= 2 { validations.append(validation) }
    }
    self.validations = validations
    coverage = validations.compactMap { $0.coverage(level: set.options.level) }
    traces = set.traces
    designs = set.designs.map(\.description)
    options = set.options
  }

  /// Costs by column.
  public var costVector: [Double] {
    (0..<Column.count).map { costs[Column.name($0)] ?? 0 }
  }

  /// Predicts nanoseconds per operation from steps per operation (`Step.count` values or one more
  /// for the constant).
  ///
  /// Predicts from the costs alone, so the interval is that of leave-one-trace-out, the scheme that
  /// has nothing else either, and for an unseen design that of leave-one-variant-out besides.
  /// - Returns: nil when nothing was held out by the schemes that this needs.
  public func predict(countsPerOperation: [Double], design: String)
    -> Estimate?
  {
    let vector = costVector
    var value = vector[Column.intercept]
    for step in 0..<min(Step.count, countsPerOperation.count) {
      value += countsPerOperation[step] * vector[step]
    }
    var needed: [ValidationScheme] = [.leaveOneTraceOut]
    if !designs.contains(design) { needed.append(.leaveOneVariantOut) }
    var square = 0.0
    for scheme in needed {
      guard let found = validations.first(where: { $0.scheme == scheme }) else { return nil }
      let half = Validation.halfWidth(
        misfit: found.misfit, folds: found.folds, level: options.level)
      square += half * half
    }
    let factor = exp(square.squareRoot())
    return Estimate(value: value, low: value / factor, high: value * factor)
  }
}
