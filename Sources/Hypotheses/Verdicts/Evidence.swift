import Platform

/// What was found out about a measure. Values are in its dimension's own unit.
public enum Evidence: Hashable, Sendable {
  /// Measured, counted or fitted, with a 95 % interval; both ends are the value where it was
  /// counted exactly.
  case known(Estimate)
  /// A cost, or a share of costs, that no data tell from others'. Its interval is all that it may
  /// be, however the sum is divided; `alone` is that interval if what `calibrate` found for
  /// steps alone, uncertain by as much as itself, holds in place; nil where that says nothing.
  case unidentifiable(Estimate, alone: Estimate? = nil, reason: String)
  /// What it is the cost or the payoff of never happens.
  case neverExecuted(reason: String)
  /// It couldn't be had: `inconclusive` or `not testable here`, and why.
  case missing(Verdict, reason: String)

  /// The value with its interval, where there is one.
  public var estimate: Estimate? {
    switch self {
    case .known(let estimate), .unidentifiable(let estimate, _, _): estimate
    case .neverExecuted, .missing: nil
    }
  }
}

/// How one assumption of a prediction turned out.
public struct AssumptionFinding: Hashable, Sendable {
  /// What was assumed.
  public let assumption: Claim.Assumption
  /// Executions per execution of what they are counted per.
  public let times: Double
  /// Nanoseconds of one execution; nil where nothing is known of it.
  public let cost: Estimate?

  /// What was found of an assumption.
  public init(_ assumption: Claim.Assumption, times: Double, cost: Estimate?) {
    self.assumption = assumption
    self.times = times
    self.cost = cost
  }

  /// As far as a source's figure is rounded: what is further off was assumed wrongly.
  static let tolerance = 1.5

  /// What of it is wrong, each as the end of a sentence: how often, and how much.
  func differences(coreGHz: Double) -> [String] {
    let name = assumption.component.name
    var found: [String] = []
    if let assumed = assumption.times, Self.isOff(times, times, assumed, coreGHz) {
      found.append(
        "\(name) is executed \(Sentence.number(times)) times per \(assumption.per.name), "
          + "not \(assumed.text)")
    }
    if let assumed = assumption.cost, let cost,
      Self.isOff(cost.low ?? -.infinity, cost.high ?? .infinity, assumed, coreGHz)
    {
      found.append("\(name) costs \(Sentence.number(cost.value)) ns, not \(assumed.description)")
    }
    return found
  }

  /// Whether all of an interval lies beyond the tolerance.
  private static func isOff(
    _ low: Double, _ high: Double, _ assumed: ClaimedValue, _ coreGHz: Double
  ) -> Bool {
    let scale = assumed.unit.scale(coreGHz: coreGHz)
    return low > assumed.high * scale * tolerance || high < assumed.low * scale / tolerance
  }
}

extension ClaimedValue {
  /// Without the unit.
  fileprivate var text: String {
    isRange ? "\(Sentence.number(low)) to \(Sentence.number(high))" : Sentence.number(low)
  }
}
