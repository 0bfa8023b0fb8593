import ArgumentParser
import Designs
import Experiments
import Models
import Platform
import Reports
import Traces

/// Whether machine steps are simulated.
enum MemoryOption: String, ExpressibleByArgument, CaseIterable { case on, off }

/// Whose caches are simulated.
enum GeometryOption: String, ExpressibleByArgument, CaseIterable {
  case machine, reference

  var geometry: MachineGeometry {
    switch self {
    case .machine: .current()
    case .reference: .reference
    }
  }
}

struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Run the models of designs over traces and count their steps.",
    discussion: """
      Caches are this machine's, as fit takes them; --geometry reference takes the same \
      ones on every machine, for counts that can be compared between machines. Times are \
      predicted for this machine's only.

      Example:
        mallometer simulate traces/cc1.mlt --design pool --design reuse,policy=frozen
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var arguments: DesignArguments
  @OptionGroup var workload: WorkloadArguments

  @Option(help: "Model caches, address translation and page faults as well.")
  var memory: MemoryOption = .on

  @Option(help: "Whose caches are modelled.")
  var geometry: GeometryOption = .machine

  func run() async throws {
    let context = common.context
    let designs = try arguments.ownDesigns(context.designCatalogue())
    let machine: MachineGeometry? = memory == .on ? geometry.geometry : nil
    // A fit knows what this machine's steps cost, and no other's.
    let predictor = try PredictedTime(
      notebook: machine == .current() ? context.existingNotebook() : nil,
      options: workload.options)
    var runs: [SimulateReport.Run] = []
    for path in arguments.traces {
      let trace = try context.runnableTrace(path)
      let source = Workload(trace: trace, options: workload.options)
      context.progress.begin("simulating \(path)", total: source.windowCount * designs.count)
      for design in designs {
        let result = try Simulation(design: design, machine: machine).run(source) { _ in
          context.progress.advance(detail: design.description)
        }
        runs.append(
          SimulateReport.Run(
            trace: path, result: result, predictedNs: predictor.estimate(result)))
      }
    }
    let warnings = predictor.warnings(designs)
    for warning in warnings { context.progress.note(warning) }
    try context.print(SimulateReport(geometry: machine, runs: runs, warnings: warnings))
  }
}

/// What `simulate` prints.
struct SimulateReport: Report {
  /// The machine whose steps were counted; null where none were.
  @Nullable var geometry: MachineGeometry?
  let runs: [Run]
  /// Why predictions are missing or may be off.
  let warnings: [String]

  struct Run: Encodable {
    let trace: String
    let design: String
    let events: UInt64
    let eventsPerSecond: Double
    let steps: [String: UInt64]
    let pageFaults: UInt64
    let peakMappedBytes: UInt64
    /// Touched and not given back; 0 with --memory off.
    let peakResidentBytes: UInt64
    let peakLiveBytes: UInt64
    /// Ratios from 0 to 1 by name.
    let metrics: [String: Double]
    @Nullable var predictedNs: Estimate?

    init(trace: String, result: SimulationResult, predictedNs: Estimate?) {
      self.trace = trace
      design = result.design.description
      events = result.operations
      eventsPerSecond = result.operationsPerSecond
      var steps: [String: UInt64] = [:]
      for step in Step.allCases where result[step] > 0 { steps[step.name] = result[step] }
      self.steps = steps
      pageFaults = result.pageFaults
      peakMappedBytes = result.peakMappedBytes
      peakResidentBytes = result.peakResidentBytes
      peakLiveBytes = result.peakLiveBytes
      metrics = result.metrics
      self.predictedNs = predictedNs
    }
  }

  var text: String {
    var traces: [String] = []
    for run in runs where !traces.contains(run.trace) { traces.append(run.trace) }
    return traces.map { trace in Self.text(trace, runs.filter { $0.trace == trace }) }
      .joined(separator: "\n") + machineText
  }

  private var machineText: String {
    guard let geometry else { return "" }
    let caches = [geometry.levelOne, geometry.levelTwo, geometry.levelThree]
      .map { Text.bytes(UInt64($0.capacity) * 64) }.joined(separator: ", ")
    return "\nCaches of \(caches), \(geometry.translation.capacity) and "
      + "\(geometry.translationSecond.capacity) translations.\n"
  }

  private static func text(_ trace: String, _ runs: [Run]) -> String {
    var table = Table(["per event"] + runs.map(\.design))
    for step in Step.allCases where runs.contains(where: { $0.steps[step.name] != nil }) {
      var cells = [step.name]
      for run in runs {
        let count = run.steps[step.name].map { Double($0) / Double(max(run.events, 1)) }
        cells.append(count.map { Text.number($0) } ?? "")
      }
      table.add(cells)
    }
    table.add(["peak mapped"] + runs.map { Text.bytes($0.peakMappedBytes) })
    if runs.contains(where: { $0.peakResidentBytes > 0 }) {
      table.add(["peak resident"] + runs.map { Text.bytes($0.peakResidentBytes) })
    }
    table.add(["peak live"] + runs.map { Text.bytes($0.peakLiveBytes) })
    for metric in Set(runs.flatMap { $0.metrics.keys }).sorted() {
      table.add([metric] + runs.map { $0.metrics[metric].map { Text.number($0) } ?? "" })
    }
    table.add(["predicted ns"] + runs.map { Text.estimate($0.predictedNs) })
    table.add(["simulated per second"] + runs.map { Text.number($0.eventsPerSecond) })
    return "\(trace), \(Text.count(runs[0].events)) events\n\n\(table.text)"
  }
}
