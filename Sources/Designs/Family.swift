/// A family of designs: one native C source and one model, told apart by toggles.
public struct Family: Sendable, CustomStringConvertible {
  /// Every family there is: what gets a model, or kernels, is chosen by an exhaustive switch.
  public enum Kind: String, CaseIterable, Sendable {
    case pool, reuse, tiered, locked

    /// What the family declares.
    public var family: Family {
      switch self {
      case .pool: .pool
      case .reuse: .reuse
      case .tiered: .tiered
      case .locked: .locked
      }
    }
  }

  public let kind: Kind
  /// One sentence: what sort of allocator this is.
  public let doc: String
  public let source: String
  public let toggles: [Toggle]
  /// C files below Sources/NativeDesigns/C, compiled together into the drop-in library.
  public let nativeSources: [String]

  init(kind: Kind, doc: String, source: String, toggles: [Toggle], nativeSources: [String]) {
    self.kind = kind
    self.doc = doc
    self.source = source
    self.toggles = toggles
    self.nativeSources = nativeSources
  }

  /// Every family, in the order in which `designs` lists them.
  public static let all: [Family] = Kind.allCases.map(\.family)

  /// The family of this name; nil where there is none.
  public init?(named name: String) {
    guard let kind = Kind(rawValue: name) else { return nil }
    self = kind.family
  }

  /// As it is written on the command line, in YAML and in tables.
  public var name: String { kind.rawValue }
  public var description: String { name }
}

extension Family: Hashable {
  /// A family is known by its name.
  public static func == (first: Family, second: Family) -> Bool { first.kind == second.kind }
  public func hash(into hasher: inout Hasher) { hasher.combine(kind) }
}
