import Foundation
import Platform
import Testing

/// `validate` on a small file of claims: every kind of verdict that a small workload can show.
@Suite(.serialized) struct ValidateCommandTests {
  let mallometer: CommandLine
  let folder: PrivateFolder
  let claims: String

  private static let head = """
    workload: {recipe: random-mixed, parameters: {events: 20000, live: 200}}
    designs: [pool, "pool,header=32"]
    standIn: our own designs
    claims:

    """

  private static let rows = """
      - id: sum
        claim: 17 and 9 less 4 are 22
        source: a colleague
        quantity: 17 ns + 9 ns − 4 ns
        claimed: 22 ns
        rule: equals within 0 %
      - id: wrong-sum
        claim: 200 of 37 602 ns are 20 %
        source: a colleague
        quantity: 200 ns ÷ 37602 ns
        claimed: 20 %
        rule: at least
        expected: refuted
      - id: calls
        claim: half of the calls allocate
        source: a colleague
        quantity: count(malloc-call) ÷ events
        claimed: 50 %
        rule: equals within 5 %
      - id: header
        claim: a header takes 32 bytes
        source: a colleague
        quantity: bytes(header, B) − bytes(header)
        claimed: 32 bytes
        rule: equals within 0 %
      - id: fast
        claim: a call takes less than a millisecond
        source: a colleague
        quantity: time(A)
        claimed: 1 ms
        rule: at most
      - id: never
        claim: a prefetch takes 4 ns
        source: a colleague
        quantity: cost(cache-prefetch)
        designs: [reuse]
        claimed: 4 ns
        rule: within factor 2
        expected: never executed
      - id: windows
        claim: it is slow on Windows
        source: a colleague
        claimed: 4 ns
        notTestable: it needs Windows

    """

  private static let surprising = """
      - id: surprising
        claim: no call allocates
        source: a colleague
        quantity: count(malloc-call)
        claimed: 0 count
        rule: equals within 0 %

    """

  init() throws {
    mallometer = try CommandLine()
    folder = try PrivateFolder(prefix: "validate-test")
    claims = folder.file("claims.yaml")
    try (Self.head + Self.rows).write(toFile: claims, atomically: true, encoding: .utf8)
    let made = try mallometer(
      "generate", "random-mixed", "events=30000", "live=300", "-o", training)
    try #require(made.status == 0, "\(made.errors)")
  }

  private var training: String { folder.file("training.mlt") }

  private func validate(_ file: String, _ options: String...) throws -> CommandLine.Result {
    try mallometer.run(
      mallometer.executable,
      [
        "validate", file, "--training", training, "--budget", "0", "--repeats", "3", "--quiet",
        "--notebook", folder.file("n.sqlite"),
      ] + options)
  }

  @Test func everyClaimGetsItsVerdict() throws {
    let result = try validate(claims, "--strict", "--format", "json")
    try #require(result.status == 0, "\(result.errors) \(result.output)")
    let rows = try result.list(
      "verdicts", keys: "id verdict claimed measured unit reason source command")
    let verdicts = Dictionary(
      uniqueKeysWithValues: rows.map { ($0["id"] as? String ?? "", $0["verdict"] as? String ?? "") }
    )
    #expect(
      verdicts == [
        "sum": "supported", "wrong-sum": "refuted", "calls": "supported",
        "header": "supported", "fast": "supported", "never": "never executed",
        "windows": "not testable here",
      ])
    for row in rows where !["never", "windows"].contains(row["id"] as? String) {
      try expectEstimate(row["measured"], "\(row)")
    }
    let counts = try #require(try result.json()["counts"] as? [String: Int])
    #expect(
      counts == [
        "supported": 4, "refuted": 1, "inconclusive": 0, "unidentifiable": 0,
        "neverExecuted": 1, "notTestableHere": 1,
      ])
    let again = try validate(claims, "--strict", "--format", "json")
    #expect(again.output == result.output, "a filled notebook measures nothing anew")
  }

  /// What a verdict prints as its evidence can be run.
  @Test func commandsWork() throws {
    let result = try validate(claims, "--format", "json", "--only", "calls", "--only", "sum")
    let rows = try result.list("verdicts", keys: "command")
    #expect(rows.count == 2)
    for row in rows {
      let command = try #require(row["command"] as? String)
      let ended = try mallometer.shell(
        "cd \"$1\"; mallometer() { \"$mallometer\" \"$@\" --quiet; }; \(command)", folder.path)
      #expect(ended.status == 0 && !ended.output.isEmpty, "\(command): \(ended.errors)")
    }
  }

  @Test func badRowsAreReportedAndTheOthersJudged() throws {
    let bad = Self.rows.replacing("count(malloc-call)", with: "count(maloc-call)")
    let file = folder.file("bad.yaml")
    try (Self.head + bad).write(toFile: file, atomically: true, encoding: .utf8)
    let text = try validate(file, "--only", "sum", "--only", "windows")
    #expect(text.status == 2)
    #expect(text.output.contains("sum: supported"))
    #expect(text.output.contains("\(file):21:") && text.output.contains("malloc-call"))
    let json = try validate(file, "--only", "sum", "--format", "json")
    let error = try #require(try json.list("errors", keys: "message file line remedy").first)
    #expect(json.status == 2 && error["line"] as? Int == 21)
    #expect(error["file"] as? String == file)
  }

  @Test func strictnessAsksForWhatTheFileExpects() throws {
    let file = folder.file("surprising.yaml")
    try (Self.head + Self.surprising).write(toFile: file, atomically: true, encoding: .utf8)
    #expect(try validate(file).status == 0)
    let strict = try validate(file, "--strict")
    #expect(strict.status == 1 && strict.output.contains("refuted (expected: supported)"))
  }

  @Test func anUnknownIdentifierIsBadInput() throws {
    let result = try validate(claims, "--only", "sun")
    #expect(result.isBadInput(naming: "--only sun", "sum"))
  }
}
