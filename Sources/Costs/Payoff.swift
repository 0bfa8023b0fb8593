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
    /// A prediction of nothing has no sign, and so never the right one.
    public var hasRightSign: Bool { measuredNs.value * predictedNs.value > 0 }
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
    /// Those whose measured payoff exceeds its noise floor.
    public let runsOverNoise: Int
    /// Of those over the noise.
    public let rightSignPercent: Double?
    /// Of those over the noise.
    public let medianErrorPercent: Double?
    /// How many measured payoffs lie in their intervals, the measurement's noise allowed for.
    public let coveragePercent: Double
    /// The same of those over the noise.
    public let coverageOverNoisePercent: Double?
    /// Half a predicted interval, relative to the payoff or to the noise floor, whichever is larger.
    public let medianHalfWidthPercent: Double
    /// The same of those over the noise.
    public let medianHalfWidthOverNoisePercent: Double?
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
      medianErrorPercent: over.isEmpty ? nil : over.map(\.errorPercent).median(),
      coveragePercent: percent(payoffs, \.isInInterval),
      coverageOverNoisePercent: over.isEmpty ? nil : percent(over, \.isInInterval),
      medianHalfWidthPercent: payoffs.map(\.halfWidthPercent).median(),
      medianHalfWidthOverNoisePercent: over.isEmpty
        ? nil : over.map(\.halfWidthPercent).median())
  }

  /// The gap of two families as they come on a trace, and what a fit that did not see the trace
  /// explains of it.
  public struct Gap: Sendable, Codable, Equatable {
    public let trace: String
    public let from: String
    public let to: String
    /// `from` − `to`, nanoseconds per operation; its interval is the measurement's noise.
    public let measuredNs: Estimate
    /// Its interval is made from the errors on other traces.
    public let explainedNs: Estimate
    public let noiseFloorNs: Double
    /// The largest of 15 % of the gap, 3 % of the time of `from` and the noise floor.
    public let toleratedNs: Double

    /// What is left, with both uncertainties in its interval.
    public var unexplainedNs: Estimate { measuredNs.less(explainedNs) }
    public var isExplained: Bool { unexplainedNs.value.magnitude <= toleratedNs }
    /// Whether what is left is within both uncertainties together.
    public var isInInterval: Bool { unexplainedNs.contains(0) }
  }
}
