import Foundation
import Glibc
import TestSupport
import Testing
import Traces

/// What survives when somebody is killed in the middle.
@Suite struct KillTests {
  /// Returned calls as the program counted them in shared memory.
  private func counted(_ path: String) throws -> (mallocs: Int, frees: Int) {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    return data.withUnsafeBytes {
      (
        Int($0.loadUnaligned(as: UInt64.self)),
        Int($0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
  }

  private func counts(_ path: String, reach count: Int) -> Bool {
    for _ in 0..<3000 {
      if let now = try? counted(path), now.frees >= count { return true }
      usleep(10_000)
    }
    return false
  }

  /// Every malloc of the counting program once, in order: the n-th has its own size.
  private func expectEveryCall(in trace: WholeTrace, _ counted: (mallocs: Int, frees: Int)) {
    var next = 0
    var frees = 0
    var live: UInt32?
    for event in trace.events where event.size >= 100_000 || event.slot == live {
      if event.kind == .malloc, event.size == UInt64(100_000 + next % 4096) {
        next += 1
        live = event.slot
      } else if event.kind == .free, event.slot == live {
        frees += 1
        live = nil
      } else if event.kind.isOperation {
        Issue.record("unexpected \(event) after \(next) calls")
        return
      }
    }
    // At most the one call under way may be there besides those that returned.
    #expect((counted.mallocs...counted.mallocs + 1).contains(next))
    #expect((counted.frees...counted.frees + 1).contains(frees))
  }

  @Test(arguments: [1000, 70_000, 400_000])
  func killedProgram(calls: Int) throws {
    let bench = try RecordingBench()
    let program = try bench.compile("counted")
    let counter = bench.path("counter")
    let process = try bench.start(
      bench.recordCommand + ["--", program, counter, "1000000000000"])
    #expect(counts(counter, reach: calls))
    let victim = try #require(child(of: process.processIdentifier, named: "counted"))
    kill(victim, SIGKILL)
    let finished = bench.finish(process)
    #expect(finished.status == 128 + SIGKILL)
    let path = try #require(traces(bench).first)
    let trace = try WholeTrace(path: path)
    #expect(trace.reader.completeness.isComplete)
    expectEveryCall(in: trace, try counted(counter))
  }

  @Test func killedRecord() throws {
    let bench = try RecordingBench()
    let program = try bench.compile("counted")
    let counter = bench.path("counter")
    let process = try bench.start(bench.recordCommand + ["--", program, counter, "1500000"])
    #expect(counts(counter, reach: 20_000))
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(counts(counter, reach: 1_500_000))
    // The drainer finishes by itself and takes the session's folder away.
    var left = true
    for _ in 0..<1500 where left {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: bench.path("traces"))) ?? []
      left = names.contains { $0.hasPrefix(".recording") }
      usleep(20_000)
    }
    #expect(!left)
    let trace = try WholeTrace(path: #require(traces(bench).first))
    #expect(trace.reader.completeness.isComplete)
    expectEveryCall(in: trace, try counted(counter))
  }

  @Test func passesSignalsOn() throws {
    let bench = try RecordingBench()
    let script = "trap 'exit 42' TERM; echo on; while :; do sleep 0.05; done"
    let process = try bench.start(bench.recordCommand + ["--", "sh", "-c", script])
    for _ in 0..<1000 {
      if (try? String(contentsOfFile: bench.path("output"), encoding: .utf8)) == "on\n" { break }
      usleep(10_000)
    }
    kill(process.processIdentifier, SIGTERM)
    #expect(bench.finish(process).status == 42)
  }

  private func traces(_ bench: RecordingBench) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: bench.path("traces"))) ?? []
    return names.filter { $0.hasPrefix("counted.") && $0.hasSuffix(".mlt") }.sorted()
      .map { bench.path("traces/\($0)") }
  }

  /// A descendant by its name.
  private func child(of parent: pid_t, named name: String) -> pid_t? {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    for entry in entries {
      guard let process = pid_t(entry),
        let text = try? String(contentsOfFile: "/proc/\(entry)/stat", encoding: .utf8),
        let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")")
      else { continue }
      let fields = text[text.index(after: close)...].split(separator: " ")
      if text[text.index(after: open)..<close] == name, fields.count > 1,
        pid_t(fields[1]) == parent
      {
        return process
      }
    }
    return nil
  }
}
