import Designs
import Platform

/// The gap between two designs on a trace, taken apart by a fit that did not see the trace.
public struct Explanation: Sendable, Codable, Equatable {
  public typealias Term = CostModel.Term

  /// `from` − `to`, measured, nanoseconds per operation.
  public let gapNs: Estimate
  /// Largest first.
  public let terms: [Term]
  /// The gap less all terms of steps. A constant is unexplained, and so is what no step caught.
  public let unexplainedNs: Double
  /// The same with what the costs' scatter, the error of gaps on traces that weren't seen and the
  /// gap's own interval leave open.
  public let unexplainedRangeNs: Estimate
  /// |unexplained| ÷ |gap|; nil when there is no gap to speak of.
  public let unexplainedShare: Double?
  public let noiseFloorNs: Double

  /// - Parameters:
  ///   - model: of a fit that saw no run on the trace.
  ///   - from, to: the two runs on the trace.
  ///   - gap: the measured gap with its interval.
  public init(
    _ model: CostModel, from: Run, to: Run, gap: Estimate, noiseFloorNs: Double
  ) {
    // Designs of one family differ as variants do.
    let share =
      from.design.family == to.design.family ? model.error.payoffShare : model.error.gapShare
    var (first, second) = (from.meanCounts, to.meanCounts)
    terms = model.terms(from: first, to: second, share: share)
    gapNs = gap
    let explained = terms.reduce(0.0) { $0 + $1.ns.value }
    // A constant explains nothing.
    first[Column.intercept] = 0
    second[Column.intercept] = 0
    unexplainedRangeNs = gap.less(model.payoff(from: first, to: second, share: share))
    unexplainedNs = gap.value - explained
    unexplainedShare =
      gap.value.magnitude > noiseFloorNs
      ? (gap.value - explained).magnitude / gap.value.magnitude : nil
    self.noiseFloorNs = noiseFloorNs
  }
}
