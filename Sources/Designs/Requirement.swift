/// What a toggle needs of another one to have any effect when it isn't at its default.
public struct Requirement: Equatable, Sendable {
  /// The other toggle.
  public let toggle: String
  /// The values of it that will do, the one to choose first.
  public let values: [String]
  /// Half a sentence: why there is no effect otherwise.
  public let reason: String

  public init(_ toggle: String, _ values: [String], reason: String) {
    precondition(!values.isEmpty, "something must meet a requirement")
    self.toggle = toggle
    self.values = values
    self.reason = reason
  }

  /// As on the command line: `policy=frozen or policy=off`.
  public var description: String {
    values.map { "\(toggle)=\($0)" }.joined(separator: " or ")
  }
}

/// A toggle that is set but can't have any effect, because of another one.
public struct Contradiction: Equatable, Sendable {
  /// What is set in vain.
  public let setting: Design.Setting
  /// The toggle's default, which contradicts nothing.
  public let defaultValue: String
  public let requirement: Requirement
  /// What the other toggle is set to.
  public let actual: String
}

extension Family {
  /// The first toggle, in the family's order, that differs from its default in vain; nil when all
  /// of them have an effect.
  /// - Parameters:
  ///   - changes: values by toggle; what is missing is at its default.
  ///   - isPartial: take a toggle that is missing for one that will be set as it must be, as a named
  ///     change to designs does.
  public func contradiction(
    in changes: [String: String], isPartial: Bool = false
  ) -> Contradiction? {
    for toggle in toggles {
      guard let value = changes[toggle.name], value != toggle.defaultValue else { continue }
      for requirement in toggle.requires {
        if isPartial && changes[requirement.toggle] == nil { continue }
        let actual = self.value(of: requirement.toggle, in: changes)
        if requirement.values.contains(actual) { continue }
        return Contradiction(
          setting: Design.Setting(toggle: toggle.name, value: value),
          defaultValue: toggle.defaultValue, requirement: requirement, actual: actual)
      }
    }
    return nil
  }

  /// The changes, and what they require of toggles that they don't name themselves.
  func completed(_ changes: [String: String]) -> [String: String] {
    var completed = changes
    while let unmet = contradiction(in: completed), completed[unmet.requirement.toggle] == nil {
      completed[unmet.requirement.toggle] = unmet.requirement.values[0]
    }
    return completed
  }

  private func value(of toggle: String, in changes: [String: String]) -> String {
    guard let declared = toggles.first(where: { $0.name == toggle }) else {
      preconditionFailure("family \(name) declares no toggle \(toggle)")
    }
    return changes[toggle] ?? declared.defaultValue
  }
}

extension Design {
  /// The first of its settings that can't have any effect; nil when all of them have one.
  public var contradiction: Contradiction? { family.contradiction(in: values) }
}
