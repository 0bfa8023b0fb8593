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
    /// Nil where the family's default was not measured beside it, was held out as well, or is it.
    public let payoff: Payoff?

    public var errorPercent: Double { 100 * (predictedNs / measuredNs - 1) }
  }

  /// A held-out run before the model's error is known.
  struct Raw: Sendable {
    let run: HeldOut
    let payoff: RawPayoff?
  }

  public let scheme: ValidationScheme
  public let heldOut: [HeldOut]
  /// Of families as they come, where traces are held out; empty in other schemes.
  public let gaps: [Gap]
  /// What the model's error is as a share of a payoff's gross change, by all folds; nil without
  /// payoffs.
  public let payoffShare: Double?
  /// Typical misfit: root of the mean square of ln(predicted / measured), folds weighing the same.
  public let misfit: Double
  public let folds: Int

  /// The interval of a payoff is made from the errors of the other folds.
  init(
    scheme: ValidationScheme, held: [Raw], gaps: [Gap], folds: Int, quantile: Double, level: Double
  ) {
    self.scheme = scheme
    self.gaps = gaps
    self.folds = folds
    payoffShare = Self.payoffShare(
      held.compactMap(\.payoff), level: level, quantile: quantile)
    var shares: [String: Double] = [:]
    for name in Set(held.map(\.run.fold)) {
      shares[name] = Self.payoffShare(
        held.filter { $0.run.fold != name }.compactMap(\.payoff), level: level,
        quantile: quantile)
    }
    heldOut = held.map { raw in
      raw.run.with(
        payoff: raw.payoff.map {
          $0.payoff(
            share: shares[raw.run.fold] ?? ModelError.unknown.payoffShare, quantile: quantile)
        })
    }
    let squares = Dictionary(grouping: heldOut, by: \.fold).values.map { runs in
      Self.mean(runs.map { $0.logError * $0.logError })
    }
    misfit = Self.mean(squares.sorted()).squareRoot()
  }

  public var runs: Int { heldOut.count }
  /// Mean absolute error of each fold, in percent, in their order.
  public var foldErrors: [(fold: String, percent: Double)] {
    var order: [String] = []
    var errors: [String: [Double]] = [:]
    for run in heldOut {
      if errors[run.fold] == nil { order.append(run.fold) }
      errors[run.fold, default: []].append(run.errorPercent.magnitude)
    }
    return order.map { ($0, Self.mean(errors[$0] ?? [])) }
  }
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
  func with(payoff: Validation.Payoff?) -> Validation.HeldOut {
    Validation.HeldOut(
      fold: fold, trace: trace, design: design, measuredNs: measuredNs, predictedNs: predictedNs,
      modelNs: modelNs, windowErrorPercent: windowErrorPercent, constantNs: constantNs,
      nearestVariantNs: nearestVariantNs, payoff: payoff)
  }

  /// ln(predicted / measured), bounded where a prediction is all but zero.
  var logError: Double { log(max(predictedNs, 0.01 * measuredNs) / measuredNs) }
}
