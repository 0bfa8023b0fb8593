import Foundation
import Glibc
import TestSupport
import Testing
import Traces

@testable import Recording

/// What survives when the process that writes the traces is killed, alone or with `record`.
@Suite struct RecoveryTests {
  private static let calls = 3_000_000

  /// What the program did, whoever wrote it down: it does the same in every run.
  private func story(_ trace: WholeTrace) -> [Event] {
    trace.events.map {
      var event = $0
      event.time = 0
      return event
    }
  }

  private func undisturbed(_ program: String) throws -> [Event] {
    let bench = try RecordingBench()
    let recorded = try bench.record([program, String(Self.calls)])
    #expect(recorded.status == 0)
    return story(try WholeTrace(#require(recorded.images(of: "churn").first)))
  }

  private func traces(_ bench: RecordingBench) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: bench.path("traces"))) ?? []
    return names.filter { $0.hasSuffix(".mlt") }.sorted().map { bench.path("traces/\($0)") }
  }

  private func bytes(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  private func drainer(of record: pid_t) -> pid_t? {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    for entry in entries {
      guard let process = pid_t(entry),
        let text = try? String(contentsOfFile: "/proc/\(entry)/stat", encoding: .utf8)
      else { continue }
      let fields = text.split(separator: " ")
      if fields.count > 3, fields[1] == "(mlt-drain)", pid_t(fields[3]) == record,
        fields[2] != "Z"
      {
        return process
      }
    }
    return nil
  }

  /// Kills the drainer once the trace has grown beyond `size`; the trace's size then, nil if there
  /// was none left to kill.
  private func killDrainer(
    of record: Process, _ bench: RecordingBench, beyond size: Int, andRecord: Bool = false
  ) -> Int? {
    for _ in 0..<20_000 {
      if let path = traces(bench).first, bytes(path) > size,
        let victim = drainer(of: record.processIdentifier)
      {
        if andRecord { kill(record.processIdentifier, SIGKILL) }
        return kill(victim, SIGKILL) == 0 ? bytes(path) : nil
      }
      if !record.isRunning { return nil }
      usleep(500)
    }
    return nil
  }

  private func expectSame(_ found: [Event], _ expected: [Event]) {
    #expect(found.count == expected.count)
    if let first = zip(found, expected).enumerated().first(where: { $0.element.0 != $0.element.1 })
    {
      Issue.record(
        "event \(first.offset) is \(first.element.0), not \(first.element.1)")
    }
  }

  @Test func aKilledDrainerIsReplaced() throws {
    let bench = try RecordingBench()
    let program = try bench.compile("churn")
    let expected = try undisturbed(program)
    let process = try bench.start(bench.recordCommand + ["--", program, String(Self.calls)])
    var size = 20_000
    var kills = 0
    for _ in 0..<3 {
      guard let now = killDrainer(of: process, bench, beyond: size) else { break }
      size = now
      kills += 1
    }
    #expect(kills >= 1)
    #expect(bench.finish(process).status == 0)
    let trace = try WholeTrace(path: #require(traces(bench).first))
    #expect(trace.reader.completeness.isComplete)
    expectSame(story(trace), expected)
    let left = try FileManager.default.contentsOfDirectory(atPath: bench.path("traces"))
    #expect(left.count == 1)
  }

  @Test func recordAndDrainerKilledAreRecovered() throws {
    let bench = try RecordingBench()
    let program = try bench.compile("churn")
    let expected = try undisturbed(program)
    let process = try bench.start(bench.recordCommand + ["--", program, String(Self.calls)])
    #expect(killDrainer(of: process, bench, beyond: 20_000, andRecord: true) != nil)
    process.waitUntilExit()
    let trace = try recoverWhenDone(bench)
    expectSame(story(trace), expected)
    let again = try bench.run(recovery(bench))
    #expect(again.status == 125)
    #expect(again.errors.contains("no unfinished recording"))
  }

  private func recovery(_ bench: RecordingBench) -> [String] {
    [
      bench.mallometer.path, "record", "--recover", "-o", bench.path("traces"), "--report",
      bench.path("report.json"),
    ]
  }

  /// Waits for the program's end and recovers what its killed drainer left.
  private func recoverWhenDone(_ bench: RecordingBench) throws -> WholeTrace {
    for _ in 0..<3000 {
      if (try? String(contentsOfFile: bench.path("output"), encoding: .utf8)) == "done\n" { break }
      usleep(10_000)
    }
    let path = try #require(traces(bench).first)
    #expect(try !TraceReader(path: path).completeness.isComplete)
    var finished = try bench.run(recovery(bench))
    // A killed process keeps its lock until the kernel has taken it apart.
    for _ in 0..<600 where finished.status == 125 {
      usleep(100_000)
      finished = try bench.run(recovery(bench))
    }
    #expect(finished.status == 0, "\(finished.errors)")
    let trace = try WholeTrace(path: path)
    #expect(trace.reader.completeness.isComplete)
    return trace
  }

  /// What the relay program does, whatever the order of its threads: every pair's blocks are
  /// allocated in turn by one thread and freed in turn by another, nothing twice.
  private func expectRelay(_ trace: WholeTrace, rounds: Int) {
    #expect(trace.count(.foreignFree) == 0)
    #expect(trace.count(.impliedFree) == 0)
    var sizes = [UInt64](repeating: 0, count: trace.reader.slots)
    var allocated: [[UInt64]] = [[], []]
    var freed: [[UInt64]] = [[], []]
    var threads: [Set<UInt16>] = [[], [], [], []]
    var own = 0
    for event in trace.events where event.kind.isOperation {
      let before = sizes[Int(event.slot)]
      if event.kind.allocates { sizes[Int(event.slot)] = event.size }
      if event.kind == .realloc, before == 24, event.size == 48 { own += 1 }
      let size = event.kind.allocates ? event.size : before
      let pair = Int(size / 20_000) - 1
      guard pair == 0 || pair == 1, size % 20_000 < 5000 else { continue }
      if event.kind.allocates { allocated[pair].append(size) } else { freed[pair].append(size) }
      threads[2 * pair + (event.kind.allocates ? 0 : 1)].insert(event.thread)
    }
    for pair in 0..<2 {
      let expected = (0..<rounds).map { UInt64(20_000 * (pair + 1) + $0 % 5000) }
      #expect(allocated[pair] == expected)
      #expect(freed[pair] == expected)
    }
    #expect(own == 4 * rounds)
    #expect(threads.allSatisfy { $0.count == 1 })
    #expect(Set(threads.joined()).count == 4)
  }

  @Test(arguments: [false, true]) func threadsAreRecovered(recordToo: Bool) throws {
    let bench = try RecordingBench()
    let program = try bench.compile("relay")
    let rounds = 250_000
    let process = try bench.start(bench.recordCommand + ["--", program, String(rounds)])
    #expect(killDrainer(of: process, bench, beyond: 20_000, andRecord: recordToo) != nil)
    if recordToo {
      process.waitUntilExit()
      expectRelay(try recoverWhenDone(bench), rounds: rounds)
    } else {
      #expect(bench.finish(process).status == 0)
      let trace = try WholeTrace(path: #require(traces(bench).first))
      #expect(trace.reader.completeness.isComplete)
      expectRelay(trace, rounds: rounds)
    }
  }

  @Test func whatIsStillRecordedIsNotTakenOver() throws {
    let bench = try RecordingBench()
    let process = try bench.start(bench.recordCommand + ["--", "sleep", "1000"])
    for _ in 0..<3000 where traces(bench).isEmpty { usleep(10_000) }
    let finished = try bench.run([
      bench.mallometer.path, "record", "--recover", "-o", bench.path("traces"),
    ])
    #expect(finished.status == 125)
    #expect(finished.errors.contains("still being recorded"))
    kill(process.processIdentifier, SIGTERM)
    #expect(bench.finish(process).status == 128 + SIGTERM)
  }

  @Test func checkpointsOutliveTheirFile() throws {
    var checkpoint = Checkpoint()
    checkpoint.serial = 7
    checkpoint.events = 123
    checkpoint.calls = 120
    checkpoint.lastTime = 99
    checkpoint.mergedUpTo = 5
    checkpoint.threadNumbers = 3
    checkpoint.counters.foreignFrees = 2
    checkpoint.endedNumbers = [1, 2]
    checkpoint.cursors = [
      .init(
        raw: 4, number: nil, ended: true, sequence: 9, index: 2046,
        reallocations: [.init(address: 0x7f00_1234, slot: 5), .init(address: 16, slot: nil)]),
      .init(raw: 0, number: 0, ended: false, sequence: 0, index: 3, reallocations: []),
    ]
    checkpoint.merged = [.init(chunk: 8, thread: 4, sequence: 8)]
    checkpoint.assignments = [.init(slot: 3, address: 0x1000), .init(slot: 1, address: 0)]
    let words = checkpoint.assignments.map(\.address).withUnsafeBufferPointer { addresses in
      checkpoint.assignments.map(\.slot).withUnsafeBufferPointer {
        checkpoint.encoded(slots: $0, addresses: addresses)
      }
    }
    #expect(Checkpoint(words) == checkpoint)
    // What is left of a longer one that was written before doesn't matter; what is cut does.
    #expect(Checkpoint(words + [1, 2, 3]) == checkpoint)
    for count in words.indices { #expect(Checkpoint(Array(words[..<count])) == nil) }
  }
}
