import ArgumentParser
import Reports
import Traces

struct GenerateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Write a synthetic trace from a recipe.",
    discussion: """
      The same recipe, parameters and seed give the same bytes. Numbers take the suffixes k, M, G \
      and Ki, Mi, Gi.

      Example:
        mallometer generate random-mixed events=10M live=100k -o mixed.mlt
      """)

  @Flag(help: "List the recipes and their parameters.")
  var list = false

  @Argument(help: "The recipe's name.")
  var recipe: String?

  @Argument(help: ArgumentHelp("Parameters of the recipe.", valueName: "key=value"))
  var parameters: [String] = []

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The trace file to write.", valueName: "file"),
    completion: .file(extensions: ["mlt"]))
  var output: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard !list else { return }
    guard recipe != nil else { throw ValidationError("Name a recipe, or list them with --list.") }
    guard output != nil else { throw ValidationError("Name the file to write: -o FILE.") }
  }

  func run() async throws {
    guard let recipe, let output, !list else {
      return try common.context.print(RecipeReport())
    }
    let events = try Recipes.generate(
      recipe, parameters: parameters, seed: common.seed, path: output)
    try common.context.print(
      GenerateReport(trace: output, events: events, seed: common.seed, recipe: recipe))
  }
}

/// What `generate` prints.
struct GenerateReport: Report {
  let trace: String
  let events: Int
  let seed: UInt64
  let recipe: String

  var text: String {
    "\(trace): \(Text.count(events)) events of \(recipe), seed \(seed)\n"
  }
}

/// What `generate --list` prints.
struct RecipeReport: Report {
  struct Entry: Encodable, Sendable {
    struct Parameter: Encodable, Sendable {
      let name: String
      let `default`: UInt64
      let least: UInt64
      let most: UInt64
      let doc: String
    }

    let name: String
    let doc: String
    let parameters: [Parameter]
  }

  let recipes: [Entry]

  init() {
    recipes = Recipes.all.map { recipe in
      Entry(
        name: recipe.name, doc: recipe.summary,
        parameters: recipe.parameters.map {
          Entry.Parameter(
            name: $0.name, default: $0.defaultValue, least: $0.range.lowerBound,
            most: $0.range.upperBound, doc: $0.summary)
        })
    }
  }

  var text: String {
    recipes.map { recipe in
      "\(recipe.name): \(recipe.doc)\n"
        + recipe.parameters.map { "  \($0.name)=\($0.default)  \($0.doc)\n" }.joined()
    }.joined(separator: "\n")
  }
}
