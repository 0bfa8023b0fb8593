import Foundation
import Testing
import Traces

/// Unmodified programs: they run as without the recorder, and their traces are whole.
@Suite struct RealProgramTests {
  /// Records a shell command and checks what must hold of any program that ends by itself.
  private func check(
    _ script: String, program: String, atLeast events: Int, threads: Int = 1,
    bench: RecordingBench
  ) throws -> [WholeTrace] {
    let recorded = try bench.record(["bash", "-c", script])
    #expect(recorded.status == 0, "\(recorded.errors.suffix(500))")
    let images = recorded.images(of: program)
    let largest = try #require(images.max { $0.events < $1.events }, "no image of \(program)")
    #expect(largest.events >= events)
    #expect(largest.threads >= threads)
    return try images.map { image in
      #expect(image.dropped == 0 && image.problem == nil)
      let trace = try WholeTrace(image)
      #expect(trace.reader.completeness.isComplete)
      #expect(trace.events.count == image.events)
      #expect(trace.count(.impliedFree) == 0)
      if image.counters["forked"] == nil { #expect(trace.count(.foreignFree) == 0) }
      return trace
    }
  }

  @Test func python() throws {
    let bench = try RecordingBench()
    let script = "import json; x = [{'a': [i] * 600} for i in range(3000)]; json.dumps(x)"
    _ = try check(
      "exec $(ls /usr/bin/python3 || command -v python3) -c \"\(script)\"",
      program: "python3", atLeast: 5000, bench: bench)
  }

  @Test func compilerProper() throws {
    let bench = try RecordingBench()
    try "#include <stdio.h>\n#include <stdlib.h>\nint main(void) { return puts(\"x\"); }\n"
      .write(toFile: bench.path("x.c"), atomically: true, encoding: .utf8)
    _ = try check("gcc -O2 -c x.c", program: "cc1", atLeast: 5000, bench: bench)
  }

  @Test func versionControl() throws {
    let bench = try RecordingBench()
    let script = """
      git init -q repo && cd repo && for i in 1 2 3 4 5; do echo $i > f$i; git add f$i; \
      git -c user.name=x -c user.email=x@y commit -qm $i; done; git log --stat > ../log; \
      git gc -q
      """
    _ = try check(script, program: "git", atLeast: 500, bench: bench)
  }

  @Test func database() throws {
    let bench = try RecordingBench()
    let sql = """
      create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n limit \
      20000) insert into t select i, hex(i) from n; select count(*), max(b) from t where a % 7;
      """
    let traces = try check(
      "echo '\(sql)' | sqlite3 x.db", program: "sqlite3", atLeast: 1000, bench: bench)
    #expect(!traces.isEmpty)
  }

  @Test func compressorWithThreads() throws {
    let bench = try RecordingBench()
    _ = try check(
      "head -c 8000000 /dev/zero | xz -T2 --block-size=1MiB > x.xz", program: "xz", atLeast: 20,
      threads: 2, bench: bench)
  }

  @Test func serverUnderLoad() throws {
    let bench = try RecordingBench()
    let socket = bench.path("s")
    let script = """
      redis-server --port 0 --unixsocket \(socket) --save '' --daemonize no > log & \
      until redis-cli -s \(socket) ping > pong 2>&1; do sleep 0.05; done; \
      redis-benchmark -s \(socket) -n 5000 -r 10000 -t set,sadd -q > bench; \
      redis-cli -s \(socket) unlink myset > unlinked; \
      redis-cli -s \(socket) shutdown nosave; wait
      """
    _ = try check(script, program: "redis-server", atLeast: 10_000, threads: 2, bench: bench)
  }

  @Test func swiftProgram() throws {
    let bench = try RecordingBench()
    let recorded = try bench.record([bench.mallometer.path, "--help"])
    #expect(recorded.status == 0)
    let trace = try WholeTrace(#require(recorded.images(of: "mallometer").first))
    #expect(trace.events.count > 1000)
    #expect(trace.count(.foreignFree) == 0)
    #expect(trace.events.contains { trace.module(of: $0).contains("libswiftCore") })
  }
}
