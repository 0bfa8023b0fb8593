import Foundation
import Platform
import TestSupport
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
      - id: elsewhere
        claim: a call takes less than a millisecond with more live blocks
        source: a colleague
        quantity: time(A)
        workload: {recipe: random-mixed, parameters: {events: 20000, live: 300}}
        claimed: 1 ms
        rule: at most

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
      "verdicts",
      keys: "id verdict claimed measured unit reason source kind basis sameAs command inspect")
    let verdicts = Dictionary(
      uniqueKeysWithValues: rows.map { ($0["id"] as? String ?? "", $0["verdict"] as? String ?? "") }
    )
    #expect(
      verdicts == [
        "sum": "supported", "wrong-sum": "refuted", "calls": "supported",
        "header": "supported", "fast": "supported", "never": "never executed",
        "windows": "not testable here", "elsewhere": "supported",
      ])
    for row in rows where !["never", "windows"].contains(row["id"] as? String) {
      try expectEstimate(row["measured"], "\(row)")
    }
    let counts = try #require(try result.json()["counts"] as? [String: Int])
    #expect(
      counts == [
        "supported": 5, "refuted": 1, "inconclusive": 0, "unidentifiable": 0,
        "neverExecuted": 1, "notTestableHere": 1,
      ])
    let kinds = try #require(try result.json()["kinds"] as? [String: [String: Int]])
    #expect(kinds["arithmetic"]?["supported"] == 1 && kinds["arithmetic"]?["refuted"] == 1)
    #expect(kinds["counted"]?["supported"] == 1 && kinds["configured"]?["supported"] == 1)
    #expect(kinds["measured"]?["supported"] == 2 && kinds["measured"]?["neverExecuted"] == 1)
    let again = try validate(claims, "--strict", "--format", "json")
    #expect(again.output == result.output, "a filled notebook measures nothing anew")
  }

  private func run(_ command: String) throws -> CommandLine.Result {
    try mallometer.shell(
      "cd \"$1\"; mallometer() { \"$mallometer\" \"$@\" --quiet; }; \(command)", folder.path)
  }

  /// The command that a verdict prints gives the same verdict again, down to the estimate and the
  /// reason, whatever else was judged with it; and its evidence can be looked at.
  @Test func commandsReproduceTheirVerdicts() throws {
    let result = try validate(claims, "--format", "json")
    let rows = try result.list("verdicts", keys: "command inspect")
    #expect(rows.count == 8)
    for row in rows {
      let id = try #require(row["id"] as? String)
      let command = try #require(row["command"] as? String)
      let again = try run("\(command) --format json")
      try #require(again.status == 0, "\(command): \(again.errors)")
      let alone = try again.list("verdicts")
      #expect(alone.count == 1 && alone[0]["id"] as? String == id, "\(command)")
      for key in ["verdict", "reason", "claimed", "command"] {
        #expect(alone.first?[key] as? String == row[key] as? String, "\(id): \(key)")
      }
      #expect(
        alone.first?["measured"] as? [String: Double] == row["measured"] as? [String: Double])
      guard let inspect = row["inspect"] as? String else { continue }
      guard ["calls", "header"].contains(id) else { continue }
      let ended = try run(inspect)
      #expect(ended.status == 0 && !ended.output.isEmpty, "\(inspect): \(ended.errors)")
    }
    #expect(rows.count { $0["inspect"] is String } == 5)
  }

  /// A claim judged alone from an empty notebook is judged by what all claims of its file need.
  @Test func aClaimMeasuredFirstKeepsItsVerdict() throws {
    let alone = try validate(claims, "--format", "json", "--only", "fast")
    let all = try validate(claims, "--format", "json")
    let first = try #require(try alone.list("verdicts").first)
    let same = try all.list("verdicts").first { $0["id"] as? String == "fast" }
    #expect(same?["reason"] as? String == first["reason"] as? String)
    #expect(first["verdict"] as? String == "supported")
  }

  @Test func oneBadWorkloadHarmsNoOther() throws {
    let file = folder.file("trace.yaml")
    let text = folder.file("README.md")
    try "no trace".write(toFile: text, atomically: true, encoding: .utf8)
    let row = """
        - id: readme
          claim: it takes a nanosecond
          source: a colleague
          quantity: time(A)
          workload: {trace: README.md}
          claimed: 1 ns
          rule: sign

      """
    try (Self.head + row + Self.rows).write(toFile: file, atomically: true, encoding: .utf8)
    let judged = try validate(file, "--only", "calls", "--only", "readme")
    #expect(judged.status == 2 && judged.output.contains("calls: supported"))
    #expect(judged.output.contains("\(file):9:") && judged.output.contains("README.md"))
    let twice = row.replacing("id: readme", with: "id: twice\n    claim: again")
    try (Self.head + twice + Self.rows).write(toFile: file, atomically: true, encoding: .utf8)
    let other = try validate(file, "--only", "sum", "--only", "twice")
    #expect(other.status == 2 && other.output.contains("sum: supported"))
    #expect(other.output.contains("occurs twice"))
  }

  /// An allocator that crashes costs its own claims, and not those of the others.
  @Test func aCrashingAllocatorHarmsNoOther() throws {
    let source = folder.file("crash.c")
    let library = folder.file("crash.so")
    try """
    #include <stddef.h>
    #include <stdlib.h>
    void *malloc(size_t size) { static char space[1 << 20]; static size_t used; void *block = space + used;
      used += (size + 15) / 16 * 16; if (used > 65536) abort(); return block; }
    void *calloc(size_t count, size_t size) { return malloc(count * size); }
    void *realloc(void *block, size_t size) { (void)block; return malloc(size); }
    void free(void *block) { (void)block; }
    """.write(toFile: source, atomically: true, encoding: .utf8)
    let built = try mallometer.shell(
      "cc -shared -fPIC -O1 -fno-builtin -o \"$1/crash.so\" \"$1/crash.c\"", folder.path)
    try #require(built.status == 0, "\(built.errors)")
    let row = """
        - id: crashing
          claim: it takes no time
          source: a colleague
          quantity: time(A)
          designs: ["preload:\(library)"]
          standIn: none
          claimed: 1 ms
          rule: at most

      """
    let file = folder.file("crash.yaml")
    try (Self.head + row + Self.rows).write(toFile: file, atomically: true, encoding: .utf8)
    for _ in 0..<2 {
      let judged = try validate(file, "--only", "fast", "--only", "crashing")
      #expect(judged.status == 0 && judged.output.contains("fast: supported"), "\(judged.output)")
      #expect(judged.output.contains("crashing: inconclusive"))
      #expect(judged.output.contains("The replay over preload:\(library)"))
    }
  }

  @Test func verdictsCanBeWrittenToBeExpected() throws {
    let file = folder.file("surprising.yaml")
    try (Self.head + Self.surprising).write(toFile: file, atomically: true, encoding: .utf8)
    let expected = folder.file("expected.yaml")
    #expect(try validate(file, "--write-expected", expected).status == 0)
    #expect(try String(contentsOfFile: expected, encoding: .utf8).contains("surprising: refuted"))
    #expect(try validate(file, "--strict", "--expected", expected).status == 0)
    try "surprising: supported\nsurprised: refuted\n".write(
      toFile: expected, atomically: true, encoding: .utf8)
    let wrong = try validate(file, "--strict", "--expected", expected)
    #expect(wrong.status == 2 && wrong.output.contains("\(expected):2:"))
  }

  /// The verdicts of some files would take the place of all bundled ones.
  @Test func theBundledExpectationsAreKept() throws {
    let refused = try validate(
      claims, "--write-expected",
      repository.appendingPathComponent("models/hypotheses/expected.yaml").path)
    #expect(refused.status == 64 && refused.errors.contains("leave the files out"))
    #expect(refused.output.isEmpty)
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
