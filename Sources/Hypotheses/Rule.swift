import Designs

/// When a claim holds: how the quantity has to lie to the claimed value.
public enum Rule: Hashable, Sendable, CustomStringConvertible {
  /// Within a part of the claimed value: 0.25 is 25 %. Of a range, each end gives way by its part.
  case equals(within: Double)
  /// Within the claimed range.
  case between
  case atLeast
  case atMost
  /// On the same side of zero as the claimed value.
  case sign
  /// Not more than so many times larger or smaller than the claimed value.
  case withinFactor(Double)

  /// What a text for it looks like.
  public static let form =
    "one of: equals within N %, between, at least, at most, sign, order of magnitude, "
    + "within factor N"

  /// The factor that still is the same order of magnitude, the root of 10.
  public static let orderOfMagnitude = 3.162_277_660_168_379_4

  init(_ text: String, at place: NamePlace) throws(ClaimError) {
    guard let rule = Rule(text) else { throw .malformed("rule", text, Self.form, at: place) }
    self = rule
  }

  /// Reads a rule as claims write it: nil when it is none.
  public init?(_ text: String) {
    let words = text.split(separator: " ").map(String.init)
    switch words.first {
    case "between" where words.count == 1: self = .between
    case "sign" where words.count == 1: self = .sign
    case "at" where words == ["at", "least"]: self = .atLeast
    case "at" where words == ["at", "most"]: self = .atMost
    case "order" where words == ["order", "of", "magnitude"]:
      self = .withinFactor(Self.orderOfMagnitude)
    case "equals":
      guard words.count == 4, words[1] == "within", ClaimUnit(name: words[3]) == .percent,
        let part = ClaimNumber.value(words[2]), part >= 0
      else { return nil }
      self = .equals(within: part / 100)
    case "within":
      guard words.count == 3, words[1] == "factor", let factor = ClaimNumber.value(words[2]),
        factor > 1
      else { return nil }
      self = .withinFactor(factor)
    default: return nil
    }
  }

  /// The values of the quantity for which the claim holds, in the claim's unit, both ends
  /// included; a missing end bounds nothing. Of `sign` the end 0 is not included.
  public func accepted(for claimed: ClaimedValue) -> (low: Double?, high: Double?) {
    switch self {
    case .equals(let part):
      (claimed.low - part * abs(claimed.low), claimed.high + part * abs(claimed.high))
    case .between: (claimed.low, claimed.high)
    case .atLeast: (claimed.low, nil)
    case .atMost: (nil, claimed.high)
    case .sign: claimed.low > 0 ? (0, nil) : (nil, 0)
    case .withinFactor(let factor):
      claimed.low > 0
        ? (claimed.low / factor, claimed.high * factor)
        : (claimed.low * factor, claimed.high / factor)
    }
  }

  /// Whether the claim holds if the quantity has exactly this value, in the claim's unit.
  public func accepts(_ value: Double, for claimed: ClaimedValue) -> Bool {
    let (low, high) = accepted(for: claimed)
    if self == .sign && value == 0 { return false }
    return value >= low ?? -.infinity && value <= high ?? .infinity
  }

  /// As claims write it.
  public var description: String {
    switch self {
    case .equals(let part): "equals within \(ClaimNumber.text(part * 100)) %"
    case .between: "between"
    case .atLeast: "at least"
    case .atMost: "at most"
    case .sign: "sign"
    case .withinFactor(Self.orderOfMagnitude): "order of magnitude"
    case .withinFactor(let factor): "within factor \(ClaimNumber.text(factor))"
    }
  }

  /// Whether a claimed value can be judged by this rule, or what it has to be.
  func misfit(of claimed: ClaimedValue) -> String? {
    switch self {
    case .between: claimed.isRange ? nil : "a range, like 100..200 ns, where the rule is between"
    case .atLeast, .atMost:
      claimed.isRange ? "one number where the rule is a bound" : nil
    case .sign, .withinFactor:
      claimed.low > 0 || claimed.high < 0 ? nil : "all on one side of zero for this rule"
    case .equals: nil
    }
  }
}

/// What the data says of a claim.
public enum Verdict: String, CaseIterable, Sendable, Codable {
  case supported
  case refuted
  /// The interval is too wide to tell.
  case inconclusive
  /// The steps it speaks of always occur together with others.
  case unidentifiable
  /// The workload never takes the step.
  case neverExecuted = "never executed"
  /// It needs hardware, an operating system or a program that isn't here.
  case notTestableHere = "not testable here"
}
