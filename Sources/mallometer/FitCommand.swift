import ArgumentParser
import Costs
import Designs
import Experiments
import Foundation
import Platform
import Reports
import Traces

struct FitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Find what each step of an allocator costs, and how far that is to be trusted.",
    discussion: """
      Simulates and replays what the notebook lacks, then fits. Without traces: all bundled ones,
      and small generated ones beside them, whose figures are given apart; without designs: every
      family as it comes, with each toggle changed, and with pairs of them. The budget limits
      measuring: the families as they come are measured on every trace first, then whatever tells
      most about the costs per second. What was measured stays in the notebook: a further run goes
      on where this one stopped.

      Example:
        mallometer fit traces/*.mlt --design pool --design pool,header=16 --budget 2m
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var workload: WorkloadArguments

  @Argument(
    help: "Traces; all bundled ones and some generated ones when none is given.",
    completion: .file())
  var traces: [String] = []

  @Option(
    name: .customLong("design"),
    help: ArgumentHelp("An own design; repeat for several.", valueName: "design"))
  var designs: [String] = []

  @Option(help: ArgumentHelp("Time for measuring: 90s, 5m, 1h.", valueName: "time"))
  var budget = TimeBudget(seconds: 300)

  @Option(help: ArgumentHelp("Replays of each run.", valueName: "n"))
  var repeats = 6

  @OptionGroup var placement: PlacementOptions

  func validate() throws {
    guard repeats >= 1 else { throw ValidationError("--repeats must be at least 1") }
    guard workload.threads != .recorded else {
      throw ValidationError("fits are made on one thread: leave --threads out")
    }
    guard workload.pace == .none else {
      throw ValidationError("no model knows of time that passes between calls: leave --pace out")
    }
  }

  func run() async throws {
    let context = common.context
    let installation = try context.installation()
    let laboratory = try context.laboratory(workload.options, builds: placement.builds)
    let usual = traces.isEmpty ? try UsualTraces(installation) : nil
    let samples = try usual?.open(by: laboratory) ?? traces.map { try laboratory.open($0) }
    let catalogue = try context.designCatalogue()
    let chosen =
      designs.isEmpty
      ? FitExperiment.usualDesigns
      : try designs.map { text in
        let design = try catalogue.ownDesign(text)
        guard design.isWhollyModelled else {
          throw DesignError.notModelled(text, at: .option(text))
        }
        return design
      }
    var options = FitOptions()
    options.seed = common.seed
    let experiment = FitExperiment(
      laboratory: laboratory, designs: chosen, budget: budget.seconds,
      repeats: repeats, fitOptions: options)
    let outcome = try withExtendedLifetime(usual) { try experiment.run(samples) }
    let number = try laboratory.notebook.add(.fit, seed: common.seed, content: outcome)
    try context.print(FitReport(number: Int(number), outcome: outcome))
  }
}
