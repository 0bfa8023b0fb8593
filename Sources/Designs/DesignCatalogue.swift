import Foundation

/// Everything that `--design` and `--with` can name: families, named points, optimisations, the
/// system's allocators.
public struct DesignCatalogue: Sendable {
  /// Named points, sorted by name.
  public let points: [DesignFile]
  /// Named changes to a design, sorted by name.
  public let optimizations: [DesignFile]
  /// Files that are in neither, because something is wrong with them, sorted by path.
  public let problems: [Problem]

  /// A file that can't be used, and why.
  public struct Problem: Sendable {
    public let path: String
    public let kind: DesignFile.Kind
    public let error: DesignError

    /// What the file is taken to define: files are called after what they hold.
    var name: String {
      URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    }
  }

  /// Names of allocators that the machine may have; glibc always.
  static let systemAllocators = SystemAllocator.all.map(\.name)

  /// Families only: no files are read.
  public init() {
    points = []
    optimizations = []
    problems = []
  }

  /// Reads every `.yaml` below `models/designs` and `models/optimizations`; one wrong file is an
  /// error.
  /// - Parameter models: the folder `models/`; folders that it lacks hold nothing.
  public init(models: URL) throws(DesignError) {
    self.init(tolerating: models)
    if let problem = problems.first { throw problem.error }
  }

  /// The same, but wrong files only fail what asks for them.
  public init(tolerating models: URL) {
    var problems: [Problem] = []
    points = Self.files(
      below: models.appendingPathComponent("designs"), holding: .design, taken: reservedNames,
      &problems)
    optimizations = Self.files(
      below: models.appendingPathComponent("optimizations"), holding: .change, taken: [:],
      &problems)
    self.problems = problems
  }

  /// Every name that `--design` knows.
  public var names: [String] {
    Family.all.map(\.name) + points.map(\.name) + Self.systemAllocators
  }

  /// Understands `NAME[,toggle=value…]`, a YAML file in place of the name, or `preload:FILE`.
  /// - Parameter place: where `text` was written; `--design` unless given.
  public func allocator(
    _ text: String, at place: NamePlace? = nil
  ) throws(DesignError) -> Allocator {
    let place = place ?? .option(text)
    if text.hasPrefix("preload:") {
      let path = String(text.dropFirst("preload:".count))
      guard !path.isEmpty, FileManager.default.fileExists(atPath: path) else {
        throw .missingPreload(path, at: place)
      }
      return .preload(path: URL(fileURLWithPath: path).standardizedFileURL.path)
    }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if Self.systemAllocators.contains(parts[0]) {
      guard parts.count == 1 else { throw .noToggles(allocator: parts[0], at: place) }
      return .system(parts[0])
    }
    let base = try design(named: parts[0], at: place)
    return .own(try change(base, by: parts.dropFirst(), at: place))
  }

  /// An own design, or an error where `text` names someone else's allocator.
  public func ownDesign(
    _ text: String, at place: NamePlace? = nil
  ) throws(DesignError) -> Design {
    guard case .own(let design) = try allocator(text, at: place) else {
      throw .notModelled(text, at: place ?? .option(text))
    }
    return design
  }

  /// What a claim about families must hold for: every single-toggle variant, and every named point.
  /// A point that can't be read is an error: the claim would be about fewer.
  public func variantsAndPoints(of families: [Family]) throws(DesignError) -> [Design] {
    if let problem = problems.first(where: { $0.kind == .design }) {
      throw problem.error
    }
    var designs: [Design] = []
    for family in families {
      let named = points.map(\.design).filter { $0.family == family }
      for design in Design.singleToggleVariants(of: family) + named
      where !designs.contains(design) { designs.append(design) }
    }
    return designs
  }

  /// A design with an optimisation's name or `toggle=value[,…]` applied to it.
  /// - Parameter place: where `text` was written; `--with` unless given.
  public func apply(
    _ text: String, to design: Design, at place: NamePlace? = nil
  ) throws(DesignError) -> Design {
    let place = place ?? .option(text, of: "--with")
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if let optimization = optimizations.first(where: {
      $0.name == parts[0] && $0.family == design.family
    }) {
      let changes = optimization.changes.map { "\($0.toggle)=\($0.value)" }
      return try change(design, by: changes + parts.dropFirst(), at: place)
    }
    if !parts[0].contains("=") {
      try refuse(parts[0])
      let known = optimizations.filter { $0.family == design.family }.map(\.name)
      throw .unknownDesign(
        parts[0], known: NearestNames.sorted(known, by: parts[0]), at: place)
    }
    return try change(design, by: parts[...], at: place)
  }

  private func design(named name: String, at place: NamePlace) throws(DesignError) -> Design {
    if let family = Family(named: name) { return Design(family: family) }
    if let point = points.first(where: { $0.name == name }) { return point.design }
    if name.hasSuffix(".yaml") || name.hasSuffix(".yml") || name.contains("/") {
      return try DesignFile(path: name).design
    }
    try refuse(name)
    throw .unknownDesign(name, known: NearestNames.sorted(names, by: name), at: place)
  }

  /// Says what is wrong with the file that would define an unknown name, if there is one.
  private func refuse(_ name: String) throws(DesignError) {
    if let problem = problems.first(where: { $0.name == name }) { throw problem.error }
  }

  private func change(
    _ design: Design, by settings: some Sequence<String>, at place: NamePlace
  ) throws(DesignError) -> Design {
    let family = design.family
    var values = design.values
    var seen: Set<String> = []
    for setting in settings {
      let sides = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
        throw .malformedSetting(setting, at: place)
      }
      let toggle = try family.toggle(String(sides[0]), at: place)
      guard seen.insert(toggle.name).inserted else { throw .repeatedToggle(toggle.name, at: place) }
      values[toggle.name] = try family.value(String(sides[1]), of: toggle, at: place)
    }
    if let contradiction = family.contradiction(in: values) {
      throw .contradiction(contradiction, at: place)
    }
    return Design(family: family, changes: values)
  }

  private static func files(
    below folder: URL, holding kind: DesignFile.Kind, taken: [String: String],
    _ problems: inout [Problem]
  ) -> [DesignFile] {
    let paths = (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String })
      .map { $0.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted() }
    var taken = taken
    var files: [DesignFile] = []
    for path in paths ?? [] {
      let path = folder.appendingPathComponent(path).path
      do throws(DesignError) {
        let file = try DesignFile(path: path, holding: kind)
        if let first = taken[file.name] {
          throw .repeatedName(file.name, first: first, at: .file(file.path, line: 1, column: 1))
        }
        taken[file.name] = file.path
        files.append(file)
      } catch {
        problems.append(Problem(path: path, kind: kind, error: error))
      }
    }
    return files.sorted { $0.name < $1.name }
  }
}

/// Names that no design file may take, with what has them.
private let reservedNames: [String: String] = {
  let families = Family.all.map { ($0.name, "the family") }
  let allocators = DesignCatalogue.systemAllocators.map { ($0, "the system's allocator") }
  return Dictionary(families + allocators) { first, _ in first }
}()
