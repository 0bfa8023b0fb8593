import Designs
import Foundation
import Platform

extension CostModel {
  /// What one step, or a group of steps that can't be told apart, contributes to a payoff.
  public struct Term: Sendable, Codable, Equatable {
    /// The step's name, or the group's names joined by +.
    public let step: String
    /// Occurrences per operation in `from` less those in `to`; for a group, of its first step.
    public let countDifferencePerEvent: Double
    /// What that costs; positive where it makes `from` slower.
    public let ns: Estimate
    /// Whether data in place tell this cost from others'.
    public let identifiable: Bool
    /// Where the cost comes from if it was not measured in place; nil if it was.
    public let remark: String?
  }

  /// The cost of one step, nanoseconds per occurrence; its interval is that of the draws alone.
  public func cost(_ step: Step) -> Estimate { cost(Int(step.rawValue)) }

  /// The same of a column.
  func cost(_ column: Int) -> Estimate {
    var counts = [Double](repeating: 0, count: Column.count)
    counts[column] = 1
    let (value, low, high) = Scatter(costs: costs, draws: draws).bounded(
      counts, quantile: quantile)
    return Estimate(value: value, low: low, high: max(high, reaches[column]))
  }

  /// Nanoseconds per operation, from the costs alone.
  ///
  /// The interval is that of predictions for unseen traces, and where the design is unseen as well,
  /// of those for unseen variants besides.
  /// - Returns: nil when nothing was held out to know the error from.
  public func time(_ counts: [Double], seenDesign: Bool) -> Estimate? {
    let value = LinearAlgebra.product(counts, costs)
    guard let trace = error.traceMisfit else { return nil }
    let half = Validation.halfWidth(misfit: trace, folds: error.traceFolds, level: level)
    var square = half * half
    if !seenDesign {
      guard let variant = error.variantMisfit else { return nil }
      let half = Validation.halfWidth(misfit: variant, folds: error.variantFolds, level: level)
      square += half * half
    }
    let factor = exp(square.squareRoot())
    return Estimate(value: value, low: value / factor, high: value * factor)
  }

  /// Nanoseconds per operation of a design on a trace on which another was measured: that one's
  /// time less what the steps save in which the two differ.
  /// - Parameters:
  ///   - measured: the other's counts, its time and the standard error of it.
  public func time(
    _ counts: [Double], from measured: (counts: [Double], ns: Double, deviation: Double)
  ) -> Estimate {
    let saved = payoff(from: measured.counts, to: counts, noise: measured.deviation)
    // Never under a quarter of what the costs say.
    let value = max(measured.ns - saved.value, LinearAlgebra.product(counts, costs) / 4)
    let half = (saved.high ?? saved.value) - saved.value
    return Estimate(value: value, low: max(0, value - half), high: value + half)
  }

  /// What changes by going from one design's counts to another's, nanoseconds per operation:
  /// positive where it pays.
  ///
  /// The interval holds the scatter of the costs, what predictions of held-out payoffs were off by
  /// besides, the noise of the measurement that it is to be compared with, and what costs at zero
  /// may yet be.
  /// - Parameters:
  ///   - noise: standard error of that measurement.
  ///   - share: the model's error as a share of the gross change; that of a variant's payoff when nil.
  public func payoff(
    from: [Double], to: [Double], noise: Double = 0, share: Double? = nil
  ) -> Estimate {
    estimate(Self.change(from, to), noise: noise, share: share)
  }

  /// The payoff taken apart, largest first; a sum of steps that no data tell apart is one term.
  /// - Parameter share: as for `payoff`.
  public func terms(from: [Double], to: [Double], share: Double? = nil) -> [Term] {
    let change = Self.change(from, to)
    var terms: [Term] = []
    for group in groups {
      let steps = group.filter { $0 != Column.intercept && change[$0] != 0 }
      guard !steps.isEmpty else { continue }
      var own = [Double](repeating: 0, count: Column.count)
      for step in steps { own[step] = change[step] }
      let all = group.filter { $0 != Column.intercept }
      terms.append(
        Term(
          step: all.map(Column.name).joined(separator: "+"),
          countDifferencePerEvent: change[steps[0]], ns: estimate(own, noise: 0, share: share),
          identifiable: all.allSatisfy(isIdentifiable),
          remark: all.lazy.compactMap(remark).first))
    }
    return terms.sorted { $0.ns.value.magnitude > $1.ns.value.magnitude }
  }

  private func estimate(_ change: [Double], noise: Double, share: Double?) -> Estimate {
    let value = LinearAlgebra.product(change, costs)
    let parameters = deviation(change)
    let misfit = (share ?? error.payoffShare) * gross(change)
    let half =
      quantile * (parameters * parameters + misfit * misfit + noise * noise).squareRoot()
    let (below, above) = reach(change)
    return Estimate(
      value: value, low: value - (half * half + below).squareRoot(),
      high: value + (half * half + above).squareRoot())
  }

  /// How far a sum may lie below and above what the costs say because costs that the fit puts at
  /// zero, in every draw, may yet be more: squares of nanoseconds.
  private func reach(_ change: [Double]) -> (below: Double, above: Double) {
    var squares = (below: 0.0, above: 0.0)
    for (one, reach) in zip(change, reaches) where one != 0 && reach > 0 {
      let square = one * reach * one * reach
      if one < 0 { squares.below += square } else { squares.above += square }
    }
    return squares
  }

  /// Σ |count difference| × cost: how much is exchanged, whatever is left of it.
  func gross(_ change: [Double]) -> Double { LinearAlgebra.product(change.map(\.magnitude), costs) }

  /// How far a sum of costs scatters over the draws, around the sum of the costs.
  func deviation(_ counts: [Double]) -> Double {
    Scatter(costs: costs, draws: draws).deviation(counts)
  }

  private static func change(_ from: [Double], _ to: [Double]) -> [Double] {
    zip(from, to).map { $0 - $1 }
  }
}
