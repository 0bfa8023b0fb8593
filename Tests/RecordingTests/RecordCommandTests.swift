import Foundation
import TestSupport
import Testing
import Traces

/// What people and scripts see of `record`.
@Suite struct RecordCommandTests {
  @Test func passesInputOutputAndStatusThrough() throws {
    let bench = try RecordingBench()
    let recorded = try bench.record(["sh", "-c", "echo out; echo err >&2; exit 3"])
    #expect(recorded.status == 3)
    #expect(recorded.output == "out\n")
    #expect(recorded.errors.hasPrefix("err\n"))
  }

  /// A pipe whose reader has gone ends a recorded program as it would have ended without us, and
  /// nohup keeps its word. Signals above 28 are the C library's own affair.
  @Test(arguments: ["", "trap '' HUP;", "trap '' PIPE;"])
  func ignoresWhatTheProgramWouldHaveIgnored(trap: String) throws {
    let bench = try RecordingBench()
    let show = "grep SigIgn /proc/self/status"
    let record = "\(bench.mallometer.path) record --quiet -o \(bench.path("traces")) --"
    let seen = try bench.run(["sh", "-c", "\(trap) \(show); \(record) \(show)"])
    #expect(seen.status == 0, "\(seen.errors)")
    let masks = try seen.output.split(separator: "\n").map { line in
      try #require(UInt64(line.split(separator: "\t")[1], radix: 16)) & 0xFFF_FFFF
    }
    #expect(masks.count == 2 && masks[0] == masks[1], "\(seen.output)")
  }

  @Test func tellsItsOwnFailuresApart() throws {
    let bench = try RecordingBench()
    let missing = try bench.record(["/no/such/program"])
    #expect(missing.status == 127)
    #expect(missing.errors.contains("/no/such/program"))
    let folder = try bench.record([bench.path("")])
    #expect(folder.status == 126)
    let output = try bench.run([
      bench.mallometer.path, "record", "-o", "/proc/nowhere", "--", "true",
    ])
    #expect(output.status == 125)
    #expect(output.errors.contains("/proc/nowhere"))
    let none = try bench.run([bench.mallometer.path, "record"])
    #expect(none.status == 64)
  }

  @Test func writesTracesForTheUserAlone() throws {
    let bench = try RecordingBench()
    let recorded = try bench.record(["true"])
    let path = try #require(recorded.processes.first?.trace)
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let names = try FileManager.default.contentsOfDirectory(atPath: bench.path("traces"))
    #expect(names.allSatisfy { $0.hasSuffix(".mlt") }, "no spool is left: \(names)")
  }

  @Test func stopsAtTheMaximum() throws {
    let bench = try RecordingBench()
    let program = try bench.compile("counted")
    let recorded = try bench.record(
      [program, bench.path("counter"), "300000"], options: ["--max-events", "100000"])
    #expect(recorded.status == 0)
    let process = try #require(recorded.images(of: "counted").first)
    #expect(process.stopped)
    let trace = try WholeTrace(process)
    #expect(trace.reader.completeness.isComplete)
    #expect(trace.events.count { $0.kind.isOperation } == 100_000)
  }

  @Test func saysWhatItCouldNotFollow() throws {
    let bench = try RecordingBench()
    let program = try bench.compile("family", "-static")
    let recorded = try bench.record(["sh", "-c", "\(program); true"])
    #expect(recorded.status == 0)
    let process = try #require(recorded.images(of: "family").first)
    #expect(!process.followed)
    #expect(process.trace == nil)
  }

  @Test func saysWhatAFollowedProcessBecame() throws {
    let bench = try RecordingBench()
    let program = try bench.compile("family", "-static")
    let recorded = try bench.record(["env", program])
    #expect(recorded.status == 0)
    #expect(recorded.images(of: "env").map(\.followed) == [true])
    #expect(recorded.images(of: "family").map(\.followed) == [false])
    // What a process becomes and can be followed in isn't taken for lost.
    let followed = try bench.record(["env", "env", "true"])
    #expect(followed.processes.allSatisfy { $0.followed })
    #expect(followed.processes.count == 3)
  }
}
