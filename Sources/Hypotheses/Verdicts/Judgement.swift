import Foundation
import Platform

/// What the data say of a claim.
public struct Judgement: Hashable, Sendable {
  /// Its verdict.
  public let verdict: Verdict
  /// In the claim's unit, with a 95 % interval; nil where nothing was measured.
  public let measured: Estimate?
  /// Why, in one sentence.
  public let reason: String
  /// What it rests on besides the data in place; nil for most.
  public let basis: Basis?

  /// What a verdict may rest on besides the data in place.
  public enum Basis: String, CaseIterable, Sendable, Codable {
    /// What `calibrate` found for steps alone, uncertain by as much as itself, holds in place: an
    /// assumption.
    case isolated
  }

  /// A verdict with its reason.
  public init(_ verdict: Verdict, measured: Estimate?, reason: String, basis: Basis? = nil) {
    self.verdict = verdict
    self.measured = measured
    self.reason = reason
    self.basis = basis
  }
}

extension Verdict {
  /// As JSON counts it: `neverExecuted`.
  public var key: String {
    switch self {
    case .neverExecuted: "neverExecuted"
    case .notTestableHere: "notTestableHere"
    case .supported, .refuted, .inconclusive, .unidentifiable: rawValue
    }
  }
}

extension Claim {
  /// The verdict that its file says is to be expected.
  public var expectedVerdict: Verdict {
    if let expected { return expected }
    if case .notTestable = trial { return .notTestableHere }
    return .supported
  }
}

/// Numbers and intervals as reasons tell them.
enum Sentence {
  /// Three significant digits, or whole above a thousand.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return value < 0 ? "−∞" : "∞" }
    guard value != 0 else { return "0" }
    let digits = Int(floor(log10(value.magnitude)))
    let places = max(0, min(6, 2 - digits))
    var text = String(format: "%.\(places)f", value)
    if places > 0 {
      while text.hasSuffix("0") { text.removeLast() }
      if text.hasSuffix(".") { text.removeLast() }
    }
    return text
  }

  /// `8.41 ns (8.3 to 8.55)`; an exact value without the parenthesis.
  static func estimate(_ estimate: Estimate, _ unit: ClaimUnit) -> String {
    let value = "\(number(estimate.value)) \(unit.rawValue)"
    if estimate.isExact { return value }
    let low = estimate.low ?? -.infinity
    let high = estimate.high ?? .infinity
    return "\(value) (\(number(low)) to \(number(high)))"
  }

  /// What a rule allows: `2.5 to 10 ns`, `at least 3 ratio`, `more than 0 ns`.
  static func range(_ rule: Rule, _ claimed: ClaimedValue) -> String {
    let unit = claimed.unit.rawValue
    if rule == .sign { return claimed.low > 0 ? "more than 0 \(unit)" : "less than 0 \(unit)" }
    switch rule.accepted(for: claimed) {
    case (let low?, let high?) where low == high: return "exactly \(number(low)) \(unit)"
    case (let low?, let high?): return "\(number(low)) to \(number(high)) \(unit)"
    case (let low?, nil): return "at least \(number(low)) \(unit)"
    case (nil, let high?): return "at most \(number(high)) \(unit)"
    case (nil, nil): return "anything"
    }
  }
}
