import ArgumentParser
import Costs
import Designs
import Experiments
import Foundation
import Hypotheses
import Platform
import Traces

struct ValidateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Judge written claims about what allocators cost.",
    discussion: """
      Measures what the notebook lacks, and gives every claim a verdict: supported, refuted, \
      inconclusive, unidentifiable, never executed or not testable here; each with the estimate, \
      the reason and the command that shows the evidence. Without files: all bundled claims. \
      Documentation/claims.md describes the files, and how a claim is judged.

      Rows that can't be understood are reported, and the others judged: the command then ends \
      with 2. With --strict it ends with 1 where a verdict is not the one that the file expects.

      Example:
        mallometer validate models/hypotheses/004-tiers.yaml
      """)

  @Argument(
    help: ArgumentHelp("Files of claims.", valueName: "claims"),
    completion: .file(extensions: ["yaml", "yml"]))
  var files: [String] = []

  @Flag(help: "End with 1 if a verdict is not the one that its file expects.")
  var strict = false

  @Option(help: ArgumentHelp("Judge this claim alone; repeat for several.", valueName: "id"))
  var only: [String] = []

  @Option(
    help: ArgumentHelp(
      "A trace to fit costs on besides the claims' own workloads; repeat for several. Unless "
        + "given, all bundled ones.", valueName: "trace"))
  var training: [String] = []

  @Option(
    help: ArgumentHelp(
      "Time for measuring what the notebook lacks of those traces.", valueName: "time"))
  var budget = TimeBudget(seconds: 180)

  @Option(help: ArgumentHelp("Replays of each allocator on each workload.", valueName: "n"))
  var repeats = ValidationExperiment.usualRepeats

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard repeats >= 2 else { throw ValidationError("--repeats must be at least 2") }
  }

  func run() async throws {
    let context = common.context
    let installation = try context.installation()
    let library = try ClaimLibrary(
      models: installation.models, traces: installation.traces,
      files: files.isEmpty ? nil : files)
    let claims = try chosen(from: library)
    let bench = try ClaimBench(traces: installation.traces) {
      try context.laboratory($0, builds: $1)
    }
    var options = FitOptions()
    options.seed = common.seed
    let experiment = ValidationExperiment(
      bench: bench, catalogue: library.vocabulary.catalogue, traces: installation.traces,
      training: training.isEmpty ? try BundledTraces.paths(installation) : training,
      budget: budget.seconds, repeats: repeats, fitOptions: options,
      study: { try study($0, context, installation) })
    let report = ValidateReport(try experiment.run(claims), errors: library.errors)
    try context.print(report)
    if !library.errors.isEmpty { throw ExitStatus.badInput.code }
    if strict && !report.isAsExpected { throw ExitStatus.answerIsNo.code }
  }

  private func chosen(from library: ClaimLibrary) throws -> [Claim] {
    guard !only.isEmpty else { return library.claims }
    for id in only where !library.claims.contains(where: { $0.id == id }) {
      let known = NearestNames.sorted(library.claims.map(\.id), by: id).prefix(5)
      throw UnknownClaim(id: id, known: Array(known))
    }
    return library.claims.filter { only.contains($0.id) }
  }

  /// The study as `study score-caching` runs it: what either of them measured serves both.
  private func study(
    _ populations: [Int], _ context: CommandContext, _ installation: Installation
  ) throws -> ScoreCaching.Findings {
    let usual = ScoreCachingStudyCommand.usualPopulations
    let study = try ScoreCaching.Study(
      populations: usual + populations, repeats: ScoreCachingStudyCommand.usualRepeats,
      seed: context.seed, allocator: .system("glibc"), installation: installation,
      notebook: context.openNotebook(), processor: CommandContext.processor)
    context.progress.begin("sorting", total: study.processes)
    return try study.run { context.progress.advance(detail: $0) }
  }
}

/// An id that no claim has.
struct UnknownClaim: UserFacingError {
  let id: String
  /// Nearest first.
  let known: [String]

  var message: String { "--only \(id): there is no claim of that id" }
  var remedy: String? { "the nearest ids: \(known.joined(separator: ", "))" }
}
