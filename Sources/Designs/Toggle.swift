/// A named choice in a design.
public struct Toggle: Equatable, Sendable {
  /// As it is written on the command line, in YAML and in tables.
  public let name: String
  /// The values it can take, in the order in which they are listed.
  public let values: [String]
  public let defaultValue: String
  /// One sentence: what the choice is.
  public let doc: String
  /// The document and section the choice comes from.
  public let source: String
  /// What must be set for values other than the default to have any effect, all of it.
  public let requires: [Requirement]
  /// Values with which calls take a lock, or run a locked instruction, that they don't with the
  /// default. Beside one, what other changes cost is partly hidden.
  public let lockingValues: [String]

  public init(
    _ name: String, _ values: [String], default: String, doc: String, source: String,
    requires: [Requirement] = [], locking: [String] = []
  ) {
    precondition(values.contains(`default`), "the default of \(name) is one of its values")
    precondition(
      locking.allSatisfy { values.contains($0) && $0 != `default` },
      "what locks is a value of \(name) other than its default")
    self.name = name
    self.values = values
    self.defaultValue = `default`
    self.doc = doc
    self.source = source
    self.requires = requires
    lockingValues = locking
  }
}
