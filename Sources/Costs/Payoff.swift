import Platform

extension Validation {
  /// A held-out run against its family's default on the same trace, measured in the same session.
  public struct Payoff: Sendable, Codable, Equatable {
    /// The default's time less the held-out one's, nanoseconds per operation; its interval is the
    /// measurement's noise.
    public let measuredNs: Estimate
    /// By a fit that saw no run of the fold; its interval is made from the errors of other folds.
    public let predictedNs: Estimate
    /// Half a 95 % interval of the measured payoff: none smaller has a sign.
    public let noiseFloorNs: Double

    public var isOverNoise: Bool { measuredNs.value.magnitude > noiseFloorNs }
    public var hasRightSign: Bool { measuredNs.value.sign == predictedNs.value.sign }
    public var errorPercent: Double {
      100 * (predictedNs.value / measuredNs.value - 1).magnitude
    }
    /// Whether the two differ by no more than both intervals allow for together.
    public var isInInterval: Bool {
      let reach = (Self.half(measuredNs), Self.half(predictedNs))
      let distance = measuredNs.value - predictedNs.value
      return distance * distance <= reach.0 * reach.0 + reach.1 * reach.1
    }
    /// Relative to the payoff or to the noise floor, whichever is larger.
    var halfWidthPercent: Double {
      100 * Self.half(predictedNs) / max(measuredNs.value.magnitude, noiseFloorNs)
    }

    private static func half(_ estimate: Estimate) -> Double {
      ((estimate.high ?? .infinity) - (estimate.low ?? -.infinity)) / 2
    }
  }

  /// How held-out payoffs were predicted, all in all.
  public struct PayoffSummary: Sendable, Codable, Equatable {
    public let runs: Int
    /// Those whose measured payoff exceeds its noise floor; the next two are of these.
    public let runsOverNoise: Int
    public let rightSignPercent: Double?
    public let medianErrorPercent: Double?
    /// How many measured payoffs lie in their intervals, the measurement's noise allowed for.
    public let coveragePercent: Double
    /// Half a predicted interval, relative to the payoff or to the noise floor, whichever is larger.
    public let medianHalfWidthPercent: Double
  }

  /// Nil where nothing was measured beside its default.
  public var payoffSummary: PayoffSummary? {
    let payoffs = heldOut.compactMap(\.payoff)
    guard !payoffs.isEmpty else { return nil }
    let over = payoffs.filter(\.isOverNoise)
    func percent(_ payoffs: [Payoff], _ test: (Payoff) -> Bool) -> Double {
      100 * Double(payoffs.count(where: test)) / Double(payoffs.count)
    }
    return PayoffSummary(
      runs: payoffs.count, runsOverNoise: over.count,
      rightSignPercent: over.isEmpty ? nil : percent(over, \.hasRightSign),
      medianErrorPercent: over.isEmpty ? nil : RobustFit.median(over.map(\.errorPercent)),
      coveragePercent: percent(payoffs, \.isInInterval),
      medianHalfWidthPercent: RobustFit.median(payoffs.map(\.halfWidthPercent)))
  }

  /// The gap of two families as they come on a trace, and what a fit that did not see the trace
  /// explains of it.
  public struct Gap: Sendable, Codable, Equatable {
    public let trace: String
    public let from: String
    public let to: String
    /// `from` − `to`, nanoseconds per operation.
    public let measuredNs: Double
    public let explainedNs: Double
    public let noiseFloorNs: Double
    /// The largest of 15 % of the gap, 3 % of the time of `from` and the noise floor.
    public let toleratedNs: Double

    public var unexplainedNs: Double { measuredNs - explainedNs }
    public var isExplained: Bool { unexplainedNs.magnitude <= toleratedNs }
  }

  /// A held-out payoff before the model's error is known.
  struct RawPayoff: Sendable {
    let measuredNs: Double
    let predictedNs: Double
    /// Scatter of the costs.
    let deviation: Double
    /// Σ |count difference| × cost.
    let gross: Double
    /// Standard deviation of the measured payoff.
    let noise: Double

    /// The model's error, as a share of the gross change, at which an interval of that many
    /// standard deviations would just hold the measured payoff.
    func neededShare(quantile: Double) -> Double {
      let reach = (predictedNs - measuredNs) / quantile
      let rest = reach * reach - deviation * deviation - noise * noise
      return rest > 0 && gross > 0 ? rest.squareRoot() / gross : 0
    }

    func payoff(share: Double, quantile: Double) -> Payoff {
      func around(_ value: Double, _ half: Double) -> Estimate {
        Estimate(value: value, low: value - half, high: value + half)
      }
      let misfit = share * gross
      return Payoff(
        measuredNs: around(measuredNs, quantile * noise),
        predictedNs: around(
          predictedNs, quantile * (deviation * deviation + misfit * misfit).squareRoot()),
        noiseFloorNs: RunNoise.quantile * noise)
    }
  }

  /// The share at which so many of the payoffs would be held by their intervals; one more than there
  /// are is counted in, because the next one may be the worst.
  static func payoffShare(_ payoffs: [RawPayoff], level: Double, quantile: Double) -> Double? {
    guard !payoffs.isEmpty else { return nil }
    let needed = payoffs.map { $0.neededShare(quantile: quantile) }.sorted()
    let rank = Int((level * Double(needed.count + 1)).rounded(.up))
    return needed[min(rank, needed.count) - 1]
  }
}
