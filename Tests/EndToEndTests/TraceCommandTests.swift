import Foundation
import Platform
import Testing

/// `generate`, `info` and `record`.
@Suite struct TraceCommandTests {
  let mallometer: CommandLine
  let folder: PrivateFolder
  let trace: String

  init() throws {
    mallometer = try CommandLine()
    folder = try PrivateFolder(prefix: "trace-command-test")
    trace = folder.file("mixed.mlt")
    let made = try mallometer("generate", "random-mixed", "events=20000", "live=500", "-o", trace)
    try #require(made.status == 0, "\(made.errors)")
  }

  @Test func generateSaysWhatItWrote() throws {
    let file = folder.file("vm.mlt")
    let made = try mallometer.inBothFormats("generate", "vm", "events=200", "-o", file)
    let document = try made.json.json()
    #expect(document["trace"] as? String == file && document["seed"] as? Int == 1)
    let events = try #require(document["events"] as? Int)
    #expect(events >= 200 && made.text.contains("\(events)"))
  }

  @Test func theSameSeedGivesTheSameTrace() throws {
    let again = folder.file("again.mlt")
    let other = folder.file("other.mlt")
    let recipe = "'random-mixed' events=20000 live=500"
    let made = try mallometer.shell(
      """
      "$mallometer" generate \(recipe) -o "$1" && "$mallometer" generate \(recipe) -o "$2" --seed 2
      """, again, other)
    try #require(made.status == 0, "\(made.errors)")
    let first = try SHA256.hexadecimal(ofFile: trace)
    #expect(try SHA256.hexadecimal(ofFile: again) == first)
    #expect(try SHA256.hexadecimal(ofFile: other) != first)
  }

  @Test func recipesAreListed() throws {
    let list = try mallometer.inBothFormats("generate", "--list")
    let recipes = try list.json.list("recipes", keys: "name doc parameters")
    for recipe in [
      "random-mixed", "vm", "fixed", "producer-consumer", "larson", "local-threads",
      "false-sharing",
    ] {
      #expect(list.text.contains(recipe))
      #expect(recipes.contains { $0["name"] as? String == recipe })
    }
  }

  @Test func infoHasTheSameNumbersInBothFormats() throws {
    let info = try mallometer.inBothFormats("info", trace, "--sites")
    let entry = try #require(
      try info.json.list(
        "traces",
        keys: """
          trace events mallocs callocs reallocs aligned frees threads objects crossThreadFrees
          peakLiveObjects peakLiveBytes sizes lifetimes complete lost sites
          """
      ).first)
    #expect(entry["complete"] as? Bool == true && entry["threads"] as? Int == 1)
    let events = try #require(entry["events"] as? Int)
    let digits = info.text.filter { $0.isNumber || $0.isNewline }
    #expect(digits.contains("\(events)"))
    let counted = ["mallocs", "callocs", "reallocs", "aligned", "frees"].compactMap {
      entry[$0] as? Int
    }
    #expect(counted.count == 5 && counted.reduce(0, +) <= events)
    for bucket in try #require(entry["sizes"] as? [[String: Any]]) {
      expectKeys("upTo count", in: bucket, "sizes")
    }
    for bucket in try #require(entry["lifetimes"] as? [[String: Any]]) {
      expectKeys("upToEvents count", in: bucket, "lifetimes")
    }
    for site in try #require(entry["sites"] as? [[String: Any]]) {
      expectKeys("site symbol events bytes", in: site, "sites")
    }
  }

  @Test func recordPassesOnOutputAndExitAndReports() throws {
    let report = folder.file("report.json")
    let result = try mallometer(
      "record", "-o", folder.path, "--report", report, "--", "/bin/sh", "-c",
      "echo said; echo loudly >&2; exit 3")
    #expect(result.status == 3 && result.output == "said\n")
    #expect(result.errors.contains("loudly"))
    let data = try Data(contentsOf: URL(fileURLWithPath: report))
    let document = try #require(
      try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let process = try #require((document["processes"] as? [[String: Any]])?.first)
    expectKeys(
      "trace pid program events dropped threads bytesPerEvent followed", in: process, "processes")
    #expect(process["dropped"] as? Int == 0)
    let recorded = try #require(process["trace"] as? String)
    let mode = try FileManager.default.attributesOfItem(atPath: recorded)[.posixPermissions]
    #expect(mode as? Int == 0o600)
    let entry = try #require(
      try mallometer("info", recorded, "--format", "json").list("traces").first)
    #expect(entry["events"] as? Int == process["events"] as? Int)
  }

  @Test func recordEndsAsOtherLaunchersDo() throws {
    let text = folder.file("text")
    try "no program".write(toFile: text, atomically: true, encoding: .utf8)
    #expect(try mallometer("record", "-o", folder.path, "--", "/nowhere/program").status == 127)
    #expect(try mallometer("record", "-o", folder.path, "--", text).status == 126)
    let killed = try mallometer(
      "record", "-o", folder.path, "--quiet", "--", "/bin/sh", "-c", "kill -TERM $$")
    #expect(killed.status == 128 + SIGTERM)
    #expect(try mallometer("record", "-o", "\(text)/below", "--", "/bin/true").status == 125)
  }
}
