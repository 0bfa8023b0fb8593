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
      memory is changed further, one toggle at a time. Variants that count the same steps and map \
      as much are one line. The best few are then measured by turns with the start. Costs come \
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

  @OptionGroup var training: TrainingArguments

  @Option(help: ArgumentHelp("How many of the front are measured.", valueName: "n"))
  var verify = 3

  @Option(help: ArgumentHelp("Replays of each that is measured.", valueName: "n"))
  var repeats = 6

  func validate() throws {
    guard verify >= 0 else { throw ValidationError("--verify must be at least 0") }
    guard repeats >= 2 else { throw ValidationError("--repeats must be at least 2") }
    try workload.refusePace("times are predicted")
  }

  func run() async throws {
    let context = common.context
    let installation = try context.installation()
    let start = try context.designCatalogue().modelledDesign(design)
    let laboratory = try context.laboratory(workload.options, builds: placement.builds)
    let samples = try context.openAsked(traces, by: laboratory)
    let gathered = try training.runs(installation).gather(
      by: laboratory, for: [start], asked: samples)
    var options = FitOptions()
    options.seed = common.seed
    let outcome = try SearchExperiment(
      laboratory: laboratory, training: gathered, fitOptions: options, objective: objective,
      budget: training.budget.seconds, verified: verify, repeats: repeats
    ).run(samples, from: start)
    try context.print(SearchReport(outcome))
  }
}

/// What `search` prints.
struct SearchReport: Report {
  struct Point: Encodable {
    let design: String
    /// Variants that count the same on every trace and map as much.
    let also: [String]
    let ns: Estimate
    let peakMappedBytes: UInt64
    @Nullable var measuredNs: Estimate?
    /// What it was measured to pay over the start.
    @Nullable var measuredPayoffNs: Estimate?

    init(_ candidate: SearchExperiment.Candidate) {
      design = candidate.design.description
      also = candidate.also.map(\.description)
      ns = candidate.ns
      peakMappedBytes = candidate.peakMappedBytes
      measuredNs = candidate.measuredNs
      measuredPayoffNs = candidate.measuredPayoffNs
    }
  }

  /// Fastest first.
  let front: [Point]
  /// Where the search began.
  let start: Point
  let explored: Int
  /// False where time ran out before all promising changes were tried.
  let exhausted: Bool
  @Nullable var noiseFloorNs: Double?

  init(_ outcome: SearchExperiment.Outcome) {
    front = outcome.front.map(Point.init)
    start = Point(outcome.start)
    explored = outcome.explored
    exhausted = outcome.isExhausted
    noiseFloorNs = outcome.noiseFloorNs
  }

  /// Equal variants named in the text; JSON has all of them.
  private static let equalsShown = 3

  var text: String {
    var table = Table(
      ["design", "ns/event", "peak mapped", "measured ns", "measured to pay ns"],
      align: [.left, .right, .right, .right, .right])
    func add(_ point: Point, _ name: String) {
      table.add(
        name, Text.estimate(point.ns), Text.bytes(point.peakMappedBytes),
        Text.estimate(point.measuredNs), Text.estimate(point.measuredPayoffNs))
    }
    for point in front { add(point, point.design) }
    if !front.contains(where: { $0.design == start.design }) {
      add(start, "\(start.design) (the start)")
    }
    var lines = [table.text]
    for point in front where !point.also.isEmpty {
      let rest = point.also.count - Self.equalsShown
      lines.append(
        "as \(point.design) also: \(point.also.prefix(Self.equalsShown).joined(separator: "; "))"
          + (rest > 0 ? "; and \(rest) more" : "") + "\n")
    }
    if let noiseFloorNs { lines.append("noise floor \(Text.number(noiseFloorNs)) ns\n") }
    let end = exhausted ? "nothing promising was left" : "the budget ended the search"
    lines.append("\(explored) designs simulated; \(end).\n")
    return lines.joined(separator: "\n")
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
