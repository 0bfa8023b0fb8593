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
      with 2. With --strict it ends with 1 where a verdict is not the expected one: that of \
      models/hypotheses/expected.yaml or of --expected, else of the row, else supported.

      Examples:
        mallometer validate models/hypotheses/004-tiers.yaml
        mallometer validate --write-expected models/hypotheses/expected.yaml
      """)

  @Argument(
    help: ArgumentHelp("Files of claims.", valueName: "claims"),
    completion: .file(extensions: ["yaml", "yml"]))
  var files: [String] = []

  @Flag(help: "End with 1 if a verdict is not the expected one.")
  var strict = false

  @Option(
    help: ArgumentHelp(
      "Verdicts to expect, instead of models/hypotheses/expected.yaml.", valueName: "file"),
    completion: .file(extensions: ["yaml"]))
  var expected: String?

  @Option(
    help: ArgumentHelp("Write the verdicts into a file for --expected.", valueName: "file"),
    completion: .file(extensions: ["yaml"]))
  var writeExpected: String?

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
  var budget = TimeBudget(seconds: Self.usualBudget)

  private static let usualBudget = 180.0

  @Option(help: ArgumentHelp("Replays of each allocator on each workload.", valueName: "n"))
  var repeats = ValidationExperiment.usualRepeats

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard repeats >= 2 else { throw ValidationError("--repeats must be at least 2") }
    if writeExpected != nil && !only.isEmpty {
      throw ValidationError("--write-expected writes all verdicts: leave --only out")
    }
  }

  func run() async throws {
    let context = common.context
    let installation = try context.installation()
    try keepBundledExpectations(installation)
    let library = try ClaimLibrary(
      models: installation.models, traces: installation.traces,
      files: files.isEmpty ? nil : files, expected: expected)
    try checkNames(in: library)
    let bench = try ClaimBench(traces: installation.traces) {
      try context.laboratory($0, builds: $1)
    }
    var options = FitOptions()
    options.seed = common.seed
    let experiment = ValidationExperiment(
      bench: bench, catalogue: library.vocabulary.catalogue, traces: installation.traces,
      training: training.isEmpty ? try BundledTraces.paths(installation) : training,
      budget: budget.seconds, repeats: repeats, fitOptions: options, command: words,
      sharedOptions: sharedWords,
      study: { try study($0, context, installation) })
    let outcome = try experiment.run(
      library.claims, choosing: { only.isEmpty || only.contains($0.id) })
    let report = ValidateReport(outcome, errors: library.errors)
    try context.print(report)
    if let writeExpected {
      try write(outcome.verdicts, to: writeExpected)
    }
    if !library.errors.isEmpty { throw ExitStatus.badInput.code }
    if strict && !report.isAsExpected { throw ExitStatus.answerIsNo.code }
  }

  /// The bundled file speaks of all bundled claims: those of some files are not to replace it.
  private func keepBundledExpectations(_ installation: Installation) throws {
    guard let writeExpected, !files.isEmpty else { return }
    let bundled = installation.models.appendingPathComponent("hypotheses")
      .appendingPathComponent(ExpectedVerdicts.bundled)
    func resolved(_ url: URL) -> String { url.resolvingSymlinksInPath().standardizedFileURL.path }
    guard resolved(URL(fileURLWithPath: writeExpected)) == resolved(bundled) else { return }
    throw ValidationError(
      "\(writeExpected) holds the verdicts of all bundled claims: leave the files out, or name "
        + "another file")
  }

  /// A row that can't be read has no verdict, but its error is among those that are printed.
  private func checkNames(in library: ClaimLibrary) throws {
    for id in only where !library.unreadable.contains(id) {
      if library.claims.contains(where: { $0.id == id }) { continue }
      let known = NearestNames.sorted(library.claims.map(\.id), by: id).prefix(5)
      throw UnknownClaim(id: id, known: Array(known))
    }
  }

  /// The command line again, with every option that a verdict depends on and that isn't the usual.
  private var words: [String] {
    var words = ["mallometer", "validate"] + files
    for trace in training { words += ["--training", trace] }
    if budget.seconds != Self.usualBudget { words += ["--budget", "\(budget.seconds)"] }
    if repeats != ValidationExperiment.usualRepeats { words += ["--repeats", "\(repeats)"] }
    return words + sharedWords
  }

  /// Those that any command takes.
  private var sharedWords: [String] {
    var words: [String] = []
    if common.seed != CommonOptions.usualSeed { words += ["--seed", "\(common.seed)"] }
    if common.notebook != CommonOptions.usualNotebook { words += ["--notebook", common.notebook] }
    return words
  }

  private func write(_ verdicts: [ClaimVerdict], to path: String) throws {
    let text = ExpectedVerdicts.text(verdicts.map { ($0.id, $0.verdict) })
    do {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw UnwritableExpectations(path: path, reason: error.localizedDescription)
    }
  }

  /// The study as `study score-caching` runs it: what either of them measured serves both.
  private func study(
    _ populations: [Int], _ context: CommandContext, _ installation: Installation
  ) throws -> ScoreCaching.Findings {
    let usual = ScoreCachingStudyCommand.usualPopulations
    let study = try ScoreCaching.Study(
      populations: usual + populations, repeats: ScoreCachingStudyCommand.usualRepeats,
      seed: context.seed, allocator: .system("glibc"), installation: installation,
      notebook: context.openNotebook(), processors: CommandContext.processors)
    context.progress.begin("sorting", total: study.processes)
    return try study.run { context.progress.advance(detail: $0) }
  }
}

/// A file of verdicts that can't be written.
struct UnwritableExpectations: UserFacingError {
  let path: String
  let reason: String

  var message: String { "the verdicts can't be written to \(path): \(reason)" }
  var remedy: String? { "name a file in a folder that you may write to" }
}

/// An id that no claim has.
struct UnknownClaim: UserFacingError {
  let id: String
  /// Nearest first.
  let known: [String]

  var message: String { "--only \(id): there is no claim of that id" }
  var remedy: String? { "the nearest ids: \(known.joined(separator: ", "))" }
}
