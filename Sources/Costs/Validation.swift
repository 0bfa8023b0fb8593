import Designs
import Foundation
import Platform

/// How runs are held out.
public enum ValidationScheme: String, Sendable, Codable, CaseIterable {
  case leaveOneTraceOut = "leave-one-trace-out"
  case leaveOneVariantOut = "leave-one-variant-out"
  /// No variant with that value of the toggle is seen: its steps cost what `calibrate` found.
  case leaveOneToggleOut = "leave-one-toggle-out"
  /// A whole family is unseen.
  case leaveOneAllocatorOut = "leave-one-allocator-out"
  /// Of each run neither the trace nor the design is seen: what `predict` does.
  case leaveOneTraceAndVariantOut = "leave-one-trace-and-variant-out"
  /// Of each run neither the trace nor the value of a toggle is seen: what `predict --unseen` does.
  case leaveOneTraceAndToggleOut = "leave-one-trace-and-toggle-out"

  /// What is held out besides the trace; nil where one kind of thing alone is held out.
  var besidesTrace: ValidationScheme? {
    switch self {
    case .leaveOneTraceAndVariantOut: .leaveOneVariantOut
    case .leaveOneTraceAndToggleOut: .leaveOneToggleOut
    case .leaveOneTraceOut, .leaveOneVariantOut, .leaveOneToggleOut, .leaveOneAllocatorOut: nil
    }
  }

  /// Whether nothing measured on the trace of a held-out run is seen.
  var holdsOutTraces: Bool { self == .leaveOneTraceOut || besidesTrace != nil }
}

/// What a scheme found: errors on data that the fit behind each prediction did not see.
public struct Validation: Sendable, Codable, Equatable {
  /// One held-out run.
  public struct HeldOut: Sendable, Codable, Equatable {
    /// What was left out together: a trace, a design, family,toggle=value, or a family. Where a
    /// trace and something else are held out, the trace.
    public let fold: String
    public let trace: String
    public let design: String
    /// Whether the trace is of a recipe and of no program.
    public let isGenerated: Bool
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
    /// Its instructions times one constant; nil where they aren't known.
    public let instructionsNs: Double?
    /// Nil where the family's default was not measured beside it, was held out by something else
    /// than its trace, or is it.
    public let payoff: Payoff?

    public var errorPercent: Double { 100 * (predictedNs / measuredNs - 1) }
  }

  public let scheme: ValidationScheme
  public let heldOut: [HeldOut]
  /// Of families as they come, where traces are held out; empty in other schemes.
  public let gaps: [Gap]
  /// What the model's error is as a share of a payoff's gross change, by all folds; nil without
  /// payoffs.
  public let payoffShare: Double?
  /// The same of the gaps of families; nil without gaps.
  public let gapShare: Double?
  /// Typical misfit: root of the mean square of ln(predicted / measured), folds weighing the same.
  public let misfit: Double
  public let folds: Int

  /// The interval of a payoff, and of a gap, is made from the errors of the other folds.
  init(_ found: Examination) {
    scheme = found.scheme
    let payoffs = found.payoffShares
    payoffShare = payoffs.share()
    let gapShares = found.gapShares
    gapShare = gapShares.share()
    var shares: [[String]: Double] = [:]
    func share(_ folds: [String]) -> Double {
      if let known = shares[folds] { return known }
      let made = payoffs.share(without: folds) ?? ModelError.unknown.payoffShare
      shares[folds] = made
      return made
    }
    heldOut = found.held.map { raw in
      raw.run.with(
        payoff: raw.payoff.map {
          $0.payoff(share: share(raw.folds), quantile: found.quantile)
        })
    }
    gaps = found.gaps.map { raw in
      raw.gap.gap(
        share: gapShares.share(without: raw.folds) ?? ModelError.unknown.gapShare,
        quantile: found.quantile)
    }
    folds = found.folds
    misfit = found.misfit()
  }

  /// What is said of generated traces, or of recorded ones, alone; nil where nothing is.
  public func part(generated: Bool) -> Validation? {
    let runs = heldOut.filter { $0.isGenerated == generated }
    guard !runs.isEmpty else { return nil }
    let traces = Set(runs.map(\.trace))
    return Validation(self, heldOut: runs, gaps: gaps.filter { traces.contains($0.trace) })
  }

  private init(_ whole: Validation, heldOut: [HeldOut], gaps: [Gap]) {
    scheme = whole.scheme
    self.heldOut = heldOut
    self.gaps = gaps
    payoffShare = whole.payoffShare
    gapShare = whole.gapShare
    misfit = whole.misfit
    folds = Set(heldOut.map(\.fold)).count
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
  /// The median over the runs, on which no single run has a hold.
  public var medianErrorPercent: Double {
    heldOut.map { $0.errorPercent.magnitude }.median()
  }
  public var windowErrorPercent: Double { Self.mean(heldOut.map(\.windowErrorPercent)) }
  public var constantErrorPercent: Double {
    Self.mean(heldOut.map { 100 * ($0.constantNs / $0.measuredNs - 1).magnitude })
  }
  public var medianConstantErrorPercent: Double {
    heldOut.map { 100 * ($0.constantNs / $0.measuredNs - 1).magnitude }.median()
  }
  public var nearestVariantErrorPercent: Double? {
    nearestErrors.isEmpty ? nil : Self.mean(nearestErrors)
  }
  public var medianNearestVariantErrorPercent: Double? {
    nearestErrors.isEmpty ? nil : nearestErrors.median()
  }
  private var nearestErrors: [Double] {
    heldOut.compactMap { run in
      run.nearestVariantNs.map { 100 * ($0 / run.measuredNs - 1).magnitude }
    }
  }

  /// Of instructions times one constant, in percent, over the runs of which they are known; nil
  /// without any.
  public var instructionErrors: (runs: Int, mean: Double, median: Double)? {
    let errors = heldOut.compactMap { run in
      run.instructionsNs.map { 100 * ($0 / run.measuredNs - 1).magnitude }
    }
    return errors.isEmpty ? nil : (errors.count, Self.mean(errors), errors.median())
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
  /// - Parameter generated: whether only generated traces, or only others, are counted.
  public func coverage(level: Double, generated: Bool? = nil) -> Coverage? {
    let asked = heldOut.filter { generated == nil || $0.isGenerated == generated }
    let folds = Dictionary(grouping: asked, by: \.fold)
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
      scheme: scheme, level: level, percent: 100 * Double(inside) / Double(asked.count),
      runs: asked.count)
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
      fold: fold, trace: trace, design: design, isGenerated: isGenerated,
      measuredNs: measuredNs, predictedNs: predictedNs, modelNs: modelNs,
      windowErrorPercent: windowErrorPercent, constantNs: constantNs,
      nearestVariantNs: nearestVariantNs, instructionsNs: instructionsNs, payoff: payoff)
  }

  /// ln(predicted / measured), bounded where a prediction is all but zero.
  var logError: Double { log(max(predictedNs, 0.01 * measuredNs) / measuredNs) }
}
