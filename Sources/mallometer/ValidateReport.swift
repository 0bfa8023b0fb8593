import Experiments
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
    let command: String
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
  let counts: [String: Int]
  let contradictions: [Contradiction]
  let errors: [BadRow]
  /// How many verdicts are not the ones that the files expect.
  let unexpected: Int

  var isAsExpected: Bool { unexpected == 0 }

  init(_ found: [ClaimVerdict], errors: [ClaimError]) {
    verdicts = found.map {
      Row(
        id: $0.id, claim: $0.claim, verdict: $0.verdict, expected: $0.expected,
        claimed: $0.claimed, measured: $0.measured, unit: $0.unit, reason: $0.reason,
        source: $0.source, standIn: $0.standIn, command: $0.command)
    }
    var counts: [String: Int] = [:]
    for verdict in Verdict.allCases {
      counts[verdict.key] = found.count { $0.verdict == verdict }
    }
    self.counts = counts
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
    var table = Table(["verdict", "claims"])
    for verdict in Verdict.allCases {
      table.add(verdict.rawValue, Text.count(counts[verdict.key] ?? 0))
    }
    text += "\n\(table.text)"
    if unexpected > 0 {
      text += "\n\(Text.count(unexpected)) verdicts are not the ones that the files expect.\n"
    }
    for error in errors {
      text += "\nerror: \(error.message)\n" + (error.remedy.map { "  \($0)\n" } ?? "")
    }
    return text
  }

  /// What was counted or computed exactly needs no interval.
  private static func text(_ estimate: Estimate) -> String {
    estimate.low == estimate.value && estimate.high == estimate.value
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
    return text + "    \(row.command)\n"
  }
}
