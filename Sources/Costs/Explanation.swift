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
    terms = model.terms(from: from.meanCounts, to: to.meanCounts)
    gapNs = gap
    let explained = terms.reduce(0.0) { $0 + $1.ns.value }
    unexplainedNs = gap.value - explained
    unexplainedShare =
      gap.value.magnitude > noiseFloorNs
      ? (gap.value - explained).magnitude / gap.value.magnitude : nil
    self.noiseFloorNs = noiseFloorNs
  }
}
