import ArgumentParser
import Designs
import Experiments
import Platform
import Replay
import Reports
import Traces

struct ReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Measure allocators on traces, alternating, each repeat a fresh process.",
    discussion: """
      ns is what an event costs in the allocator: the replay's time less that of the same replay \
      over an allocator that does nothing. The noise floor is how far two replays of the same \
      allocator differ; no difference below it means anything.

      With --threads recorded, ns is the sum over all threads, and an object's calls keep their \
      order; with --pace recorded the pauses between calls are kept. Waiting for either is \
      reported apart (waitNs) and never charged to an allocator. --latency times calls on one \
      thread in any case.

      Example:
        mallometer replay traces/cc1.mlt --design pool --design glibc --design mimalloc
      """)

  @Argument(help: "Traces to replay.")
  var traces: [String]

  @Option(
    name: .customLong("design"),
    help: "An allocator: NAME[,toggle=value…], a YAML file, glibc, or preload:FILE.so.")
  var designs: [String] = []

  @Option(help: "Replays of every allocator, each in a fresh process.")
  var repeats = 10

  @Option(
    help: ArgumentHelp(
      "Builds of each own design with its code placed differently; repeats take turns.",
      discussion: "One is the library as it is compiled; fit takes 3, and shares what it measures.",
      valueName: "n"))
  var builds = 1

  @Flag(help: "Time every call on its own too, for percentiles by kind of call.")
  var latency = false

  @Flag(help: "Measure again what the notebook has already.")
  var again = false

  @OptionGroup var workload: WorkloadArguments
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard repeats >= 1 else {
      throw ValidationError("--repeats must be at least 1, not \(repeats)")
    }
    try PlacementOptions.check(builds)
    guard !designs.isEmpty else {
      throw ValidationError("name at least one allocator, as in: --design pool --design glibc")
    }
  }

  func run() async throws {
    let context = common.context
    let catalogue = try context.designCatalogue()
    let allocators = try designs.map { try catalogue.allocator($0) }
    let laboratory = try context.laboratory(
      workload.options, builds: builds, measuresAnew: again)
    let samples = try traces.map { try laboratory.open($0) }
    try laboratory.announce(
      "replaying", allocators, repeats: repeats, twin: true, traces: samples.count)
    var runs: [ReplayReport.Run] = []
    var floors: [Double] = []
    for sample in samples {
      let result = try laboratory.measure(sample, allocators, repeats: repeats, twin: true).result
      if let floor = result.noiseFloorNs { floors.append(floor) }
      let latencies = try latency ? laboratory.latencies(sample, allocators) : nil
      for (index, allocator) in allocators.enumerated() {
        runs.append(
          ReplayReport.Run(
            trace: sample.path, name: allocator.description, result: result, index: index,
            latency: latencies?[index]))
      }
    }
    try context.print(
      ReplayReport(
        noiseFloorNs: floors.max(), dispatchNs: runs.map(\.dispatchNs).median(),
        seed: common.seed, runs: runs))
  }
}

/// What `replay` prints.
struct ReplayReport: Report {
  /// The largest of all traces; null with a single repeat.
  @Nullable var noiseFloorNs: Double?
  /// The median over traces of what an event costs besides the allocator.
  let dispatchNs: Double
  let seed: UInt64
  let runs: [Run]

  struct Run: Encodable {
    let trace: String
    let design: String
    let repeats: Int
    let ns: Estimate
    let rawNs: Double
    let waitNs: Double
    let dispatchNs: Double
    let modes: [RepeatStatistics.Mode]
    let pageFaults: UInt64
    let peakResidentBytes: UInt64
    let coreGHz: Double
    @Nullable var latency: Latencies?

    init(trace: String, name: String, result: CampaignResult, index: Int, latency: Latencies?) {
      let measurements = result.contenders[index]
      func median(_ value: (ReplayMeasurement) -> Double) -> Double {
        measurements.map(value).median()
      }
      self.trace = trace
      design = name
      repeats = measurements.count
      ns = result.ns(index)
      rawNs = result.rawNs(index).value
      waitNs = result.waitNs(index)
      dispatchNs = result.dispatchNs
      modes = result.modes(index)
      pageFaults = UInt64(median { Double($0.pageFaults) })
      peakResidentBytes = UInt64(median { Double($0.peakResidentBytes) })
      coreGHz = median { $0.coreGHz }
      self.latency = latency
    }
  }

  var text: String {
    var text = ""
    var seen: Set<String> = []
    for trace in runs.map(\.trace) where seen.insert(trace).inserted {
      let ranked = runs.filter { $0.trace == trace }.sorted { $0.ns.value < $1.ns.value }
      var table = Table(
        ["rank", "design", "ns/event", "modes", "page faults", "peak resident"],
        align: [.right, .left, .right, .right, .right, .right])
      for (rank, run) in ranked.enumerated() {
        table.add(
          "\(rank + 1)", run.design, Text.estimate(run.ns), Self.modes(run.modes),
          Text.count(run.pageFaults), Text.bytes(run.peakResidentBytes))
      }
      text += "\(trace)\n\(table.text)\n" + Self.latencies(ranked)
    }
    let floor = noiseFloorNs.map { "\(Text.nanoseconds($0)) ns" } ?? "unknown (one repeat)"
    return text
      + "noise floor \(floor), dispatch \(Text.nanoseconds(dispatchNs)) ns/event (taken off), "
      + "seed \(seed)\n"
  }

  private static func modes(_ modes: [RepeatStatistics.Mode]) -> String {
    guard modes.count > 1 else { return "one" }
    return modes.map { "\(Text.nanoseconds($0.ns)) (\(Text.share($0.share)))" }
      .joined(separator: ", ")
  }

  private static func latencies(_ runs: [Run]) -> String {
    var table = Table(
      ["design", "call", "p50", "p90", "p99", "p99.9", "p99.99", "max ns"],
      align: [.left, .left, .right, .right, .right, .right, .right, .right])
    for run in runs {
      for (kind, one) in (run.latency ?? [:]).sorted(by: { $0.key < $1.key }) {
        table.add(
          [run.design, kind]
            + [one.p50, one.p90, one.p99, one.p999, one.p9999, one.max].map(Text.nanoseconds))
      }
    }
    return table.isEmpty ? "" : table.text + "\n"
  }
}
