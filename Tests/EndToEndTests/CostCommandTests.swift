import Foundation
import Platform
import Testing

/// `calibrate`, `fit` and `explain`, on generated traces small enough to be measured in no time.
@Suite(.serialized) struct CostCommandTests {
  let mallometer: CommandLine
  let folder: PrivateFolder

  init() throws {
    mallometer = try CommandLine()
    folder = try PrivateFolder(prefix: "cost-command-test")
    try mallometer.makeTraces(in: folder)
  }

  @Test func calibrateMeasuresClocksAndPrimitives() throws {
    let result = try mallometer(
      "calibrate", "--format", "json", "--quiet", "--notebook", folder.file("n.sqlite"))
    try #require(result.status == 0, "\(result.errors)")
    let document = try result.json()
    for clock in ["coreGHz", "tscGHz"] {
      #expect((document[clock] as? Double ?? 0) > 0.1, "\(clock)")
    }
    for primitive in try result.list("primitives", keys: "name") {
      #expect(try expectEstimate(primitive["ns"], "\(primitive)") >= 0)
    }
    let alone = try result.list("steps", keys: "step")
    for step in alone { #expect(try expectEstimate(step["ns"], "\(step)") >= 0) }
    let others = try result.list("notIsolated", keys: "step reason")
    #expect(!others.isEmpty && alone.count > 3 * others.count)
  }

  @Test func fitReportsCostsBesideTheirValidationAndGoesOnWhereItStopped() throws {
    let arguments = [
      "fit", folder.file("a.mlt"), folder.file("b.mlt"), folder.file("c.mlt"), "--design", "pool",
      "--design", "pool,header=32", "--design", "pool,index=binary-search", "--design",
      "pool,used-counter=atomic", "--repeats", "2", "--budget", "20s", "--notebook",
      folder.file("n.sqlite"),
    ]
    let text = try mallometer.run(mallometer.executable, arguments)
    try #require(text.status == 0, "\(text.errors)")
    #expect(text.output.contains("leave-one-variant-out"))
    let measured = try measurements()
    #expect(measured > 0)
    let json = try mallometer.run(mallometer.executable, arguments + ["--format", "json"])
    try #require(json.status == 0, "\(json.errors)")
    #expect(try measurements() == measured, "the second fit finds everything in the notebook")
    // A fit's session has no A/A pair: whoever forms a gap measures all sides anew, once.
    for _ in 0..<2 {
      let replayed = try mallometer(
        "replay", folder.file("a.mlt"), "--design", "pool", "--design", "pool,header=32",
        "--repeats", "2", "--notebook", folder.file("n.sqlite"))
      #expect(replayed.status == 0, "\(replayed.errors)")
      #expect(try measurements() == measured + 8, "two designs, null and the twin, twice each")
    }
    let document = try json.json()
    expectKeys(
      """
      fit machine windowEvents costs conditionNumber validation coverage otherSessions
      generatedValidation generatedCoverage recordedTraces generatedTraces programs
      """,
      in: document, "fit")
    #expect(document["generatedTraces"] as? Int == 3 && document["recordedTraces"] as? Int == 0)
    #expect((document["generatedValidation"] as? [Any])?.isEmpty == true, "there are no others")
    #expect(text.output.contains("not measured"), "nobody counted instructions")
    let costs = try json.list("costs", keys: "step group ns cycles isolatedNs identifiable")
    for cost in costs where !(cost["ns"] is NSNull) {
      #expect(try expectEstimate(cost["ns"], "\(cost)") >= 0)
    }
    let validation = try json.list(
      "validation",
      keys: """
        scheme runs totalErrorPercent windowErrorPercent constantErrorPercent
        nearestVariantErrorPercent instructionsErrorPercent instructionRuns
        """)
    let schemes = validation.compactMap { $0["scheme"] as? String }
    #expect(schemes.contains("leave-one-trace-out") && schemes.contains("leave-one-variant-out"))
    _ = try json.list("coverage", keys: "scheme level percent runs")
    try predictionsComeFromTheNewestFitThatCovers()
  }

  /// With a fit of `pool` in the notebook.
  private func predictionsComeFromTheNewestFitThatCovers() throws {
    func isPredicted(_ design: String, _ options: String...) throws -> Bool {
      let simulated = try mallometer.run(
        mallometer.executable,
        [
          "simulate", folder.file("a.mlt"), "--design", design, "--format", "json", "--notebook",
          folder.file("n.sqlite"),
        ] + options)
      let run = try #require(try simulated.list("runs").first, "\(simulated.errors)")
      return run["predictedNs"] is [String: Any]
    }
    // A newer fit that nobody can read, as another version may leave it.
    let unreadable = try mallometer.run(
      "/usr/bin/sqlite3",
      [
        folder.file("n.sqlite"),
        """
        INSERT INTO conclusion (kind, subject, machine, seed, content, time)
        SELECT kind, subject, machine, seed, CAST('{}' AS BLOB), time FROM conclusion
        WHERE kind = 'fit' LIMIT 1
        """,
      ])
    try #require(unreadable.status == 0, "\(unreadable.errors)")
    #expect(try isPredicted("pool,header=16"))
    #expect(try !isPredicted("reuse"), "no fit knows its steps")
    #expect(try !isPredicted("pool", "--touch", "none"), "the fit touched memory")
  }

  @Test func tracesOfOneNameStayApart() throws {
    let made = try mallometer.shell(
      """
      mkdir "$1" && "$mallometer" generate random-mixed events=15000 live=400 -o "$1/a.mlt"
      """, folder.file("other"))
    try #require(made.status == 0, "\(made.errors)")
    let fitted = try mallometer(
      "fit", folder.file("a.mlt"), folder.file("other/a.mlt"), folder.file("a.mlt"), "--design",
      "pool", "--design", "pool,header=32", "--design", "pool,index=binary-search", "--repeats",
      "2", "--budget", "20s", "--notebook", folder.file("names.sqlite"))
    #expect(fitted.status == 0, "\(fitted.errors)")
  }

  @Test(arguments: [
    ["--pace", "recorded"], ["--loops", "9000000000000000000"], ["--loops", "0"],
    ["--builds", "0"],
  ])
  func whatNoModelCanFollowIsRefused(options: [String]) throws {
    for command in ["fit", "explain"] {
      let designs =
        command == "fit" ? ["--design", "pool"] : ["--from", "pool", "--to", "pool,header=16"]
      let refused = try mallometer.run(
        mallometer.executable,
        [command, folder.file("a.mlt"), "--notebook", folder.file("n.sqlite")] + designs + options)
      #expect(refused.status == 64 && refused.errors.contains(options[0]), "\(refused.errors)")
    }
  }

  @Test func explainTakesAGapApartWithAFitThatDidNotSeeTheTrace() throws {
    let both = try mallometer.inBothFormats(
      "explain", folder.file("a.mlt"), "--from", "pool,header=32", "--to", "pool", "--training",
      folder.file("b.mlt"), "--training", folder.file("c.mlt"), "--repeats", "3", "--budget", "0s",
      "--notebook", folder.file("n.sqlite"))
    let document = try both.json.json()
    expectKeys(
      "gapNs terms unexplainedNs unexplainedShare noiseFloorNs", in: document, "explain")
    let gap = try expectEstimate(document["gapNs"], "gapNs")
    var explained = try #require(document["unexplainedNs"] as? Double)
    let terms = try both.json.list("terms", keys: "step countDifferencePerEvent ns")
    for term in terms { explained += try expectEstimate(term["ns"], "\(term)") }
    #expect(!terms.isEmpty && both.text.contains("unexplained"))
    #expect(abs(explained - gap) <= 1e-6 + 1e-3 * abs(gap), "the parts add up to the gap")
  }

  @Test func whatIsNotModelledIsMeasuredAndSaidToBeUnexplained() throws {
    let both = try mallometer.inBothFormats(
      "explain", folder.file("a.mlt"), "--from", "glibc", "--to", "pool", "--repeats", "2",
      "--notebook", folder.file("n.sqlite"))
    #expect(both.text.contains("not modelled"))
    #expect(try both.json.list("terms").isEmpty)
    let document = try both.json.json()
    let gap = try expectEstimate(document["gapNs"], "gapNs")
    #expect(document["unexplainedNs"] as? Double == gap)
  }

  private func measurements() throws -> Int {
    let counted = try mallometer.run(
      "/usr/bin/sqlite3", [folder.file("n.sqlite"), "SELECT COUNT(*) FROM measurement"])
    return try #require(Int(counted.output.trimmingCharacters(in: .whitespacesAndNewlines)))
  }
}
