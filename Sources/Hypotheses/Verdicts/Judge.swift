import Platform

/// Says what the data mean for a claim. It checks the three ways in which predictions fail: was the
/// step executed as often as assumed, is its unit cost what was assumed, was the measurement able to
/// tell.
public struct Judge {
  private let interval: QuantityInterval

  /// - Parameter interval: how the measures of a quantity err, and the core clock.
  public init(_ interval: QuantityInterval) {
    self.interval = interval
  }

  /// Judges a claim.
  /// - Parameters:
  ///   - evidence: of every measure of the claim's quantity.
  ///   - assumptions: what was found of those that the claim rests on.
  public func judge(
    _ claim: Claim, evidence: (Measure) -> Evidence, assumptions: [AssumptionFinding] = []
  ) -> Judgement {
    switch claim.trial {
    case .notTestable(let reason):
      return Judgement(.notTestableHere, measured: nil, reason: Self.sentence(reason))
    case .arithmetic(let quantity, let rule):
      return compare(quantity, rule, claim.claimed, [:], note: "by arithmetic alone")
    case .experiment(let experiment):
      return judge(experiment, claim.claimed, evidence, assumptions)
    }
  }

  private func judge(
    _ experiment: Claim.Experiment, _ claimed: ClaimedValue, _ evidence: (Measure) -> Evidence,
    _ assumptions: [AssumptionFinding]
  ) -> Judgement {
    var values: [Measure: Estimate] = [:]
    var missing: (Verdict, String)?
    var never: String?
    var alone: [Measure: Estimate] = [:]
    var unidentifiable: [String] = []
    for measure in experiment.quantity.measures {
      switch evidence(measure) {
      case .known(let estimate): values[measure] = estimate
      case .unidentifiable(let estimate, let bounded, let reason):
        values[measure] = estimate
        alone[measure] = bounded
        unidentifiable.append(reason)
      case .neverExecuted(let reason): never = never ?? reason
      case .missing(let verdict, let reason):
        // What can't be tried here outweighs what only hasn't been.
        if missing == nil || verdict == .notTestableHere { missing = (verdict, reason) }
      }
    }
    if let (verdict, reason) = missing {
      return Judgement(verdict, measured: nil, reason: Self.sentence(reason))
    }
    if let absent = assumptions.first(where: { $0.times == 0 && $0.assumption.times?.low != 0 }) {
      never =
        never
        ?? "the claim assumes \(absent.assumption.component.name), which is never executed here"
    }
    if let never {
      return Judgement(.neverExecuted, measured: nil, reason: Self.sentence(never))
    }
    let notes = assumptions.flatMap { $0.differences(coreGHz: interval.coreGHz) }
    func compared(_ values: [Measure: Estimate], _ note: String?) -> Judgement {
      let all = (note.map { [$0] } ?? []) + notes
      return compare(
        experiment.quantity, experiment.rule, claimed, values,
        note: all.isEmpty ? nil : all.joined(separator: ", and "))
    }
    // Decided in spite of what no data tell: by the most and the least that it may be.
    let found = compared(values, unidentifiable.isEmpty ? nil : "all that it may be")
    guard found.verdict == .inconclusive, !unidentifiable.isEmpty else { return found }
    if !alone.isEmpty {
      let bounded = compared(
        values.merging(alone) { $1 },
        "it rests on steps timed alone, give or take as much again")
      if bounded.verdict != .inconclusive {
        return Judgement(
          bounded.verdict, measured: bounded.measured, reason: bounded.reason, basis: .isolated)
      }
    }
    return Judgement(
      .unidentifiable, measured: found.measured,
      reason: Self.sentence(unidentifiable.joined(separator: "; ")))
  }

  /// Where an interval lies to what the rule accepts: inside it the claim is supported, all of it
  /// outside refutes it, anything else leaves it open.
  private func compare(
    _ quantity: Quantity, _ rule: Rule, _ claimed: ClaimedValue, _ values: [Measure: Estimate],
    note: String?
  ) -> Judgement {
    guard let found = interval.estimate(of: quantity, values) else {
      let isNever = values.contains { $0.key.dimension == .count && $0.value.value == 0 }
      return Judgement(
        isNever ? .neverExecuted : .inconclusive, measured: nil,
        reason: Self.sentence(
          isNever
            ? "what the quantity divides by never happens here"
            : "what the quantity divides by is not told from nothing"))
    }
    let measured = found.scaled(by: 1 / claimed.unit.scale(coreGHz: interval.coreGHz))
    let verdict = Self.verdict(measured, rule, claimed)
    let place =
      switch verdict {
      case .supported: "lies in"
      case .refuted: "lies outside of"
      default: "is too wide to be told from"
      }
    let value = Sentence.estimate(measured, claimed.unit)
    let subject = verdict == .inconclusive ? "the interval of \(value)" : value
    let reason = "\(subject) \(place) what is accepted, \(Sentence.range(rule, claimed))"
    return Judgement(
      verdict, measured: measured, reason: Self.sentence(reason + (note.map { "; \($0)" } ?? "")))
  }

  /// The verdict on an estimate in the claim's unit.
  static func verdict(_ measured: Estimate, _ rule: Rule, _ claimed: ClaimedValue) -> Verdict {
    let low = measured.low ?? -.infinity
    let high = measured.high ?? .infinity
    if rule == .sign {
      let (near, far) = claimed.low > 0 ? (low, high) : (-high, -low)
      return near > 0 ? .supported : far <= 0 ? .refuted : .inconclusive
    }
    let accepted = rule.accepted(for: claimed)
    // Exact values may lie on an end: what adding and scaling lose must not decide.
    let slack = 1e-9 * max(claimed.low.magnitude, claimed.high.magnitude, 1e-3)
    let least = (accepted.low ?? -.infinity) - slack
    let most = (accepted.high ?? .infinity) + slack
    if low >= least && high <= most { return .supported }
    return low > most || high < least ? .refuted : .inconclusive
  }

  /// Begins with a capital and ends with a full stop.
  private static func sentence(_ text: String) -> String {
    let text = text.hasSuffix(".") ? String(text.dropLast()) : text
    return text.prefix(1).uppercased() + text.dropFirst() + "."
  }
}
