import ArgumentParser
import Costs
import Designs
import Experiments
import Platform
import Reports

extension SearchExperiment.Objective: ExpressibleByArgument {}

struct SearchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Find the variants of a design that take least time or memory on traces.",
    discussion: """
      Explores toggles by the model, from the design on: what is on the front of time against \
      memory is changed further, one toggle at a time. The best few are then measured. Costs come \
      from the bundled traces other than those searched on, with measurements within --budget \
      where the notebook lacks something; the search itself takes --budget again.

      Example:
        mallometer search traces/jq.mlt --design pool --objective both --budget 2m
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var workload: WorkloadArguments
  @OptionGroup var placement: PlacementOptions

  @Argument(help: "The traces.", completion: .file(extensions: ["mlt"]))
  var traces: [String]

  @Option(help: ArgumentHelp("The family, or a design of it to start from.", valueName: "design"))
  var design: String

  @Option(help: "What is to be small.")
  var objective: SearchExperiment.Objective = .both

  @Option(help: ArgumentHelp("A trace to fit on; repeat for several.", valueName: "trace"))
  var training: [String] = []

  @Option(help: ArgumentHelp("Time for measuring, and for searching.", valueName: "time"))
  var budget = TimeBudget(seconds: 60)

  @Option(help: ArgumentHelp("How many of the front are measured.", valueName: "n"))
  var verify = 3

  @Option(help: ArgumentHelp("Replays of each that is measured.", valueName: "n"))
  var repeats = 6

  func validate() throws {
    guard verify >= 0 else { throw ValidationError("--verify must be at least 0") }
    guard repeats >= 2 else { throw ValidationError("--repeats must be at least 2") }
    guard workload.threads != .recorded else {
      throw ValidationError("times are predicted on one thread: leave --threads out")
    }
    guard workload.pace == .none else {
      throw ValidationError("no model knows of time that passes between calls: leave --pace out")
    }
  }

  func run() async throws {
    let context = common.context
    let installation = try context.installation()
    let start = try DesignCatalogue(models: installation.models).modelledDesign(design)
    let laboratory = try context.laboratory(workload.options, builds: placement.builds)
    let samples = try traces.map { try laboratory.open($0) }
    let paths = training.isEmpty ? try BundledTraces.paths(installation) : training
    let runs = try FitExperiment(
      laboratory: laboratory,
      designs: FitExperiment.usualDesigns.filter { $0.family == start.family },
      budget: budget.seconds
    ).gather(try paths.map { try laboratory.open($0) }).runs
    var options = FitOptions()
    options.seed = common.seed
    let outcome = try SearchExperiment(
      laboratory: laboratory, runs: runs, fitOptions: options, objective: objective,
      budget: budget.seconds, verified: verify, repeats: repeats
    ).run(samples, from: start)
    try context.print(SearchReport(outcome))
  }
}

/// What `search` prints.
struct SearchReport: Report {
  struct Point: Encodable {
    let design: String
    let ns: Estimate
    let peakMappedBytes: UInt64
    @Nullable var measuredNs: Estimate?
  }

  /// Fastest first.
  let front: [Point]
  let explored: Int
  /// False where time ran out before all promising changes were tried.
  let exhausted: Bool

  init(_ outcome: SearchExperiment.Outcome) {
    front = outcome.front.map {
      Point(
        design: $0.design.description, ns: $0.ns, peakMappedBytes: $0.peakMappedBytes,
        measuredNs: $0.measuredNs)
    }
    explored = outcome.explored
    exhausted = outcome.isExhausted
  }

  var text: String {
    var table = Table(["design", "ns/event", "peak mapped", "measured ns"])
    for point in front {
      table.add(
        point.design, Text.estimate(point.ns), Text.bytes(point.peakMappedBytes),
        Text.estimate(point.measuredNs))
    }
    let end = exhausted ? "nothing promising was left" : "the budget ended the search"
    return "\(table.text)\n\(explored) designs simulated; \(end).\n"
  }
}

extension DesignCatalogue {
  /// An own design that is modelled to the last address.
  func modelledDesign(_ text: String) throws(DesignError) -> Design {
    let design = try ownDesign(text)
    guard design.isWhollyModelled else { throw .notModelled(text, at: .option(text)) }
    return design
  }
}
