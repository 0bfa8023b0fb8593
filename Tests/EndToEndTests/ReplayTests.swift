import Foundation
import Platform
import Testing

/// `record` and `replay`, from a program to figures in the notebook.
@Suite struct ReplayTests {
  let mallometer: CommandLine
  let folder: PrivateFolder
  let trace: String

  init() throws {
    mallometer = try CommandLine()
    folder = try PrivateFolder(prefix: "replay-test")
    let report = folder.file("report.json")
    let recorded = try mallometer(
      "record", "-o", folder.path, "--report", report, "--quiet", "--", "/usr/bin/python3", "-c",
      "print(len([str(i) for i in range(20000)]))")
    try #require(recorded.status == 0 && recorded.output == "20000\n", "\(recorded.errors)")
    let document = try JSONSerialization.jsonObject(
      with: try Data(contentsOf: URL(fileURLWithPath: report)))
    let processes = (document as? [String: Any])?["processes"] as? [[String: Any]]
    trace = try #require(processes?.first?["trace"] as? String)
  }

  private func replay(
    _ repeats: Int, _ notebook: String, _ options: String...
  ) throws -> CommandLine.Result {
    try mallometer.run(
      mallometer.executable,
      [
        "replay", trace, "--design", "glibc", "--design", "mimalloc", "--repeats", "\(repeats)",
        "--format", "json", "--notebook", notebook,
      ] + options)
  }

  @Test func whatIsInTheNotebookIsNotMeasuredAgain() throws {
    let notebook = folder.file("n.sqlite")
    let first = try replay(2, notebook)
    try #require(first.status == 0, "\(first.errors)")
    let again = try replay(2, notebook)
    // Measured anew, no two figures would be the same.
    #expect(again.output == first.output)
    let anew = try replay(2, notebook, "--again")
    #expect(anew.output != first.output)
    #expect(try replay(2, notebook).output == anew.output, "the newest counts")
    let runs = try first.list("runs")
    #expect(runs.compactMap { $0["design"] as? String } == ["glibc", "mimalloc"])
    for run in runs {
      #expect(run["repeats"] as? Int == 2)
      let ns = try #require(run["ns"] as? [String: Any])
      #expect(Set(ns.keys) == ["value", "low", "high"])
      for key in [
        "trace", "rawNs", "modes", "pageFaults", "peakResidentBytes", "coreGHz", "latency",
      ] { #expect(run[key] != nil, "runs has no \(key)") }
    }
  }

  @Test func replayRanksAndTimesCalls() throws {
    let both = try mallometer.inBothFormats(
      "replay", trace, "--design", "glibc", "--design", "jemalloc", "--design", "tcmalloc",
      "--repeats", "2", "--latency", "--notebook", folder.file("n.sqlite"))
    let document = try both.json.json()
    #expect(document["noiseFloorNs"] is NSNumber && document["dispatchNs"] is NSNumber)
    for run in try both.json.list("runs") {
      #expect(both.text.contains(try #require(run["design"] as? String)))
      let latency = try #require(run["latency"] as? [String: Any])
      let malloc = try #require(latency["malloc"] as? [String: Any])
      expectKeys("p50 p90 p99 p999 p9999 max", in: malloc, "latency")
    }
  }

  @Test func buildsOfADesignTakeTurns() throws {
    let notebook = folder.file("n.sqlite")
    func replay(_ builds: String) throws -> CommandLine.Result {
      try mallometer(
        "replay", trace, "--design", "pool", "--repeats", "2", "--builds", builds, "--format",
        "json", "--notebook", notebook)
    }
    let first = try replay("2")
    try #require(first.status == 0, "\(first.errors)")
    #expect(try replay("2").output == first.output, "found again")
    let builds = try ChildProcess(
      executable: "/usr/bin/sqlite3",
      arguments: [
        notebook, "SELECT COUNT(DISTINCT build) FROM measurement WHERE allocator = 'pool'",
      ]
    ).run()
    #expect(builds.output == "2\n")
    #expect(try replay("0").status == 64)
  }

  @Test func anInterruptedReplayKeepsWhatItMeasured() throws {
    let notebook = folder.file("n.sqlite")
    let script = folder.file("interrupt.sh")
    // Interrupted as soon as the notebook holds a measurement, of the thousands that are asked for.
    try """
    env --default-signal=INT '\(mallometer.executable)' replay '\(trace)' --design glibc \
      --repeats 5000 --quiet --notebook '\(notebook)' &
    child=$!
    tries=0
    until [ "$(sqlite3 '\(notebook)' 'SELECT COUNT(*) > 3 FROM measurement' 2>/dev/null)" = 1 ]
    do
      tries=$((tries + 1))
      [ $tries -lt 600 ] || break
      sleep 0.1
    done
    kill -INT $child
    wait $child
    exit $?
    """.write(toFile: script, atomically: true, encoding: .utf8)
    // Background jobs of a script ignore SIGINT unless told not to.
    let ended = try ChildProcess(
      executable: "/bin/bash", arguments: [script], environment: mallometer.environment
    ).run()
    #expect(ended.ending == .exited(status: 130), "\(ended.errors)")
    #expect(ended.errors.contains("interrupted"))
    let count = try ChildProcess(
      executable: "/usr/bin/sqlite3",
      arguments: [notebook, "PRAGMA integrity_check; SELECT COUNT(*) > 3 FROM measurement"]
    ).run()
    #expect(count.output == "ok\n1\n")
  }

  @Test func aDamagedNotebookIsBadInputAndIsKept() throws {
    let notebook = folder.file("letter.sqlite")
    let letter = "no database, but long enough that somebody might take it for one"
    try letter.write(toFile: notebook, atomically: true, encoding: .utf8)
    let result = try replay(1, notebook)
    #expect(result.status == 2 && result.output.isEmpty)
    #expect(result.errors.contains(notebook) && result.errors.contains("--notebook"))
    #expect(try String(contentsOfFile: notebook, encoding: .utf8) == letter)
  }
}
