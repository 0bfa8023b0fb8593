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
    // Two are left to fit on, whichever of the others is asked about.
    let made = try mallometer(
      "generate", "random-mixed", "events=30000", "live=900", "min=64", "-o", folder.file("d.mlt"))
    try #require(made.status == 0, "\(made.errors)")
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
    #expect(one["inInterval"] is Bool && one["inPredictedInterval"] is Bool)
    #expect(one["program"] is NSNull && one["programPercent"] is NSNull)
    #expect((one["programReason"] as? String)?.contains("generated") == true)
    // Sixteen bytes more for every block: more pages of the regions that there are anyway.
    #expect(try #require(one["peakMappedBytesChange"] as? Int) >= 0)
    #expect(try #require(one["peakResidentBytesChange"] as? Int) > 0)
    #expect(one["measuredPeakResidentBytesChange"] is Int)
    let cycles = try expectEstimate(one["payoffCycles"], "payoffCycles")
    #expect(cycles.sign == payoff.sign && abs(cycles) > abs(payoff), "more than 1 GHz")
    let terms = try #require(one["terms"] as? [[String: Any]])
    let sum = try terms.reduce(0) { try $0 + expectEstimate($1["ns"], "\($1)") }
    #expect(abs(sum - payoff) < 1e-6 + 1e-6 * abs(payoff), "the terms add up to the payoff")
    #expect(terms.contains { $0["step"] as? String == "header-write" }, "\(terms)")
    #expect(try both.json.json()["noiseFloorNs"] is Double)
    #expect(both.text.contains("header=16") && both.text.contains("noise floor"))
    let verification = try #require(try both.json.json()["verification"] as? [String: Any])
    #expect(verification["compared"] as? Int == 1)
    #expect(both.text.contains("verified: 1 predictions"))
  }

  /// What a change saves is not counted twice where it is named twice.
  @Test func aChangeThatIsNamedTwiceIsAskedOnce() throws {
    let both = try predict("--with", "header=16", "--with", "header=16", "--each-toggle")
    let named = try both.json.list("predictions").filter { $0["with"] as? String == "header=16" }
    #expect(named.count == 1)
    #expect(try both.json.list("orders").isEmpty, "one change has no order")
  }

  @Test func severalChangesAreOrderedByWhatEachAdds() throws {
    let both = try predict(
      "--with", "header=16", "--with", "used-counter=atomic", "--with", "direct-index")
    let predictions = try both.json.list("predictions")
    #expect(predictions.count == 4)
    // All together is answered as each alone is.
    let together = try #require(predictions.last)
    #expect(
      together["with"] as? String == "header=16 + used-counter=atomic + direct-index")
    #expect((together["terms"] as? [Any])?.isEmpty == false)
    let order = try #require(try both.json.list("orders", keys: "trace steps impossible").first)
    let steps = try #require(order["steps"] as? [[String: Any]])
    #expect(steps.count == 3)
    var total = 0.0
    for step in steps {
      total += try expectEstimate(step["addsNs"], "\(step)")
    }
    let last = try expectEstimate(try #require(steps.last)["totalNs"], "totalNs")
    #expect(abs(total - last) < 0.05 + 0.05 * abs(last), "what each adds is what all pay")
    let all = try expectEstimate(together["payoffNs"], "payoffNs")
    #expect(abs(all - last) < 0.05 + 0.05 * abs(last), "in any order")
    #expect(both.text.contains("1. "))
  }

  @Test func whatContradictsIsNotOrderedTogether() throws {
    let both = try predict(
      "--with", "header=16", "--with", "header=32", "--with", "used-counter=atomic")
    let order = try #require(
      try both.json.list("orders", keys: "trace steps impossible contradictions").first)
    #expect((order["steps"] as? [Any])?.count == 2)
    let pairs = try #require(order["contradictions"] as? [[String: String]])
    #expect(pairs == [["with": "header=16", "besides": "header=32"]])
    #expect((order["impossible"] as? [String])?.count == 1)
    #expect(both.text.contains("impossible together: header=16 and header=32"))
  }

  @Test func severalTracesHaveAnOrderInCommon() throws {
    let both = try predict(
      folder.file("b.mlt"), "--training", folder.file("d.mlt"), "--with", "header=16", "--with",
      "used-counter=atomic")
    let orders = try both.json.list("orders")
    #expect(orders.map { $0["trace"] as? String } == ["a", "b", "all"])
    let steps = try #require(orders.last?["steps"] as? [[String: Any]])
    for step in steps {
      let mean = try expectEstimate(step["addsNs"], "addsNs")
      let least = try #require(step["leastNs"] as? Double)
      let most = try #require(step["mostNs"] as? Double)
      #expect(least <= mean && mean <= most)
    }
    #expect(both.text.contains("over all traces"))
  }

  @Test func aTransformedTraceIsPredictedAndCallSitesAreCosted() throws {
    let both = try predict(
      "--transform", "reuse-buffer(1)", "--by-site", "--verify", "--repeats", "2")
    let one = try #require(try both.json.list("predictions").first)
    #expect(one["with"] as? String == "reuse-buffer(1)")
    // What the calls that are gone cost is measured here and now: only their count is sure.
    #expect(try expectEstimate(one["payoffNs"], "payoffNs").isFinite)
    let terms = try #require(one["terms"] as? [[String: Any]])
    let calls = try #require(
      terms.first { ($0["step"] as? String)?.contains("malloc-call") == true })
    #expect(try #require(calls["countDifferencePerEvent"] as? Double) > 0)
    #expect(one["noiseFloorNs"] is Double, "both were measured by turns, the first one twice")
    let changed = try #require(one["transform"] as? [String: Int])
    #expect(try #require(changed["objects"]) > 0 && changed["sites"] == 1)
    #expect(both.text.contains("objects of 1 call sites"))
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
    // A generated trace is of no program: there is nothing to compare, and that is said.
    let verdict = try #require(try both.json.list("programs").first)
    #expect(verdict["predictedPercent"] is NSNull && verdict["meetsBar"] is NSNull)
    #expect((verdict["reason"] as? String)?.contains("generated") == true)
    #expect(both.text.contains("nothing predicted"))
  }

  /// A shell and what it starts, each with a trace of its own: predicted beside measured.
  @Test func aCommandOfTwoProcessesIsPredictedFromBothTraces() throws {
    let result = try mallometer.shell(
      """
      set -e; cd "$1"
      set -- sh -c 'perl -e "for (1..150000) { push @a, q(x) x (\\$_ % 50) } print scalar @a"; echo .'
      "$mallometer" record -o two --quiet -- "$@" > output
      "$mallometer" predict two/*.mlt --design pool --with header=32,used-counter=atomic \\
        --training b.mlt --training c.mlt --training d.mlt --budget 0s --notebook n.sqlite \\
        --format json --quiet --verify-program --pairs 3 -- "$@"
      """, folder.file("."))
    try #require(result.status == 0, "\(result.errors)")
    let programs = try result.list(
      "programs",
      keys: """
        with predictedPercent reason measuredPercent pairs secondsBefore noiseFloorPercent
        tracedShare scaled errorPoints barPoints inInterval meetsBar pairsToTell
        """)
    let one = try #require(programs.first)
    let predicted = try expectEstimate(one["predictedPercent"], "predictedPercent")
    let measured = try expectEstimate(one["measuredPercent"], "measuredPercent")
    let error = try #require(one["errorPoints"] as? Double)
    #expect(abs(error - (predicted - measured)) < 1e-9)
    let bar = try #require(one["barPoints"] as? Double)
    #expect(abs(bar - max(0.3, 0.25 * abs(measured))) < 1e-9)
    #expect(one["meetsBar"] as? Bool == (abs(error) <= bar))
    #expect(try #require(one["tracedShare"] as? Double) > 0)
    let traces = try result.list("predictions").compactMap { $0["trace"] as? String }
    #expect(traces.count == 2 && traces.contains { $0.hasPrefix("perl") }, "\(traces)")
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
    (["--by-site", "--verify"], 64, "no change to verify"),
    (["--by-site", "--verify-program", "--", "true"], 64, "no change to verify"),
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
