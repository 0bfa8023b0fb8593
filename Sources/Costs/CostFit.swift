import Designs
import Foundation
import Platform

/// A finished fit: costs for predicting, the table for reading, and how far both are to be
/// trusted. Kept in the notebook as JSON.
public struct CostFit: Sendable, Codable, Equatable {
  /// Whatever predicts goes through it.
  public let model: CostModel
  public let table: CostTable
  public let validations: [Validation]
  public let coverage: [Coverage]
  /// The same of generated traces, where there are recorded ones besides: `coverage` is of these then.
  public let generatedCoverage: [Coverage]
  public let traces: [String]
  /// Of how many programs they are, a recipe with its parameters being one: what is drawn for the
  /// intervals, with the weights of their runs.
  public let programs: Int
  /// Those of them that are of recipes and of no program.
  public let generatedTraces: [String]
  public let designs: [String]
  public let options: FitOptions

  /// Fits all runs and validates by every scheme that has at least two folds.
  /// - Throws: `CostsError`.
  public init(
    _ set: TrainingSet, isolated: [Step: Double] = [:],
    schemes: [ValidationScheme] = ValidationScheme.allCases
  ) throws(CostsError) {
    let fitted = try set.fitted(isolated: isolated, keep: set.options.foldResamples)
    let found = set.examine(schemes, fitted).filter { $0.folds >= 2 }
    let validations = found.map(Validation.init)
    model = fitted.model.with(error: ModelError(found))
    table = try set.costTable(fitted)
    self.validations = validations
    let level = set.options.level
    let isMixed = set.runs.contains(where: \.isGenerated) && !set.runs.allSatisfy(\.isGenerated)
    coverage = validations.compactMap {
      $0.coverage(level: level, generated: isMixed ? false : nil)
    }
    generatedCoverage =
      isMixed ? validations.compactMap { $0.coverage(level: level, generated: true) } : []
    traces = set.traces
    programs = Set(set.programs).count
    let generated = Set(set.runs.filter(\.isGenerated).map(\.trace))
    generatedTraces = set.traces.filter(generated.contains)
    designs = set.designs.map(\.description)
    options = set.options
  }

  /// Predicts nanoseconds per operation from steps per operation, from the costs alone.
  /// - Returns: nil when nothing was held out by the schemes that the interval needs.
  public func predict(countsPerOperation: [Double], design: String) -> Estimate? {
    model.time(countsPerOperation, seenDesign: designs.contains(design))
  }
}

extension TrainingSet {
  /// A model from some of the runs, its error found by holding out their variants and traces.
  /// - Parameter runs: indices into `runs`; all of them when nil.
  /// - Throws: `CostsError`.
  public func model(
    runs subset: [Int]? = nil, isolated: [Step: Double] = [:]
  ) throws(CostsError) -> CostModel {
    let fitted = try fitted(runs: subset, isolated: isolated, keep: options.foldResamples)
    return fitted.model.with(
      error: ModelError(examine(Self.predicting, fitted).filter { $0.folds >= 2 }))
  }

  /// Predicts by all runs what is held out of them, for the error of single predictions.
  /// - Throws: `CostsError`.
  public func backTest(isolated: [Step: Double] = [:]) throws(CostsError) -> BackTest {
    let fitted = try fitted(isolated: isolated, keep: options.foldResamples)
    return BackTest(
      examinations: examine(Self.predicting + [.leaveOneTraceAndToggleOut], fitted)
        .filter { $0.folds >= 2 })
  }

  /// What the errors of a prediction are known from.
  private static let predicting: [ValidationScheme] = [
    .leaveOneTraceOut, .leaveOneVariantOut, .leaveOneTraceAndVariantOut,
  ]
}
