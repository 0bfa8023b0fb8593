/// A family with its toggles set: what is compiled, simulated and measured.
public struct Design: Hashable, Sendable, CustomStringConvertible {
  public let family: Family
  /// Every toggle of the family with its value, in the family's order.
  public let settings: [Setting]

  public struct Setting: Hashable, Sendable, Codable {
    public let toggle: String
    public let value: String

    public init(toggle: String, value: String) {
      self.toggle = toggle
      self.value = value
    }
  }

  /// The value of a toggle. The family declares every toggle, so asking for another is a bug.
  public subscript(toggle: String) -> String {
    guard let setting = settings.first(where: { $0.toggle == toggle }) else {
      preconditionFailure("family \(family) declares no toggle \(toggle)")
    }
    return setting.value
  }

  /// A design with the family's defaults, but for the given changes (already validated).
  public init(family: Family, changes: [String: String] = [:]) {
    self.family = family
    settings = family.toggles.map {
      Setting(toggle: $0.name, value: changes[$0.name] ?? $0.defaultValue)
    }
  }

  /// What differs from the family's defaults, in the family's order.
  public var changes: [Setting] { settings.filter { !family.isDefault($0) } }

  /// Whether every toggle has its family's default.
  public var isDefault: Bool { settings.allSatisfy(family.isDefault) }

  /// Every toggle's value by its name.
  public var values: [String: String] {
    Dictionary(uniqueKeysWithValues: settings.map { ($0.toggle, $0.value) })
  }

  /// Canonical: the family and what differs from its defaults, as on the command line.
  public var description: String {
    ([family.name] + changes.map { "\($0.toggle)=\($0.value)" }).joined(separator: ",")
  }
}

extension Family {
  /// Whether a toggle of the family is set to its default.
  public func isDefault(_ setting: Design.Setting) -> Bool {
    toggles.first { $0.name == setting.toggle }?.defaultValue == setting.value
  }
}

extension Design {
  /// Whether every block's address is the design's own: the model of one that hands out blocks of
  /// the system's allocator knows nothing of their addresses or of what that allocator does.
  public var isWhollyModelled: Bool {
    !settings.contains { $0.toggle == "backing" && $0.value == "glibc" }
  }
}

/// An allocator as `--design` names it.
public enum Allocator: Hashable, Sendable {
  /// An own design: compiled on demand, and modelled.
  case own(Design)
  /// What the machine has: glibc (nothing preloaded), mimalloc, jemalloc, tcmalloc.
  case system(String)
  /// Any shared object that replaces malloc.
  case preload(path: String)
}
