import ArgumentParser
import Costs
import Designs
import Experiments
import Foundation
import NativeDesigns
import Platform
import Reports
import Traces

struct PredictCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Predict what an optimisation pays, before it is written.",
    discussion: """
      The payoff follows from what the two designs count on a trace and from costs that were \
      fitted on other traces and without the changed variant: on what the notebook has of the \
      bundled traces and, where it lacks something, measurements within --budget. --unseen \
      leaves out every variant with the changed toggles' values, as if nobody had written any.

      Several --with are answered each alone and all together, and in the order in which they pay \
      most. --each-toggle asks for every single change that the family knows.

      --transform asks for a change of the program in place of the allocator's: \
      preallocate(SITE), drop(SITE), reuse-buffer(SITE[,keep=N]) or arena(SITE[,bytes=N]), with a \
      call site as info --sites names it.

      --verify compiles exactly that variant and measures both; --verify-program runs a real \
      command under both by turns and compares: give the traces of all its processes.

      Example:
        mallometer predict traces/cc1.mlt --design reuse --with small-header --verify
        mallometer record -o gcc -- gcc -c a.c
        mallometer predict gcc/*.mlt --design pool --with header=16 --verify-program -- gcc -c a.c
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var workload: WorkloadArguments
  @OptionGroup var placement: PlacementOptions

  @Argument(help: "The traces.", completion: .file(extensions: ["mlt"]))
  var traces: [String]

  @Option(help: ArgumentHelp("The own design to change.", valueName: "design"))
  var design: String

  @Option(
    help: ArgumentHelp(
      "An optimisation's name or toggle=value[,…]; repeat for several.", valueName: "change"))
  var with: [String] = []

  @Flag(help: "Every single change that the design's family knows.")
  var eachToggle = false

  @Option(
    help: ArgumentHelp("A change of the program; repeat for several.", valueName: "kind(site)"))
  var transform: [String] = []

  @Flag(help: "Cost the call sites of each trace under the design.")
  var bySite = false

  @Flag(help: "Fit without any variant that has the changed toggles' values.")
  var unseen = false

  @Flag(help: "Measure the same change, and print it beside.")
  var verify = false

  @Flag(help: "Run the command after -- under both designs by turns.")
  var verifyProgram = false

  @Option(help: ArgumentHelp("Pairs of runs of --verify-program.", valueName: "n"))
  var pairs = 30

  @OptionGroup var training: TrainingArguments

  @Option(help: ArgumentHelp("Replays of either side with --verify.", valueName: "n"))
  var repeats = 9

  @Argument(parsing: .postTerminator, help: "The command of --verify-program.")
  var command: [String] = []

  func validate() throws {
    guard !with.isEmpty || eachToggle || !transform.isEmpty || bySite else {
      throw ValidationError(
        "name a change, as in --with small-header, --with header=16, --each-toggle, "
          + "--transform 'drop(17)', or ask --by-site; optimisations: mallometer designs")
    }
    guard repeats >= 2 else { throw ValidationError("--repeats must be at least 2") }
    guard pairs >= 2 else { throw ValidationError("--pairs must be at least 2") }
    guard verifyProgram == !command.isEmpty else {
      throw ValidationError("--verify-program takes its command after --, as in: -- gcc -c a.c")
    }
    guard !verifyProgram || transform.isEmpty else {
      throw ValidationError("a program can't be run as its trace was transformed: leave one out")
    }
    guard !(verify || verifyProgram) || !with.isEmpty || eachToggle || !transform.isEmpty else {
      throw ValidationError(
        "there is no change to verify: name one, as in --with header=16, or ask --each-toggle")
    }
    try workload.refusePace("payoffs are predicted")
  }

  func run() async throws {
    let context = common.context
    let installation = try context.installation()
    let catalogue = try context.designCatalogue()
    let before = try catalogue.modelledDesign(design)
    var questions = try questions(before, catalogue)
    let laboratory = try context.laboratory(workload.options, builds: placement.builds)
    let samples = try context.openAsked(traces, by: laboratory)
    let gathered = try training.runs(installation).gather(
      by: laboratory, for: [before], asked: samples)
    var options = FitOptions()
    options.seed = common.seed
    let experiment = try PredictExperiment(
      laboratory: laboratory, training: gathered, fitOptions: options, hidesToggles: unseen,
      repeats: verify ? repeats : 0)
    let orders = try orders(experiment, samples, before, catalogue)
    if let together = together(orders.last, before, besides: questions) {
      questions.append(together)
    }
    let predictions = try samples.flatMap { try experiment.predict($0, questions) }
    let sites = try bySite ? samples.flatMap { try experiment.sites($0, of: before) } : []
    let programs =
      verifyProgram ? try compare(questions, predictions, context, laboratory) : []
    try context.print(
      PredictReport(
        predictions: predictions, programs: programs, orders: orders, sites: sites,
        coreGHz: gathered.coreGHz))
  }

  /// The changes of --with, each once.
  private var named: [String] {
    with.reduce(into: []) { once, name in
      if !once.contains(name) { once.append(name) }
    }
  }

  private func questions(
    _ before: Design, _ catalogue: DesignCatalogue
  ) throws -> [PredictExperiment.Question] {
    var questions: [PredictExperiment.Question] = []
    for name in with {
      questions.append(
        PredictExperiment.Question(
          name: name, before: before, after: try catalogue.apply(name, to: before)))
    }
    if eachToggle {
      for after in Design.singleChanges(of: before) where after.isWhollyModelled {
        let changed = after.settings.filter { !before.settings.contains($0) }
        let name = changed.map { "\($0.toggle)=\($0.value)" }.joined(separator: ",")
        questions.append(
          PredictExperiment.Question(name: name, before: before, after: after))
      }
    }
    for text in transform {
      let change = try Transform(text)
      questions.append(
        PredictExperiment.Question(
          name: change.description, before: before, after: before, transform: change))
    }
    for question in questions where !question.after.isWhollyModelled {
      throw DesignError.notModelled(question.name, at: .option(question.name))
    }
    // A change that is named and among --each-toggle is asked once: what it saves would count twice.
    return questions.reduce(into: []) { once, question in
      if !once.contains(question) { once.append(question) }
    }
  }

  /// Of each trace and, where there are several, of all together; none for a single change.
  private func orders(
    _ experiment: PredictExperiment, _ samples: [Laboratory.Sample], _ before: Design,
    _ catalogue: DesignCatalogue
  ) throws -> [OptimisationOrder] {
    let named = named
    guard named.count > 1 else { return [] }
    let sets = samples.map { [$0] } + (samples.count > 1 ? [samples] : [])
    return try sets.map { set in
      try experiment.order(set, of: before, named) { name, design throws(DesignError) in
        try catalogue.apply(name, to: design)
      }
    }
  }

  /// All changes that can be had together, as one; nil where one of them has the others in it.
  private func together(
    _ order: OptimisationOrder?, _ before: Design, besides single: [PredictExperiment.Question]
  ) -> PredictExperiment.Question? {
    guard let order, order.steps.count > 1, let last = order.steps.last,
      !single.contains(where: { $0.after == last.design && $0.transform == nil })
    else { return nil }
    let names = named.filter { name in order.steps.contains { $0.name == name } }
    return PredictExperiment.Question(
      name: names.joined(separator: " + "), before: before, after: last.design)
  }

  private func compare(
    _ questions: [PredictExperiment.Question],
    _ predictions: [PredictExperiment.Prediction], _ context: CommandContext,
    _ laboratory: Laboratory
  ) throws -> [ProgramVerdict] {
    guard let before = questions.first?.before else { return [] }
    var designs = [before]
    for question in questions where !designs.contains(question.after) {
      designs.append(question.after)
    }
    let contenders = try laboratory.contenders(designs)
    let comparison = ProgramComparison(command: command, pairs: pairs, seed: common.seed)
    context.progress.begin("running \(command[0])", total: comparison.rounds)
    let result = try comparison.run(before: contenders[0], after: Array(contenders.dropFirst())) {
      context.progress.advance(detail: "under all \(contenders.count) designs")
    }
    return questions.compactMap { question in
      // A change that the design already has was run as the design itself, and is not compared.
      guard let place = designs.dropFirst().firstIndex(of: question.after) else { return nil }
      return ProgramVerdict(
        name: question.name,
        findings: predictions.filter { $0.question == question }
          .map { (trace: $0.trace, program: $0.program) },
        outcome: result.outcomes[place - 1], secondsBefore: result.secondsBefore,
        noiseFloorPercent: result.noiseFloorPercent)
    }
  }
}
