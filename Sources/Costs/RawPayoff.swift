import Platform

extension Validation {
  /// A held-out payoff, or the gap of two families, before the model's error is known. Nanoseconds
  /// per operation.
  struct RawPayoff: Sendable {
    let measuredNs: Double
    let predictedNs: Double
    /// Scatter of the costs.
    let deviation: Double
    /// Σ |count difference| × cost.
    let gross: Double
    /// Standard deviation of the measured payoff.
    let noise: Double

    var noiseFloor: Double { RunNoise.quantile * noise }
    var isOverNoise: Bool { measuredNs.magnitude > noiseFloor }

    /// The model's error, as a share of the gross change, at which an interval of that many
    /// standard deviations would just hold the measured payoff.
    func neededShare(quantile: Double) -> Double {
      let reach = (predictedNs - measuredNs) / quantile
      let rest = reach * reach - deviation * deviation - noise * noise
      return rest > 0 && gross > 0 ? rest.squareRoot() / gross : 0
    }

    /// What was measured, within its noise.
    func measured(quantile: Double) -> Estimate {
      Estimate(
        value: measuredNs, low: measuredNs - quantile * noise, high: measuredNs + quantile * noise)
    }

    /// What was predicted, with the model's error in its interval.
    func predicted(share: Double, quantile: Double) -> Estimate {
      let misfit = share * gross
      let half = quantile * (deviation * deviation + misfit * misfit).squareRoot()
      return Estimate(value: predictedNs, low: predictedNs - half, high: predictedNs + half)
    }

    func payoff(share: Double, quantile: Double) -> Payoff {
      Payoff(
        measuredNs: measured(quantile: quantile),
        predictedNs: predicted(share: share, quantile: quantile), noiseFloorNs: noiseFloor)
    }
  }

  /// The gap of two families before the model's error is known.
  struct RawGap: Sendable {
    let trace: String
    let from: String
    let to: String
    let payoff: RawPayoff
    /// Of `from`.
    let timeNs: Double

    func gap(share: Double, quantile: Double) -> Gap {
      Gap(
        trace: trace, from: from, to: to, measuredNs: payoff.measured(quantile: quantile),
        explainedNs: payoff.predicted(share: share, quantile: quantile),
        noiseFloorNs: payoff.noiseFloor,
        toleratedNs: max(
          0.15 * payoff.measuredNs.magnitude, 0.03 * timeNs, payoff.noiseFloor))
    }
  }
}

/// Which part of the gross change the model's error is: found so that so many of the payoffs that
/// were held out lie in their intervals.
struct PayoffShares: Sendable {
  /// A payoff, and the folds that it was held out with.
  private struct Entry: Sendable {
    let folds: [String]
    let needed: Double
    let isOverNoise: Bool
  }

  /// From so many payoffs over the noise on, only these count: a payoff that nobody can measure
  /// lies in any interval.
  static let enough = 20

  private let entries: [Entry]
  private let level: Double

  init(
    _ payoffs: [(folds: [String], payoff: Validation.RawPayoff)], level: Double, quantile: Double
  ) {
    entries = payoffs.map {
      Entry(
        folds: $0.folds, needed: $0.payoff.neededShare(quantile: quantile),
        isOverNoise: $0.payoff.isOverNoise)
    }
    self.level = level
  }

  /// The share by all payoffs that weren't held out with one of some folds; nil without any. One
  /// more than there are is counted in, because the next one may be the worst.
  func share(without folds: [String] = []) -> Double? {
    let others =
      folds.isEmpty
      ? entries : entries.filter { entry in !entry.folds.contains(where: folds.contains) }
    let over = others.filter(\.isOverNoise)
    let needed = (over.count >= Self.enough ? over : others).map(\.needed).sorted()
    guard !needed.isEmpty else { return nil }
    let rank = Int((level * Double(needed.count + 1)).rounded(.up))
    return needed[min(rank, needed.count) - 1]
  }
}
