import ArgumentParser
import Designs
import Experiments
import Foundation
import Platform
import Reports

struct StudyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Predict and measure what a change of a program would pay.",
    discussion: """
      Example:
        mallometer study score-caching
      """,
    subcommands: [ScoreCachingStudyCommand.self])
}

struct ScoreCachingStudyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score-caching",
    abstract: "Does it pay to copy scores out of shared objects before sorting by them?",
    discussion: """
      A population of reference-counted objects is sorted by score, either loading both scores \
      atomically at every comparison, or making an array of scores and counted references first. \
      The change is the second form's time less the first's, in percent of the first's. Each \
      population's change is predicted from costs fitted without either form on it, and measured \
      in fresh processes that take turns.

      Example:
        mallometer study score-caching --populations 10,100,1000 --design mimalloc
      """)

  /// Unless others are asked for.
  static let usualPopulations = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
  static let usualRepeats = 12

  @Option(help: ArgumentHelp("How many objects, several after commas.", valueName: "n,n,…"))
  var populations = Populations(values: Self.usualPopulations)

  @Option(help: "Processes of every form and step on every population.")
  var repeats = Self.usualRepeats

  @Option(help: "The allocator beneath: NAME[,toggle=value…], glibc, or preload:FILE.so.")
  var design = "glibc"

  @Flag(help: "Measure again what the notebook has already.")
  var again = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard repeats >= 1 else {
      throw ValidationError("--repeats must be at least 1, not \(repeats)")
    }
  }

  func run() async throws {
    let context = common.context
    let installation = try context.installation()
    let study = try ScoreCaching.Study(
      populations: populations.values, repeats: repeats, seed: context.seed,
      allocator: context.designCatalogue().allocator(design), installation: installation,
      notebook: context.openNotebook(), processors: CommandContext.processors,
      measuresAnew: again)
    context.progress.begin("sorting", total: study.processes)
    let findings = try study.run { context.progress.advance(detail: $0) }
    try context.print(
      ScoreCachingReport(
        findings, design: study.allocator, repeats: repeats, seed: context.seed))
  }
}

/// Populations on the command line: whole numbers with commas between them.
struct Populations: ExpressibleByArgument {
  let values: [Int]

  init(values: [Int]) { self.values = values }

  init?(argument: String) {
    let range = ScoreCaching.Workload.populations
    var values: [Int] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let value = Int(part), range.contains(value) else { return nil }
      values.append(value)
    }
    self.values = values
  }

  var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
}
