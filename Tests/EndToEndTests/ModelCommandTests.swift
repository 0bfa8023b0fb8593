import Foundation
import Platform
import Testing

/// `designs`, `simulate` and `check`.
@Suite struct ModelCommandTests {
  let mallometer: CommandLine
  let folder: PrivateFolder
  let trace: String

  init() throws {
    mallometer = try CommandLine()
    folder = try PrivateFolder(prefix: "model-command-test")
    trace = folder.file("mixed.mlt")
    let made = try mallometer("generate", "random-mixed", "events=20000", "live=500", "-o", trace)
    try #require(made.status == 0, "\(made.errors)")
  }

  @Test func designsListsFamiliesWithTheirToggles() throws {
    let all = try mallometer.inBothFormats("designs")
    let designs = try all.json.list(
      "designs", keys: "name family toggles points optimisations native source")
    for family in ["pool", "reuse"] {
      #expect(all.text.contains("\(family): "))
      let design = try #require(designs.first { $0["name"] as? String == family })
      let toggles = try #require(design["toggles"] as? [[String: Any]])
      for toggle in toggles {
        expectKeys("name values default doc requires", in: toggle, "toggles")
        let values = try #require(toggle["values"] as? [String])
        #expect(values.contains(try #require(toggle["default"] as? String)))
      }
      #expect(toggles.contains { $0["name"] as? String == "header" })
    }
    let one = try mallometer.inBothFormats("designs", "reuse")
    #expect(one.text.contains("policy") && !one.text.contains("binary-search"))
    #expect(try one.json.list("designs").count == 1)
  }

  /// What takes most of a short program's time is counted by the kernel as well.
  @Test(arguments: ["pool", "reuse", "reuse,header=16", "locked"])
  func aModelFaultsAsOftenAsTheKernel(design: String) throws {
    let simulated = try mallometer("simulate", trace, "--design", design, "--format", "json")
    let modelled = try #require(try simulated.list("runs").first?["pageFaults"] as? Int)
    let replayed = try mallometer(
      "replay", trace, "--design", design, "--repeats", "1", "--notebook",
      folder.file("faults.sqlite"), "--format", "json")
    try #require(replayed.status == 0, "\(replayed.errors)")
    let native = try #require(try replayed.list("runs").first?["pageFaults"] as? Int)
    // Besides those of its blocks a replay takes a few of its own.
    #expect((native - modelled).magnitude <= 20 + UInt(modelled) / 30)
  }

  @Test(arguments: ["pool", "reuse", "reuse,policy=frozen,header=16", "tiered"])
  func simulationsRepeatThemselves(design: String) throws {
    let both = try mallometer.inBothFormats("simulate", trace, "--design", design)
    let first = try #require(
      try both.json.list(
        "runs",
        keys: """
          trace design events eventsPerSecond steps pageFaults peakMappedBytes peakLiveBytes
          metrics predictedNs
          """
      ).first)
    let steps = try #require(first["steps"] as? [String: Int])
    #expect((steps["malloc-call"] ?? 0) > 0 && (steps["free-call"] ?? 0) > 0)
    for step in steps.keys { #expect(both.text.contains(step)) }
    let metrics = try #require(first["metrics"] as? [String: Double])
    #expect(metrics["utilisation"] != nil && metrics["fragmentation"] != nil)
    #expect((metrics["internalFragmentation"] != nil) == (design == "tiered"))
    for (metric, value) in metrics {
      #expect((0...1).contains(value) && both.text.contains(metric))
    }
    let again = try mallometer("simulate", trace, "--design", design, "--format", "json")
    #expect(try again.list("runs").first?["steps"] as? [String: Int] == steps)
  }

  @Test func theGeometryIsStated() throws {
    let levels = [
      "levelOne", "levelTwo", "levelThree", "translation", "translationSecond",
    ]
    for name in ["machine", "reference"] {
      let both = try mallometer.inBothFormats(
        "simulate", trace, "--design", "pool", "--geometry", name)
      let geometry = try #require(try both.json.json()["geometry"] as? [String: [String: Int]])
      #expect(Set(geometry.keys) == Set(levels))
      #expect(geometry.values.allSatisfy { ($0["sets"] ?? 0) > 0 && ($0["ways"] ?? 0) > 0 })
      #expect(both.text.contains("Caches of "))
    }
  }

  @Test func aToggleSetInVainIsRefusedWithTheReason() throws {
    let result = try mallometer("simulate", trace, "--design", "reuse,threshold=8MiB")
    #expect(
      result.isBadInput(
        naming: "threshold=8MiB", "policy=learn", "finds the threshold itself",
        "set policy=frozen or policy=off"))
  }

  @Test func withoutMemoryNoMachineStepIsCounted() throws {
    let result = try mallometer(
      "simulate", trace, "--design", "pool", "--memory", "off", "--format", "json")
    #expect(try result.json()["geometry"] is NSNull)
    let run = try #require(try result.list("runs").first)
    let steps = try #require(run["steps"] as? [String: Int])
    #expect(steps["malloc-call"] != nil && !steps.keys.contains { $0.contains("miss") })
  }

  /// Heaps of threads that share nothing hardly meet, whatever the timing.
  @Test func threadsBesideEachOtherAreCompared() throws {
    let threaded = folder.file("threads.mlt")
    let made = try mallometer(
      "generate", "local-threads", "threads=2", "events=40000", "-o", threaded)
    try #require(made.status == 0, "\(made.errors)")
    let both = try mallometer.inBothFormats("check", threaded, "--design", "pool", "--concurrent")
    #expect(both.text.contains("transfers"))
    let compared = try #require(try both.json.json()["concurrent"] as? [String: Any])
    let run = try #require((compared["runs"] as? [[String: Any]])?.first)
    expectKeys(
      "trace design calls predictedTransfers countedTransfers predictedWaits countedWaits "
        + "errorPercent isPredicted", in: run, "concurrent")
    #expect(run["calls"] as? Int == 40_000 && run["isPredicted"] as? Bool == true)
  }

  @Test(arguments: ["pool", "reuse", "tiered", "locked"]) func modelsAreExactOnAGeneratedTrace(
    design: String
  ) throws {
    let both = try mallometer.inBothFormats("check", trace, "--design", design)
    #expect(both.text.contains(design))
    let run = try #require(
      try both.json.list("runs", keys: "trace design windows differing first").first)
    #expect(run["differing"] as? Int == 0 && run["first"] is NSNull)
    #expect((run["windows"] as? Int ?? 0) >= 20)
  }

  @Test func instructionsAreExplainedBySteps() throws {
    let both = try mallometer.inBothFormats(
      "check", trace, "--design", "pool", "--instructions", "--first", "10000")
    let found = try #require(both.json.json()["instructions"] as? [String: Any])
    let schemes = try #require(found["schemes"] as? [[String: Any]])
    #expect(schemes.compactMap { $0["scheme"] as? String }.contains("leave-one-variant-out"))
    for scheme in schemes {
      expectKeys("scheme runs errorPercent worst", in: scheme, "schemes")
      #expect(try #require(scheme["runs"] as? Int) >= 10)
    }
    let seen = try #require(schemes.last?["errorPercent"] as? Double)
    #expect(seen < 5, "steps explain what instructions were counted")
    let runs = try #require(found["runs"] as? [[String: Any]])
    #expect(runs.allSatisfy { ($0["instructions"] as? Int ?? 0) > 1000 })
    #expect(both.text.contains("leave-one-variant-out"))
  }

  @Test(arguments: ["simulate", "check", "replay", "fit"]) func unknownNamesAreRefusedWithTheKnown(
    command: String
  ) throws {
    func design(_ text: String) throws -> CommandLine.Result {
      try mallometer(
        command, trace, "--design", text, "--notebook", folder.file("n.sqlite"))
    }
    #expect(try design("pol").isBadInput(naming: "pol", "pool"))
    #expect(try design("pool,heder=16").isBadInput(naming: "heder", "header"))
    #expect(try design("pool,header=17").isBadInput(naming: "17", "16", "32"))
    #expect(try design("pool,header").isBadInput(naming: "header"))
    let file = folder.file("mine.yaml")
    try "name: mine\nfamily: pool\ncolour: blue\n".write(
      toFile: file, atomically: true, encoding: .utf8)
    #expect(try design(file).isBadInput(naming: "\(file):3", "colour"))
  }
}
