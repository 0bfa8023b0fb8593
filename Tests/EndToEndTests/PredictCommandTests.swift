import Foundation
import Platform
import Testing

/// `predict` and `search`, on generated traces small enough to be measured in no time.
@Suite(.serialized) struct PredictCommandTests {
  let mallometer: CommandLine
  let folder: PrivateFolder

  init() throws {
    mallometer = try CommandLine()
    folder = try PrivateFolder(prefix: "predict-command-test")
    try mallometer.makeTraces(in: folder)
  }

  private func predict(_ arguments: String...) throws -> (text: String, json: CommandLine.Result) {
    let all =
      [
        "predict", folder.file("a.mlt"), "--design", "pool", "--training", folder.file("b.mlt"),
        "--training", folder.file("c.mlt"), "--budget", "0s", "--notebook",
        folder.file("n.sqlite"),
      ] + arguments
    let text = try mallometer.run(mallometer.executable, all)
    try #require(text.status == 0, "\(text.errors)")
    // The command after -- stays last.
    var json = all
    json.insert(contentsOf: ["--format", "json"], at: 1)
    return (text.output, try mallometer.run(mallometer.executable, json))
  }

  @Test func aPayoffIsPredictedVerifiedAndTakenApart() throws {
    let both = try predict("--with", "header=16", "--verify", "--repeats", "2")
    let one = try #require(
      try both.json.list(
        "predictions",
        keys: """
          trace design with payoffNs payoffPercent programPercent peakMappedBytesChange measuredNs
          inInterval program terms
          """
      ).first)
    let payoff = try expectEstimate(one["payoffNs"], "payoffNs")
    _ = try expectEstimate(one["measuredNs"], "measuredNs")
    #expect(one["inInterval"] is Bool)
    #expect(one["program"] is NSNull && one["programPercent"] is NSNull)
    // Sixteen bytes more for every block.
    #expect((one["peakMappedBytesChange"] as? Int ?? 0) >= 0)
    let terms = try #require(one["terms"] as? [[String: Any]])
    let sum = try terms.reduce(0) { try $0 + expectEstimate($1["ns"], "\($1)") }
    #expect(abs(sum - payoff) < 1e-6 + 1e-6 * abs(payoff), "the terms add up to the payoff")
    #expect(terms.contains { $0["step"] as? String == "header-write" }, "\(terms)")
    #expect(try both.json.json()["noiseFloorNs"] is Double)
    #expect(both.text.contains("header=16") && both.text.contains("noise floor"))
  }

  @Test func severalChangesAreOrderedByWhatEachAdds() throws {
    let both = try predict(
      "--with", "header=16", "--with", "used-counter=atomic", "--with", "direct-index")
    #expect(try both.json.list("predictions").count == 3)
    let order = try #require(try both.json.list("orders", keys: "trace steps impossible").first)
    let steps = try #require(order["steps"] as? [[String: Any]])
    #expect(steps.count == 3)
    var total = 0.0
    for step in steps {
      total += try expectEstimate(step["addsNs"], "\(step)")
    }
    let last = try expectEstimate(try #require(steps.last)["totalNs"], "totalNs")
    #expect(abs(total - last) < 0.05 + 0.05 * abs(last), "what each adds is what all pay")
    #expect(both.text.contains("1. "))
  }

  @Test func aTransformedTraceIsPredictedAndCallSitesAreCosted() throws {
    let both = try predict(
      "--transform", "reuse-buffer(1)", "--by-site", "--verify", "--repeats", "2")
    let one = try #require(try both.json.list("predictions").first)
    #expect(one["with"] as? String == "reuse-buffer(1)")
    #expect(try expectEstimate(one["payoffNs"], "payoffNs") > 0, "calls that are gone cost nothing")
    let sites = try both.json.list("sites", keys: "trace site symbol events ns share")
    let shares = sites.compactMap { $0["share"] as? Double }
    #expect(abs(shares.reduce(0, +) - 1) < 1e-6)
    #expect(both.text.contains("generated/random-mixed") || both.text.contains("random-mixed"))
  }

  @Test func aProgramIsRunUnderBothDesigns() throws {
    let both = try predict(
      "--with", "used-counter=atomic", "--verify-program", "--pairs", "3", "--", "sh", "-c",
      "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); x=$(printf %s $i); done; echo $i")
    let one = try #require(try both.json.list("predictions").first)
    let program = try #require(one["program"] as? [String: Any])
    _ = try expectEstimate(program["measuredPercent"], "measuredPercent")
    #expect(program["pairs"] as? Int == 3)
  }

  @Test func aProgramThatFailsIsSaidToFail() throws {
    let result = try mallometer(
      "predict", folder.file("a.mlt"), "--design", "pool", "--with", "header=16", "--training",
      folder.file("b.mlt"), "--training", folder.file("c.mlt"), "--budget", "0s", "--notebook",
      folder.file("n.sqlite"), "--verify-program", "--pairs", "2", "--", "sh", "-c", "exit 3")
    #expect(result.isBadInput(naming: "exited(status: 3)"), "\(result.status) \(result.errors)")
  }

  @Test(arguments: [
    (["--with", "small-haeder"], 2, "small-haeder"), (["--with", "header=17"], 2, "16"),
    (["--transform", "dorp(1)"], 2, "drop"), (["--transform", "drop(999)"], 2, "999"),
    (["--transform", "drop(1)"], 2, "leaves nothing"),
    ([], 64, "--with"), (["--with", "header=16", "--", "true"], 64, "--verify-program"),
    (["--with", "header=16", "--pace", "recorded"], 64, "--pace"),
  ])
  func whatCannotBePredictedIsRefused(options: [String], status: Int, named: String) throws {
    let result = try mallometer.run(
      mallometer.executable,
      [
        "predict", folder.file("a.mlt"), "--design", "pool", "--training", folder.file("b.mlt"),
        "--training", folder.file("c.mlt"), "--budget", "0s", "--notebook",
        folder.file("n.sqlite"),
      ] + options)
    #expect(Int(result.status) == status && result.errors.contains(named), "\(result.errors)")
  }

  @Test func aSearchEndsWithAFrontMeasuredBesideItsStart() throws {
    let both = try mallometer.inBothFormats(
      "search", folder.file("a.mlt"), "--design", "pool", "--training", folder.file("b.mlt"),
      "--training", folder.file("c.mlt"), "--budget", "12s", "--verify", "2", "--repeats", "2",
      "--notebook", folder.file("n.sqlite"))
    let keys = "design also ns peakMappedBytes measuredNs measuredPayoffNs"
    let front = try both.json.list("front", keys: keys)
    try #require(!front.isEmpty)
    for point in front { try expectEstimate(point["ns"], "\(point)") }
    let document = try both.json.json()
    let start = try #require(document["start"] as? [String: Any])
    #expect(start["design"] as? String == "pool" && start["measuredNs"] is [String: Any])
    #expect(document["noiseFloorNs"] is Double)
    let measured = front.count { $0["measuredNs"] is [String: Any] }
    // The two best, and the start where it is on the front besides.
    #expect(measured >= min(2, front.count) && measured <= 3)
    let names = front.compactMap { $0["design"] as? String }
    let equals = front.flatMap { $0["also"] as? [String] ?? [] }
    #expect(Set(names).isDisjoint(with: equals), "a variant is on one line only")
    #expect(both.text.contains("designs simulated"))
  }

  /// Nothing is known of the errors of predictions that nothing was held out for: ranking variants
  /// by them would be guessing.
  @Test func aSearchWithoutTrainingSaysWhatItNeeds() throws {
    let result = try mallometer(
      "search", folder.file("a.mlt"), "--design", "pool", "--training", folder.file("b.mlt"),
      "--training", folder.file("c.mlt"), "--budget", "0s", "--notebook",
      folder.file("empty.sqlite"))
    #expect(result.status == 2 && result.output.isEmpty, "\(result.output)")
    #expect(result.errors.contains("can't be predicted") && result.errors.contains("--budget"))
  }

  /// Two threads' events are run on one: the user is told.
  @Test func tracesOfSeveralThreadsAreNoted() throws {
    let made = try mallometer(
      "generate", "producer-consumer", "events=20000", "-o", folder.file("threads.mlt"))
    try #require(made.status == 0, "\(made.errors)")
    let result = try mallometer(
      "predict", folder.file("threads.mlt"), "--design", "pool", "--with", "header=16",
      "--training", folder.file("b.mlt"), "--training", folder.file("c.mlt"), "--budget", "0s",
      "--notebook", folder.file("n.sqlite"))
    #expect(result.status == 0 && result.errors.contains("on one thread"), "\(result.errors)")
  }
}
