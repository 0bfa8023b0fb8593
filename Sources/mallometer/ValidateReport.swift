import Experiments
import Foundation
import Hypotheses
import Platform
import Reports

/// What `validate` prints.
struct ValidateReport: Report {
  struct Row: Encodable {
    let id: String
    let claim: String
    let verdict: Verdict
    let expected: Verdict
    let claimed: String
    @Nullable var measured: Estimate?
    let unit: String
    let reason: String
    let source: String
    @Nullable var standIn: String?
    @Nullable var kind: ClaimKind?
    @Nullable var basis: Judgement.Basis?
    @Nullable var sameAs: String?
    let command: String
    @Nullable var inspect: String?
  }

  /// Two places of the sources that can't both be right.
  struct Contradiction: Encodable {
    let id: String
    let verdict: Verdict
    let source: String
    let against: String
  }

  struct BadRow: Encodable {
    let message: String
    @Nullable var file: String?
    @Nullable var line: Int?
    @Nullable var remedy: String?
  }

  let verdicts: [Row]
  /// By verdict; a claim that repeats another of these is left out.
  let counts: [String: Int]
  /// The same by what the verdicts rest on; those of claims that can't be tested are in none.
  let kinds: [String: [String: Int]]
  /// Verdicts that rest on steps timed alone.
  let isolated: Int
  /// Claims that repeat others.
  let repeated: Int
  /// When the costs were fitted.
  @Nullable var fitted: String?
  let contradictions: [Contradiction]
  let errors: [BadRow]
  /// How many verdicts are not the ones that the files expect.
  let unexpected: Int

  var isAsExpected: Bool { unexpected == 0 }

  init(_ outcome: ValidationExperiment.Outcome, errors: [ClaimError]) {
    let found = outcome.verdicts
    verdicts = found.map {
      Row(
        id: $0.id, claim: $0.claim, verdict: $0.verdict, expected: $0.expected,
        claimed: $0.claimed, measured: $0.measured, unit: $0.unit, reason: $0.reason,
        source: $0.source, standIn: $0.standIn, kind: $0.kind, basis: $0.basis,
        sameAs: $0.sameAs, command: $0.command, inspect: $0.inspect)
    }
    let ids = Set(found.map(\.id))
    let once = found.filter { one in one.sameAs.map { !ids.contains($0) } ?? true }
    counts = Self.counts(once)
    kinds = Dictionary(
      uniqueKeysWithValues: ClaimKind.allCases.map { kind in
        (kind.rawValue, Self.counts(once.filter { $0.kind == kind }))
      })
    isolated = once.count { $0.basis == .isolated }
    repeated = found.count - once.count
    fitted = outcome.fitted.map { $0.ISO8601Format() }
    contradictions = found.compactMap { one in
      one.against.map {
        Contradiction(id: one.id, verdict: one.verdict, source: one.source, against: $0)
      }
    }
    unexpected = found.count { !$0.isExpected }
    self.errors = errors.map {
      BadRow(
        message: $0.message, file: $0.place?.position?.file, line: $0.place?.position?.line,
        remedy: $0.remedy)
    }
  }

  private static func counts(_ verdicts: [ClaimVerdict]) -> [String: Int] {
    Dictionary(
      uniqueKeysWithValues: Verdict.allCases.map { verdict in
        (verdict.key, verdicts.count { $0.verdict == verdict })
      })
  }

  var text: String {
    let contradicting = Set(contradictions.map(\.id))
    var text = ""
    var source = ""
    for row in verdicts where !contradicting.contains(row.id) {
      if row.source != source {
        source = row.source
        text += "\(text.isEmpty ? "" : "\n")\(source)\n\n"
      }
      text += Self.text(row)
    }
    if !contradictions.isEmpty {
      text += "\nContradictions: the arithmetic of one place against the figure of another\n\n"
      for row in verdicts where contradicting.contains(row.id) {
        text += Self.text(row)
        if let one = contradictions.first(where: { $0.id == row.id }) {
          text += "    \(one.source)\n    against \(one.against)\n"
        }
      }
    }
    text += "\n\(summary)"
    for error in errors {
      text += "\nerror: \(error.message)\n" + (error.remedy.map { "  \($0)\n" } ?? "")
    }
    return text
  }

  private var summary: String {
    var table = Table(["verdict", "claims"] + ClaimKind.allCases.map(\.rawValue))
    for verdict in Verdict.allCases {
      table.add(
        [verdict.rawValue, Text.count(counts[verdict.key] ?? 0)]
          + ClaimKind.allCases.map { Text.count(kinds[$0.rawValue]?[verdict.key] ?? 0) })
    }
    var text = table.text
    if repeated > 0 { text += "\n\(Text.count(repeated)) more repeat one of these.\n" }
    if isolated > 0 {
      text += "\n\(Text.count(isolated)) of them rest on steps timed alone.\n"
    }
    if let fitted { text += "\nCosts are those of the fit of \(fitted).\n" }
    if unexpected > 0 {
      text += "\n\(Text.count(unexpected)) verdicts are not the expected ones.\n"
    }
    return text
  }

  /// What was counted or computed exactly needs no interval.
  private static func text(_ estimate: Estimate) -> String {
    estimate.isExact
      ? Text.number(estimate.value) : Text.estimate(estimate)
  }

  private static func text(_ row: Row) -> String {
    let mark = row.verdict == row.expected ? "" : " (expected: \(row.expected.rawValue))"
    let measured = row.measured.map { "\(Self.text($0)) \(row.unit)" } ?? "–"
    var text = "  \(row.id): \(row.verdict.rawValue)\(mark)\n"
    text += "    \(row.claim)\n"
    text += "    claimed \(row.claimed), measured \(measured)\n"
    text += "    \(row.reason)\n"
    if let standIn = row.standIn { text += "    stand-in: \(standIn)\n" }
    if let inspect = row.inspect { text += "    look: \(inspect)\n" }
    return text + "    again: \(row.command)\n"
  }
}
