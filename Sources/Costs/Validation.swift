import Designs
import Foundation

/// How runs are held out.
public enum ValidationScheme: String, Sendable, Codable, CaseIterable {
  case leaveOneTraceOut = "leave-one-trace-out"
  case leaveOneVariantOut = "leave-one-variant-out"
  /// No variant with that value of the toggle is seen: its steps cost what `calibrate` found.
  case leaveOneToggleOut = "leave-one-toggle-out"
  /// A whole family is unseen.
  case leaveOneAllocatorOut = "leave-one-allocator-out"
}

/// What a scheme found: errors on data that the fit behind each prediction did not see.
public struct Validation: Sendable, Codable, Equatable {
  /// One held-out run.
  public struct HeldOut: Sendable, Codable, Equatable {
    /// What was left out together: a trace, a design, family,toggle=value, or a family.
    public let fold: String
    public let trace: String
    public let design: String
    /// Nanoseconds per operation.
    public let measuredNs: Double
    /// From the most similar variant seen on the same trace, where there is one, and the costs of
    /// the steps that differ; else from the costs alone.
    public let predictedNs: Double
    /// From the costs alone.
    public let modelNs: Double
    /// Mean absolute percentage error of its windows.
    public let windowErrorPercent: Double
    public let constantNs: Double
    /// Nil where nothing similar was seen.
    public let nearestVariantNs: Double?

    public var errorPercent: Double { 100 * (predictedNs / measuredNs - 1) }
  }

  public let scheme: ValidationScheme
  public let heldOut: [HeldOut]
  /// Typical misfit: root of the mean square of ln(predicted / measured), folds weighing the same.
  public let misfit: Double
  public let folds: Int

  public var runs: Int { heldOut.count }
  public var totalErrorPercent: Double { Self.mean(heldOut.map { $0.errorPercent.magnitude }) }
  /// Of predictions from the costs alone.
  public var modelErrorPercent: Double {
    Self.mean(heldOut.map { 100 * ($0.modelNs / $0.measuredNs - 1).magnitude })
  }
  public var windowErrorPercent: Double { Self.mean(heldOut.map(\.windowErrorPercent)) }
  public var constantErrorPercent: Double {
    Self.mean(heldOut.map { 100 * ($0.constantNs / $0.measuredNs - 1).magnitude })
  }
  public var nearestVariantErrorPercent: Double? {
    let errors = heldOut.compactMap { run in
      run.nearestVariantNs.map { 100 * ($0 / run.measuredNs - 1).magnitude }
    }
    return errors.isEmpty ? nil : Self.mean(errors)
  }

  static func mean(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }
}

/// How often prediction intervals contained what was measured.
public struct Coverage: Sendable, Codable, Equatable {
  public let scheme: ValidationScheme
  public let level: Double
  public let percent: Double
  public let runs: Int
}

extension Validation {
  /// Prediction intervals of each fold made from the misfit of the *other* folds, and how many
  /// contain the measurement. Nil for fewer than three folds.
  public func coverage(level: Double) -> Coverage? {
    let folds = Dictionary(grouping: heldOut, by: \.fold)
    guard folds.count >= 3 else { return nil }
    let squares = folds.mapValues { runs in Self.mean(runs.map { $0.logError * $0.logError }) }
    var inside = 0
    for (fold, runs) in folds {
      let others = squares.filter { $0.key != fold }.map(\.value)
      let half = Self.halfWidth(
        misfit: Self.mean(others).squareRoot(), folds: others.count, level: level)
      inside += runs.filter { $0.logError.magnitude <= half }.count
    }
    return Coverage(
      scheme: scheme, level: level, percent: 100 * Double(inside) / Double(heldOut.count),
      runs: heldOut.count)
  }

  /// Half the width of a prediction interval of ln(time).
  static func halfWidth(misfit: Double, folds: Int, level: Double) -> Double {
    misfit * (1 + 1 / Double(max(folds, 1))).squareRoot()
      * LinearAlgebra.studentQuantile(0.5 + level / 2, degreesOfFreedom: Double(folds))
  }
}

extension Validation.HeldOut {
  /// ln(predicted / measured), bounded where a prediction is all but zero.
  var logError: Double { log(max(predictedNs, 0.01 * measuredNs) / measuredNs) }
}
