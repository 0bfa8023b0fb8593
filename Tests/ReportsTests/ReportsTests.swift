import Foundation
import Platform
import Synchronization
import Testing

@testable import Reports

@Suite struct TableTests {
  @Test func columnsAreAsWideAsTheirWidestCellAndNumbersStandRight() {
    var table = Table(["design", "ns"])
    table.add("pool", "8.41")
    table.add("reuse,policy=frozen", "12.0")
    #expect(
      table.text == """
        design                 ns
        ───────────────────  ────
        pool                 8.41
        reuse,policy=frozen  12.0

        """)
  }

  @Test func missingCellsAreBlankAndLinesEndWithoutBlanks() {
    var table = Table(["a", "b", "c"], align: [.left, .left, .left])
    table.add("x")
    #expect(table.text.split(separator: "\n").last == "x")
  }
}

@Suite struct TextTests {
  @Test(arguments: [
    (0.0, "0.00"), (-0.0000000001, "0.00"), (-0.00001, "-0.000010"), (8.414, "8.41"),
    (9.999, "10.0"), (99.96, "100"), (12.34, "12.3"), (0.0123, "0.0123"),
    (1234.4, "1 234"),
    (-12.34, "-12.3"),
    (Double.nan, "–"), (Double.infinity, "∞"),
  ]) func numbersHaveThreeDigits(value: Double, text: String) {
    #expect(Text.number(value) == text)
  }

  @Test func countsAreGrouped() {
    #expect(Text.count(7) == "7")
    #expect(Text.count(1_234_567) == "1 234 567")
    #expect(Text.count(-1000) == "-1 000")
    #expect(Text.count(UInt64.max) == "18 446 744 073 709 551 615")
    #expect(Text.count(Int64.min) == "-9 223 372 036 854 775 808")
  }

  @Test func bytesTakeTheUnitThatSuits() {
    #expect(Text.bytes(1023) == "1023 B")
    #expect(Text.bytes(1536) == "1.50 KiB")
    #expect(Text.bytes(1024 * 1024 - 1) == "1.00 MiB")
    #expect(Text.bytes(UInt64.max) == "16.0 EiB")
  }

  @Test func estimatesShowUnboundedEnds() {
    #expect(Text.estimate(Estimate(value: 1, low: 0.5, high: 2)) == "1.00 [0.50, 2.00]")
    #expect(Text.estimate(Estimate(value: 1, low: 0.5, high: nil)) == "1.00 [0.50, ∞]")
    #expect(Text.estimate(Estimate(unbounded: 3)) == "3.00")
    #expect(Text.estimate(nil as Estimate?) == "–")
  }

  @Test func durations() {
    #expect(Text.duration(nanoseconds: 950) == "950 ns")
    #expect(Text.duration(nanoseconds: 1.2e6) == "1.20 ms")
    #expect(Text.duration(nanoseconds: 200e9) == "3 min 20 s")
  }
}

private struct Sample: Report, Codable, Equatable {
  struct Row: Codable, Equatable {
    var zeta: Int
    @Nullable var alpha: Double?
  }
  var rows: [Row]
  var ns: Estimate
  var text: String { "\(rows.count) rows" }
}

@Suite struct ReportTests {
  private let sample = Sample(
    rows: [.init(zeta: 1, alpha: nil), .init(zeta: 2, alpha: 0.5)],
    ns: Estimate(value: 1, low: -.infinity, high: 2))

  @Test func jsonHasSortedKeysAndNullsWhereNothingIsKnown() throws {
    let json = try sample.rendered(as: .json)
    #expect(
      json == """
        {
          "ns" : {
            "high" : 2,
            "low" : null,
            "value" : 1
          },
          "rows" : [
            {
              "alpha" : null,
              "zeta" : 1
            },
            {
              "alpha" : 0.5,
              "zeta" : 2
            }
          ]
        }

        """)
    #expect(try JSONDecoder().decode(Sample.self, from: Data(json.utf8)) == sample)
  }

  @Test func textEndsWithOneNewline() throws {
    #expect(try sample.rendered(as: .text) == "2 rows\n")
  }

  @Test func aNumberThatIsNoneIsRefusedWithItsPath() {
    var broken = sample
    broken.rows[1].alpha = .nan
    #expect {
      try broken.rendered(as: .json)
    } throws: { error in
      guard case .notRepresentable(let path, _)? = error as? ReportError else { return false }
      return path.contains("rows") && path.contains("alpha")
    }
  }

  @Test func intervalsContainWhatTheyDoNotExclude() {
    #expect(Estimate(value: 1, low: nil, high: 2).contains(-100))
    #expect(!Estimate(value: 1, low: nil, high: 2).contains(2.1))
    #expect(Estimate(value: 1, low: .nan, high: .infinity) == Estimate(unbounded: 1))
  }
}

@Suite struct ProgressTests {
  private final class Collected: Sendable {
    let text = Mutex("")
    let time = Mutex(ContinuousClock.now)
    func reporter(_ style: ProgressStyle) -> ProgressReporter {
      ProgressReporter(
        style: style, now: { [self] in time.withLock { $0 } },
        write: { [self] piece in text.withLock { $0 += piece } })
    }
    func pass(_ duration: Duration) { time.withLock { $0 += duration } }
    var all: String { text.withLock { $0 } }
  }

  @Test func linesAreSparse() {
    let collected = Collected()
    let progress = collected.reporter(.lines)
    progress.begin("replay", total: 1000)
    for _ in 0..<1000 {
      collected.pass(.milliseconds(10))
      progress.advance()
    }
    progress.end()
    let lines = collected.all.split(separator: "\n")
    #expect(lines.first == "replay…")
    #expect(lines.last == "replay: 1000 of 1000, 10 s")
    #expect((4...7).contains(lines.count), "\(lines)")
  }

  @Test func aBarIsDrawnAtMostTenTimesASecondAndWipedAtTheEnd() {
    let collected = Collected()
    let progress = collected.reporter(.bar(columns: 40))
    progress.begin("simulate", total: 1000)
    for _ in 0..<1000 {
      collected.pass(.milliseconds(1))
      progress.advance(detail: "a detail much too long for forty columns of terminal")
    }
    progress.end()
    let draws = collected.all.components(separatedBy: "\r\u{1B}[K")
    #expect(draws.count < 15)
    #expect(draws.last == "")
    #expect(draws.allSatisfy { $0.count < 40 })
  }

  @Test func silenceIsSilent() {
    let collected = Collected()
    let progress = collected.reporter(.silent)
    progress.begin("x", total: 1)
    progress.note("y")
    progress.advance()
    progress.end()
    #expect(collected.all.isEmpty)
  }

  @Test func manyThreadsLoseNoUnit() async {
    let collected = Collected()
    let progress = collected.reporter(.lines)
    progress.begin("work", total: 8000)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 { group.addTask { for _ in 0..<1000 { progress.advance() } } }
    }
    progress.end()
    #expect(collected.all.contains("8000 of 8000"))
  }
}
