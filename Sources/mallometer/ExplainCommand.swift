import ArgumentParser
import Costs
import Designs
import Experiments
import Platform
import Reports
import Traces

struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Take the gap of two allocators on a trace apart into what its steps cost.",
    discussion: """
      The costs come from a fit that did not see the trace: on the bundled traces other than it,
      with what the notebook has and, where it lacks something, measurements within --budget.
      For allocators that aren't modelled the gap is measured and reported whole.

      Example:
        mallometer explain traces/cc1.mlt --from reuse --to pool
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var workload: WorkloadArguments

  @Argument(help: "The trace.", completion: .file(extensions: ["mlt"]))
  var trace: String

  @Option(help: ArgumentHelp("The allocator that the gap starts from.", valueName: "design"))
  var from: String

  @Option(help: ArgumentHelp("The allocator that is subtracted.", valueName: "design"))
  var to: String

  @OptionGroup var training: TrainingArguments

  @Option(help: ArgumentHelp("Replays of each of the two allocators.", valueName: "n"))
  var repeats = 12

  @OptionGroup var placement: PlacementOptions

  func validate() throws {
    guard repeats >= 2 else { throw ValidationError("--repeats must be at least 2") }
    try workload.refusePace("gaps are explained")
  }

  func run() async throws {
    let context = common.context
    let installation = try context.installation()
    let laboratory = try context.laboratory(workload.options, builds: placement.builds)
    let catalogue = try context.designCatalogue()
    let first = try catalogue.allocator(from, at: .option(from, of: "--from"))
    let second = try catalogue.allocator(to, at: .option(to, of: "--to"))
    let sample = try laboratory.open(trace)
    var gathered: FitExperiment.Gathered?
    if case .own(let one) = first, case .own(let other) = second, one.isWhollyModelled,
      other.isWhollyModelled
    {
      gathered = try training.runs(installation).gather(
        by: laboratory, for: [one, other], asked: [sample])
    }
    var options = FitOptions()
    options.seed = common.seed
    let outcome = try ExplainExperiment(
      laboratory: laboratory, repeats: repeats, fitOptions: options
    ).run(sample, from: first, to: second, training: gathered)
    try context.print(
      ExplainReport(trace: sample.name, from: "\(first)", to: "\(second)", outcome: outcome))
  }
}

/// What `explain` prints.
struct ExplainReport: Report {
  struct Phase: Encodable {
    let gapNs: Double
    let explainedNs: Double
    /// Half of the measured gap's 95 % interval.
    @Nullable var noiseNs: Double?
  }

  let trace: String
  let from: String
  let to: String
  let gapNs: Estimate
  let terms: [Explanation.Term]
  let unexplainedNs: Double
  /// The same with its interval: the gap's own and that of what is explained together.
  let unexplainedRangeNs: Estimate
  @Nullable var unexplainedShare: Double?
  let noiseFloorNs: Double
  /// False where one of the two allocators has no model.
  let modelled: Bool
  let phases: [Phase]

  init(trace: String, from: String, to: String, outcome: ExplainExperiment.Outcome) {
    self.trace = trace
    self.from = from
    self.to = to
    gapNs = outcome.gapNs
    terms = outcome.explanation?.terms ?? []
    unexplainedNs = outcome.explanation?.unexplainedNs ?? outcome.gapNs.value
    unexplainedRangeNs = outcome.explanation?.unexplainedRangeNs ?? outcome.gapNs
    unexplainedShare = outcome.explanation.map { $0.unexplainedShare } ?? 1
    noiseFloorNs = outcome.noiseFloorNs
    modelled = outcome.explanation != nil
    phases = outcome.phases.map {
      Phase(gapNs: $0.gapNs, explainedNs: $0.explainedNs, noiseNs: $0.noiseNs)
    }
  }

  var text: String {
    var lines = [
      "\(from) − \(to) on \(trace): \(Text.estimate(gapNs)) ns per event, "
        + "noise floor \(Text.number(noiseFloorNs)) ns", "",
    ]
    guard modelled else {
      lines.append("One of the two is not modelled yet: the gap is measured, not taken apart.")
      return lines.joined(separator: "\n") + "\n"
    }
    var table = Table(["step", "more per event", "ns per event", "remark"])
    for term in terms {
      table.add([
        term.step, Text.number(term.countDifferencePerEvent), Text.estimate(term.ns),
        term.remark ?? (term.identifiable ? "" : "can't be told from others"),
      ])
    }
    table.add([
      "unexplained", "", Text.estimate(unexplainedRangeNs),
      unexplainedShare.map { "\(Text.number(100 * $0)) % of the gap" } ?? "no gap over the noise",
    ])
    lines.append(table.text)
    if !phases.isEmpty {
      var time = Table(["tenth of the trace", "gap ns", "noise ns", "explained ns"])
      for (index, phase) in phases.enumerated() {
        time.add([
          "\(index + 1)", Text.number(phase.gapNs), phase.noiseNs.map { Text.number($0) } ?? "",
          Text.number(phase.explainedNs),
        ])
      }
      lines += ["", time.text]
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
