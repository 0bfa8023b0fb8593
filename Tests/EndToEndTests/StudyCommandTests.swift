import Foundation
import Platform
import Testing

/// `study score-caching`, on populations small enough to be measured in no time.
@Suite(.serialized) struct StudyCommandTests {
  let mallometer: CommandLine
  let folder: PrivateFolder

  init() throws {
    mallometer = try CommandLine()
    folder = try PrivateFolder(prefix: "study-command-test")
  }

  private var notebook: String { folder.file("n.sqlite") }

  private func processesKept() throws -> Int {
    let counted = try mallometer.run(
      "/usr/bin/sqlite3", [notebook, "SELECT COUNT(*) FROM measurement"])
    return try #require(Int(counted.output.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  @Test func predictedStandsBesideMeasuredAndNothingIsMeasuredTwice() throws {
    let arguments = [
      "study", "score-caching", "--populations", "300,10,100,40", "--repeats", "2", "--notebook",
      notebook,
    ]
    let text = try mallometer.run(mallometer.executable, arguments)
    try #require(text.status == 0, "\(text.errors)")
    #expect(text.output.contains("predicted %") && text.output.contains("an atomic load"))
    let kept = try processesKept()
    #expect(kept == 4 * 13 * 2, "twelve kernels and the twin")
    let json = try mallometer.run(
      mallometer.executable, arguments + ["--format", "json", "--quiet"])
    try #require(json.status == 0 && json.errors.isEmpty, "\(json.errors)")
    #expect(try processesKept() == kept)
    let rows = try json.list(
      "rows",
      keys: """
        population predictedChangePercent measuredChangePercent inInterval inPredictedInterval
        noiseFloorPercent loads caching overheadNs allocationNs terms
        """)
    #expect(rows.compactMap { $0["population"] as? Int } == [10, 40, 100, 300])
    for row in rows {
      try expectEstimate(row["predictedChangePercent"], "predicted")
      #expect(try expectEstimate(row["measuredChangePercent"], "measured") > -100)
      let caching = try #require(row["caching"] as? [String: Any])
      #expect(try expectEstimate(caching["ns"], "caching") > 0)
      let steps = try #require(caching["steps"] as? [String: Double])
      #expect(steps["allocations"] == 2 && steps["frees"] == 2)
      #expect(steps["referenceIncrements"] == (row["population"] as? Int).map(Double.init))
    }
    for cost in try json.list("costs", keys: "step ns cycles") {
      #expect(try expectEstimate(cost["ns"], "\(cost)") >= 0)
    }
    #expect(try json.list("claims", keys: "what claimed here").count > 10)
    _ = try json.list("measuredFlips")
    _ = try json.list("predictedFlips")
  }

  @Test func anyAllocatorCanBeBeneath() throws {
    let studied = try mallometer(
      "study", "score-caching", "--populations", "10,20", "--repeats", "1", "--design", "pool",
      "--format", "json", "--quiet", "--notebook", notebook)
    try #require(studied.status == 0, "\(studied.errors)")
    let kept = try processesKept()
    let again = try mallometer(
      "study", "score-caching", "--populations", "10,20", "--repeats", "1", "--design", "pool",
      "--again", "--quiet", "--notebook", notebook)
    #expect(try again.status == 0 && processesKept() == 2 * kept, "\(again.errors)")
    let row = try #require(try studied.list("rows").first)
    #expect(row["inInterval"] is NSNull, "two populations set no bounds")
    #expect((try studied.json()["design"] as? String)?.hasPrefix("pool") == true)
    #expect(try studied.list("claims").isEmpty, "nothing to put beside them without 100 objects")
  }

  @Test(arguments: [
    ["--populations", "1"], ["--populations", "10,"], ["--populations", "ten"],
    ["--populations", "1000001"], ["--repeats", "0"],
  ])
  func whatMakesNoSenseIsWrongUsage(options: [String]) throws {
    let refused = try mallometer.run(
      mallometer.executable, ["study", "score-caching", "--notebook", notebook] + options)
    #expect(refused.status == 64 && refused.output.isEmpty)
    #expect(refused.errors.contains(options[0]), "\(refused.errors)")
  }

  @Test func anUnknownDesignIsBadInput() throws {
    let refused = try mallometer(
      "study", "score-caching", "--design", "pol", "--notebook", notebook)
    #expect(refused.isBadInput(naming: "pol", "pool"))
  }
}
