import Foundation
import Yams

/// A YAML mapping whose keys were checked: anything unknown, missing or of another kind is an error
/// with its line and column.
///
/// Scalars are taken as they are written: YAML 1.1 would turn `on` into true and `010` into 8.
public struct StrictMapping {
  /// The file it was read from.
  public let path: String
  private let mapping: Node.Mapping

  /// Reads a file that holds one mapping.
  public init(path: String) throws(DesignError) {
    try self.init(text: try Self.contents(of: path), path: path)
  }

  /// The text of a file.
  public static func contents(of path: String) throws(DesignError) -> String {
    do {
      return try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw .unreadable(path, why: (error as NSError).localizedDescription)
    }
  }

  /// Reads a text that holds one mapping.
  /// - Parameter path: the file that errors name.
  public init(text: String, path: String) throws(DesignError) {
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw Self.syntax(error, path: path)
    } catch {
      throw .syntax("\(error)", at: .file(path, line: 1, column: 1))
    }
    guard let root else {
      throw .wrongKind(
        "the file", expected: "a mapping; it is empty", at: .file(path, line: 1, column: 1))
    }
    try self.init(root, key: "the file", path: path)
  }

  init(_ node: Node, key: String, path: String) throws(DesignError) {
    guard case .mapping(let mapping) = node else {
      throw .wrongKind(key, expected: "a mapping", at: Self.place(node, path))
    }
    self.path = path
    self.mapping = mapping
    for (name, _) in mapping where name.scalar == nil {
      throw .wrongKind("a key", expected: "plain text", at: Self.place(name, path))
    }
  }

  /// Refuses keys other than these.
  public func allow(_ known: [String]) throws(DesignError) {
    for (name, _) in mapping {
      let key = name.scalar?.string ?? ""
      guard known.contains(key) else {
        throw .unknownKey(
          key, known: NearestNames.sorted(known, by: key), at: Self.place(name, path))
      }
    }
  }

  /// Where the mapping begins.
  public var place: NamePlace { Self.place(.mapping(mapping), path) }

  /// A text that must be there and not be empty, with where it stands.
  public func text(_ key: String) throws(DesignError) -> (text: String, place: NamePlace) {
    guard let text = try optionalText(key) else { throw .missingKey(key, at: place) }
    return text
  }

  /// The same, or nil where the key is missing.
  public func optionalText(
    _ key: String
  ) throws(DesignError) -> (text: String, place: NamePlace)? {
    guard let node = node(key) else { return nil }
    return try Self.text(node, key: key, path: path)
  }

  /// A list of texts, none of them empty; no texts where the key is missing.
  public func texts(_ key: String) throws(DesignError) -> [(text: String, place: NamePlace)] {
    var texts: [(text: String, place: NamePlace)] = []
    for node in try sequence(key) { texts.append(try Self.text(node, key: key, path: path)) }
    return texts
  }

  /// A list of mappings, each of which may be something else than a mapping without harm to the
  /// others; none where the key is missing.
  public func mappings(
    _ key: String
  ) throws(DesignError) -> [Result<StrictMapping, DesignError>] {
    try sequence(key).map { node in
      do throws(DesignError) {
        return .success(try StrictMapping(node, key: "an entry of \(key)", path: path))
      } catch {
        return .failure(error)
      }
    }
  }

  /// Whether the value of a key is a mapping.
  public func holdsMapping(_ key: String) -> Bool { node(key)?.mapping != nil }

  /// All keys in the order of the file with their texts, where every value is a text.
  public func pairs() throws(DesignError) -> [(key: String, text: String, place: NamePlace)] {
    var pairs: [(key: String, text: String, place: NamePlace)] = []
    for entry in entries {
      let text = try Self.text(entry.node, key: entry.key, path: path)
      pairs.append((entry.key, text.text, text.place))
    }
    return pairs
  }

  /// The keys in the order of the file.
  public var keys: [String] { entries.map(\.key) }

  private func sequence(_ key: String) throws(DesignError) -> [Node] {
    guard let node = node(key) else { return [] }
    guard case .sequence(let items) = node else {
      throw .wrongKind(key, expected: "a list", at: Self.place(node, path))
    }
    return Array(items)
  }

  /// The nested mapping, or nil where the key is missing.
  public func mapping(_ key: String) throws(DesignError) -> StrictMapping? {
    guard let node = node(key) else { return nil }
    return try StrictMapping(node, key: key, path: path)
  }

  /// Keys with where they stand and their values, in the order of the file.
  var entries: [(key: String, place: NamePlace, node: Node)] {
    mapping.map { ($0.key.scalar?.string ?? "", Self.place($0.key, path), $0.value) }
  }

  static func text(
    _ node: Node, key: String, path: String
  ) throws(DesignError) -> (text: String, place: NamePlace) {
    guard let scalar = node.scalar, !scalar.string.isEmpty else {
      throw .wrongKind(key, expected: "a text that is not empty", at: place(node, path))
    }
    return (scalar.string, place(node, path))
  }

  private func node(_ key: String) -> Node? {
    mapping.first { $0.key.scalar?.string == key }?.value
  }

  static func place(_ node: Node, _ path: String) -> NamePlace {
    .file(path, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
  }

  private static func syntax(_ error: YamlError, path: String) -> DesignError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      .syntax(problem, at: .file(path, line: mark.line, column: mark.column))
    case .duplicatedKeysInMapping(let duplicates, let context):
      .syntax(
        "the key \(duplicates.joined(separator: ", ")) occurs twice",
        at: .file(path, line: context.mark.line, column: context.mark.column))
    default: .syntax("\(error)", at: .file(path, line: 1, column: 1))
    }
  }
}
