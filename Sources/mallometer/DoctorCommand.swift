import ArgumentParser
import Foundation
import Platform
import Reports

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this machine lacks, and the command that mends it.",
    discussion: """
      Exits with 1 where something is lacking without which mallometer can't do its main job.

      Example:
        mallometer doctor
      """)

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let report = DoctorReport(checks: Doctor().checks())
    try common.context.print(report)
    if report.checks.contains(where: { !$0.ok && $0.required }) {
      throw ExitStatus.answerIsNo.code
    }
  }
}

/// What `doctor` prints.
struct DoctorReport: Report {
  let checks: [Check]

  struct Check: Encodable, Sendable {
    let name: String
    let ok: Bool
    let detail: String
    @Nullable var remedy: String?
    /// Whether the main job can't be done without it.
    let required: Bool
  }

  var text: String {
    var table = Table(["", "check", "what was found"], align: [.left, .left, .left])
    for check in checks {
      table.add(check.ok ? "ok" : check.required ? "LACKING" : "better", check.name, check.detail)
    }
    let remedies = checks.filter { !$0.ok }.compactMap(\.remedy)
    guard !remedies.isEmpty else { return table.text }
    var seen: Set<String> = []
    return table.text + "\nTo mend it:\n"
      + remedies.filter { seen.insert($0).inserted }.map { "  \($0)\n" }.joined()
  }
}
