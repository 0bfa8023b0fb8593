import ArgumentParser
import Designs
import Experiments
import Models
import NativeDesigns
import Platform
import Replay
import Reports
import Traces

struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Compare models with counting builds: every step and address, in every window.",
    discussion: """
      Exits with 1 where anything differs. A trace of several threads is run in the recorded order \
      on one thread, which takes the place of each; with --threads one it is one thread's.

      With --concurrent the threads of such a trace run beside each other besides, on a counting
      build. The model performs their calls in the order in which they began, and predicts how often
      a shared line went to another thread and how often a lock was found held. Exits with 1 where
      transfers and waits together are off by more than 25 % and by more than one in a thousand
      operations. Traces of one thread are left out.

      With --instructions the steps are checked from outside as well: valgrind counts the
      instructions of the ordinary builds of the designs and of variants of their families, and
      from all but one design, then all but one trace, follows what each step is worth. Exits with
      1 where the one left out is off by more than 5 % on average, those aside of which the others
      can't tell: whose steps they lack, or have only along with others. Takes a second or two
      per run.

      Example:
        mallometer check traces/cc1.mlt --design pool --design pool,header=16
        mallometer check traces/*.mlt --design pool --variants
        mallometer check traces/*.mlt --design pool --design reuse --instructions
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var arguments: DesignArguments
  @OptionGroup var workload: WorkloadArguments

  @Flag(help: "Check every single-toggle variant and named point of the designs' families too.")
  var variants = false

  @Flag(help: "Run the threads beside each other too; compare what depends on timing.")
  var concurrent = false

  @Flag(help: "Check too that the steps explain the instructions that valgrind counts.")
  var instructions = false

  @Option(help: ArgumentHelp("Operations of each trace that valgrind runs.", valueName: "n"))
  var first = 50_000

  func validate() throws {
    guard first >= 1 else { throw ValidationError("--first must be at least 1, not \(first)") }
  }

  func run() async throws {
    let context = common.context
    let installation = try context.installation()
    let catalogue = try context.designCatalogue()
    var designs = try arguments.ownDesigns(catalogue)
    if variants {
      let families = Family.all.filter { family in designs.contains { $0.family == family } }
      designs += try catalogue.variantsAndPoints(of: families).filter { !designs.contains($0) }
    }
    var options = workload.options
    options.threads = workload.threads ?? .recorded
    var experiment = try CheckExperiment(
      player: Player(installation: installation),
      compiler: VariantCompiler(installation: installation), designs: designs, options: options,
      concurrent: concurrent, instructions: instructions ? first : nil)
    experiment.stage = { context.progress.begin($0, total: $1) }
    experiment.progress = { context.progress.advance(detail: $0) }
    let traces = try CheckedTrace.all(
      try arguments.traces.map { ($0, try context.runnableTrace($0)) })
    let outcome = try experiment.run(traces)
    if let instructions = outcome.instructions {
      try StepInstructions(instructions).keep(
        in: try context.openNotebook(), seed: context.seed)
    }
    try context.print(CheckReport(outcome))
    if !outcome.isPassed { throw ExitStatus.answerIsNo.code }
  }
}

/// What `check` prints.
struct CheckReport: Report {
  let runs: [Run]
  /// Null without `--instructions`.
  @Nullable var instructions: InstructionReport?
  /// Null without `--concurrent`.
  @Nullable var concurrent: ConcurrencyReport?

  init(_ outcome: CheckExperiment.Outcome) {
    runs = outcome.exactness.map {
      Run(trace: $0.trace, design: $0.design.description, outcome: $0.found)
    }
    instructions = outcome.instructions.map(InstructionReport.init)
    concurrent = outcome.concurrency.map(ConcurrencyReport.init)
  }

  struct Run: Encodable {
    let trace: String
    let design: String
    let windows: Int
    let differing: Int
    @Nullable var first: First?

    init(trace: String, design: String, outcome: ExactnessCheck.Outcome) {
      self.trace = trace
      self.design = design
      windows = outcome.windows
      differing = outcome.differing
      first = outcome.first.map(First.init)
    }
  }

  struct First: Encodable {
    let window: Int
    /// A step's name, or `address`: then model and native are hashes of the window's addresses.
    let step: String
    let model: UInt64
    let native: UInt64
    @Nullable var operation: Operation?

    init(_ difference: ExactnessCheck.Difference) {
      window = difference.window
      step = difference.step
      model = difference.model
      native = difference.native
      operation = difference.operation.map {
        Operation(number: $0.number, text: $0.text, difference: $0.difference)
      }
    }
  }

  struct Operation: Encodable {
    let number: UInt64
    let text: String
    let difference: String
  }

  var text: String {
    var table = Table(
      ["trace", "design", "windows", "differing"], align: [.left, .left, .right, .right])
    for run in runs {
      table.add(run.trace, run.design, Text.count(run.windows), Text.count(run.differing))
    }
    let differences = runs.compactMap { run -> String? in
      guard let first = run.first else { return nil }
      var text = "\n\(run.design) on \(run.trace): window \(first.window), "
      text +=
        first.step == "address"
        ? "addresses differ\n"
        : "\(first.step): model \(first.model), native \(first.native)\n"
      if let operation = first.operation {
        text += "  first at operation \(operation.number), \(operation.text)\n"
        text += "  \(operation.difference)\n"
      }
      return text
    }
    return table.text + differences.joined() + (concurrent.map { "\n\($0.text)" } ?? "")
      + (instructions.map { "\n\($0.text)" } ?? "")
  }
}
