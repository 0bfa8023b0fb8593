import ArgumentParser
import Designs
import Experiments
import Foundation
import NativeDesigns
import Notebook
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
    guard !designs.isEmpty else {
      throw ValidationError("name at least one allocator, as in: --design pool --design glibc")
    }
  }

  /// The last processor this process may use: the first takes most of the system's interrupts.
  static func processor() -> Int? { ProcessorSet.available.last }

  /// Single calls are timed on one thread and without pauses, whatever the replay does.
  private func latencyPlan(_ plan: Plan, of trace: TraceReader) throws -> Plan {
    guard plan.isSequenced else { return plan }
    var options = workload.options
    options.threads = .one
    options.pace = .none
    return try Plan.compile(workload: Workload(trace: trace, options: options))
  }

  func run() async throws {
    let context = common.context
    let installation = try context.installation()
    let catalogue = try context.designCatalogue()
    let compiler = VariantCompiler(installation: installation)
    let contenders = try designs.map {
      try Contender(catalogue.allocator($0), compiler: compiler)
    }
    let player = try Player(installation: installation, cpu: Self.processor())
    let campaign = ReplayCampaign(
      contenders: contenders, nullLibrary: try installation.nullAllocator(), repeats: repeats,
      seed: common.seed)
    let notebook = try context.openNotebook()
    let store = MeasurementStore(
      notebook: notebook, player: player, seed: common.seed, measuresAnew: again)
    let options = try Subject.canonical(workload.options)
    context.progress.begin("replaying", total: traces.count * campaign.schedule.count)
    var runs: [ReplayReport.Run] = []
    var floors: [Double] = []
    for trace in traces {
      let reader = try context.runnableTrace(trace)
      let hash = try SHA256.hexadecimal(ofFile: trace)
      try notebook.saw(
        trace: hash, path: trace, program: reader.header.program, events: reader.eventCount)
      let plan = try Plan.compile(workload: Workload(trace: reader, options: workload.options))
      let latencyPlan = try latency ? self.latencyPlan(plan, of: reader) : plan
      let kept = try store.store(for: campaign, trace: hash, options: options)
      let result = try campaign.run(plan, player: player, store: kept) {
        context.progress.advance(detail: $0)
      }
      if let floor = result.noiseFloorNs { floors.append(floor) }
      for index in contenders.indices {
        var latencies: Latencies?
        if latency {
          latencies = try player.latencies(
            latencyPlan, allocator: contenders[index].name, library: contenders[index].library)
        }
        runs.append(
          ReplayReport.Run(
            trace: trace, name: contenders[index].name, result: result, index: index,
            latency: latencies))
      }
    }
    try context.print(
      ReplayReport(
        noiseFloorNs: floors.max(), dispatchNs: RepeatStatistics.median(runs.map(\.dispatchNs)),
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
        RepeatStatistics.median(measurements.map(value))
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
