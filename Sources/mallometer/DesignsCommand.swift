import ArgumentParser
import Designs
import Platform
import Reports

struct DesignsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "designs",
    abstract: "List families, their toggles, named points and optimisations.",
    discussion: """
      Example:
        mallometer designs reuse
      """)

  @OptionGroup var common: CommonOptions

  @Argument(help: "A family or a named point; all of them when left out.")
  var name: String?

  func run() async throws {
    let context = common.context
    let catalogue = try context.designCatalogue()
    var families = Family.all
    if let name {
      let family = try catalogue.ownDesign(name, at: .argument(name)).family
      families = families.filter { $0 == family }
    }
    try context.print(
      DesignsReport(designs: families.map { DesignsReport.Entry($0, catalogue: catalogue) }))
  }
}

/// What `designs` prints.
struct DesignsReport: Report {
  let designs: [Entry]

  struct Entry: Encodable {
    let name: String
    let family: String
    let doc: String
    let toggles: [ToggleEntry]
    let points: [Point]
    let optimisations: [Point]
    /// The C sources of the native counterpart.
    let native: [String]
    let source: String

    init(_ family: Family, catalogue: DesignCatalogue) {
      name = family.name
      self.family = family.name
      doc = family.doc
      toggles = family.toggles.map {
        ToggleEntry(
          name: $0.name, values: $0.values, default: $0.defaultValue, doc: $0.doc,
          source: $0.source, requires: $0.requires.map(RequirementEntry.init))
      }
      points = catalogue.points.filter { $0.family == family }.map(Point.init)
      optimisations = catalogue.optimizations.filter { $0.family == family }.map(Point.init)
      native = family.nativeSources
      source = family.source
    }
  }

  struct ToggleEntry: Encodable {
    let name: String
    let values: [String]
    let `default`: String
    let doc: String
    let source: String
    /// What must be set for other values than the default to have an effect.
    let requires: [RequirementEntry]
  }

  struct RequirementEntry: Encodable {
    let toggle: String
    /// Any of them will do.
    let values: [String]
    let reason: String

    init(_ requirement: Requirement) {
      toggle = requirement.toggle
      values = requirement.values
      reason = requirement.reason
    }
  }

  struct Point: Encodable {
    let name: String
    /// What it sets, as on the command line.
    let settings: String
    let doc: String
    let source: String
    /// What its source says it will do; optimisations only, and not all of them.
    @Nullable var predicted: Prediction?

    init(_ file: DesignFile) {
      name = file.name
      settings = file.changes.map { "\($0.toggle)=\($0.value)" }.joined(separator: ",")
      doc = file.doc
      source = file.source
      predicted = file.predicted.map(Prediction.init)
    }
  }

  struct Prediction: Encodable {
    /// Equal where the source gives one number.
    let low: Double
    let high: Double
    /// `ns`, `% time` or `% throughput`.
    let unit: String
    /// As the file puts it.
    let effect: String
    let source: String

    init(_ predicted: PredictedEffect) {
      low = predicted.low
      high = predicted.high
      unit = predicted.unit.rawValue
      effect = predicted.description
      source = predicted.source
    }
  }

  var text: String {
    designs.map { entry in
      var toggles = Table(
        ["toggle", "values", "what it is", "only with", "from"],
        align: [.left, .left, .left, .left, .left])
      for toggle in entry.toggles {
        let values = toggle.values.map { $0 == toggle.default ? "[\($0)]" : $0 }
        let requires = toggle.requires.map {
          "\($0.toggle)=\($0.values.joined(separator: "|"))"
        }
        toggles.add(
          toggle.name, values.joined(separator: " "), toggle.doc,
          requires.joined(separator: ", "), toggle.source)
      }
      var text = "\(entry.name): \(entry.doc) (\(entry.source))\n\n\(toggles.text)"
      for (title, points) in [
        ("named point", entry.points), ("optimisation", entry.optimisations),
      ] where !points.isEmpty {
        var table = Table(
          [title, "sets", "what it is", "predicted", "from"],
          align: [.left, .left, .left, .left, .left])
        for point in points {
          table.add(
            point.name, point.settings, point.doc, point.predicted?.effect ?? "", point.source)
        }
        text += "\n\(table.text)"
      }
      return text
    }.joined(separator: "\n")
      + "\nDefaults stand in brackets. A toggle can differ from its default only with what that column says.\n"
  }
}
