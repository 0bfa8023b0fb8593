import Platform

/// Where a name was written: on the command line or in a design file.
public enum NamePlace: Hashable, Sendable, CustomStringConvertible {
  /// An option's value, as given, and the option.
  case option(String, of: String = "--design")
  /// An argument without an option, as given.
  case argument(String)
  /// A position in a file; line and column count from 1.
  case file(String, line: Int, column: Int)

  public var description: String {
    switch self {
    case .option(let text, let option): "\(option) \(text)"
    case .argument(let text): "argument \(text)"
    case .file(let path, let line, let column): "\(path):\(line):\(column)"
    }
  }
}

/// A design that can't be understood. Known names come nearest first.
public enum DesignError: UserFacingError, Equatable {
  case unknownDesign(String, known: [String], at: NamePlace)
  case unknownToggle(String, family: String, known: [String], at: NamePlace)
  case unknownValue(String, toggle: String, family: String, known: [String], at: NamePlace)
  case malformedSetting(String, at: NamePlace)
  case repeatedToggle(String, at: NamePlace)
  case contradiction(Contradiction, at: NamePlace)
  case noToggles(allocator: String, at: NamePlace)
  /// An allocator that is only known from outside, where a model was asked for.
  case notModelled(String, at: NamePlace)
  case missingPreload(String, at: NamePlace)
  case unreadable(String, why: String)
  case syntax(String, at: NamePlace)
  case unknownKey(String, known: [String], at: NamePlace)
  case missingKey(String, at: NamePlace)
  case wrongKind(String, expected: String, at: NamePlace)
  case repeatedName(String, first: String, at: NamePlace)

  public var message: String {
    switch self {
    case .unknownDesign(let name, _, let place):
      "\(place): there is no design, allocator or design file \(quoted(name))"
    case .unknownToggle(let name, let family, _, let place):
      "\(place): family \(family) has no toggle \(quoted(name))"
    case .unknownValue(let value, let toggle, let family, _, let place):
      "\(place): toggle \(toggle) of family \(family) can't be \(quoted(value))"
    case .malformedSetting(let text, let place):
      "\(place): expected toggle=value, not \(quoted(text))"
    case .repeatedToggle(let name, let place): "\(place): toggle \(name) is set twice"
    case .contradiction(let found, let place):
      "\(place): \(found.setting.toggle)=\(found.setting.value) has no effect with "
        + "\(found.requirement.toggle)=\(found.actual): \(found.requirement.reason)"
    case .noToggles(let allocator, let place):
      "\(place): \(allocator) is not an own design and has no toggles"
    case .notModelled(let name, let place): "\(place): there is no whole model of \(quoted(name))"
    case .missingPreload(let path, let place):
      path.isEmpty
        ? "\(place): expected a file after preload:" : "\(place): there is no file \(path)"
    case .unreadable(let path, let why): "\(path) can't be read: \(why)"
    case .syntax(let problem, let place): "\(place): not valid YAML: \(problem)"
    case .unknownKey(let key, _, let place): "\(place): unknown key \(quoted(key))"
    case .missingKey(let key, let place): "\(place): the key \(quoted(key)) is missing"
    case .wrongKind(let key, let expected, let place):
      "\(place): \(quoted(key)) must be \(expected)"
    case .repeatedName(let name, let first, let place):
      "\(place): the name \(quoted(name)) is already taken by \(first)"
    }
  }

  public var remedy: String? {
    switch self {
    case .unknownDesign(_, let known, _): "known, nearest first: \(list(known))"
    case .unknownToggle(_, _, let known, _), .unknownKey(_, let known, _):
      "known, nearest first: \(list(known))"
    case .unknownValue(_, _, _, let known, _): "expected one of \(list(known))"
    case .malformedSetting: "write it like this: --design reuse,policy=frozen,header=16"
    case .repeatedToggle: "keep one of the two"
    case .contradiction(let found, _):
      "set \(found.requirement.description), or leave \(found.setting.toggle) at its default, "
        + found.defaultValue
    case .notModelled(let name, _): "measure it: mallometer replay TRACE --design \(name)"
    case .noToggles: "see what can be set: mallometer designs"
    case .missingPreload: "name a shared object: --design preload:/usr/lib/libexample.so"
    case .unreadable: "check the path and its permissions"
    case .syntax, .missingKey, .wrongKind: "models/README.md describes the format"
    case .repeatedName: "give one of the two another name"
    }
  }

  private func quoted(_ text: String) -> String { "“\(text)”" }
  private func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
