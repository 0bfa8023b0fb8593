import Foundation
import Yams

/// A named point of a family, or a named change to one: what a YAML file in `models/` holds.
public struct DesignFile: Equatable, Sendable {
  /// What a file holds.
  public enum Kind: Sendable {
    /// A whole design: what it doesn't set is at its default.
    case design
    /// A change to designs: what it doesn't set stays as it is.
    case change
  }

  /// As `--design` (or `--with`) names it.
  public let name: String
  public let family: Family
  /// One sentence: what it stands for.
  public let doc: String
  /// The document and section it comes from.
  public let source: String
  /// The toggles that it sets, in the family's order.
  public let changes: [Design.Setting]
  /// Where a toggle's value comes from, for those that say so.
  public let changeSources: [String: String]
  /// What its source says that a change will do; nil where the source gives no figure.
  public let predicted: PredictedEffect?
  /// The file it was read from.
  public let path: String

  /// The family with these toggles set and the others at their defaults.
  public var design: Design {
    Design(
      family: family,
      changes: Dictionary(uniqueKeysWithValues: changes.map { ($0.toggle, $0.value) }))
  }

  /// Reads one file strictly.
  public init(path: String, holding kind: Kind = .design) throws(DesignError) {
    let file = try StrictMapping(path: path)
    let keys = ["name", "family", "doc", "source", "toggles"]
    try file.allow(kind == .change ? keys + ["predicted"] : keys)
    self.path = path
    name = try Self.checkedName(file)
    doc = try file.text("doc").text
    source = try file.text("source").text
    let (familyName, place) = try file.text("family")
    guard let family = Family(named: familyName) else {
      throw .unknownDesign(
        familyName, known: NearestNames.sorted(Family.all.map(\.name), by: familyName), at: place)
    }
    self.family = family
    var values: [String: String] = [:]
    var sources: [String: String] = [:]
    var places: [String: NamePlace] = [:]
    for entry in try file.mapping("toggles")?.entries ?? [] {
      let toggle = try family.toggle(entry.key, at: entry.place)
      var value: (text: String, place: NamePlace)
      if entry.node.mapping != nil {
        let detail = try StrictMapping(entry.node, key: entry.key, path: path)
        try detail.allow(["value", "source"])
        value = try detail.text("value")
        sources[entry.key] = try detail.text("source").text
      } else {
        value = try StrictMapping.text(entry.node, key: entry.key, path: path)
      }
      values[entry.key] = try family.value(value.text, of: toggle, at: value.place)
      places[entry.key] = entry.place
    }
    if let contradiction = family.contradiction(in: values, isPartial: kind == .change) {
      throw .contradiction(contradiction, at: places[contradiction.setting.toggle] ?? place)
    }
    changes = family.toggles.compactMap { toggle in
      values[toggle.name].map { Design.Setting(toggle: toggle.name, value: $0) }
    }
    changeSources = sources
    predicted = try file.mapping("predicted").map(Self.prediction)
  }

  private static func prediction(
    _ mapping: StrictMapping
  ) throws(DesignError) -> PredictedEffect {
    try mapping.allow(["effect", "source"])
    let (text, place) = try mapping.text("effect")
    guard let effect = PredictedEffect(text, source: try mapping.text("source").text) else {
      throw .wrongKind("effect", expected: PredictedEffect.form, at: place)
    }
    return effect
  }

  /// A name that can stand on a command line: no commas, colons or slashes.
  private static func checkedName(_ file: StrictMapping) throws(DesignError) -> String {
    let (name, place) = try file.text("name")
    guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) else {
      throw .wrongKind("name", expected: "letters, digits and hyphens", at: place)
    }
    return name
  }
}

extension Family {
  /// The toggle of this name, or an error that lists the known ones.
  public func toggle(_ name: String, at place: NamePlace) throws(DesignError) -> Toggle {
    guard let toggle = toggles.first(where: { $0.name == name }) else {
      throw .unknownToggle(
        name, family: self.name, known: NearestNames.sorted(toggles.map(\.name), by: name),
        at: place)
    }
    return toggle
  }

  /// The value, checked to be one that the toggle can take.
  public func value(
    _ value: String, of toggle: Toggle, at place: NamePlace
  ) throws(DesignError) -> String {
    guard toggle.values.contains(value) else {
      throw .unknownValue(
        value, toggle: toggle.name, family: name, known: toggle.values, at: place)
    }
    return value
  }
}
