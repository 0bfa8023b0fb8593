/// Why a text is no quantity. Positions count its characters from 1; known names come nearest
/// first.
public enum QuantityError: Error, Equatable, Sendable {
  case tooLong(Int)
  case tooDeep(position: Int)
  case unknownCharacter(String, position: Int)
  case malformedNumber(String, position: Int)
  case unclosedQuote(position: Int)
  case unexpected(String, expected: String, position: Int)
  case unknownMeasure(String, known: [String], position: Int)
  case unknownStep(String, known: [String], position: Int)
  case unknownUnit(String, known: [String], position: Int)
  /// An argument that is none of the few words that may stand there.
  case unknownArgument(String, of: String, known: [String], position: Int)
  case incompatible(Dimension, Operation, Dimension, position: Int)

  /// Where it went wrong.
  public var position: Int {
    switch self {
    case .tooLong: QuantityParser.longest + 1
    case .tooDeep(let position), .unknownCharacter(_, let position),
      .malformedNumber(_, let position), .unclosedQuote(let position),
      .unexpected(_, _, let position), .unknownMeasure(_, _, let position),
      .unknownStep(_, _, let position), .unknownUnit(_, _, let position),
      .unknownArgument(_, _, _, let position), .incompatible(_, _, _, let position):
      position
    }
  }

  /// What is wrong, and what was expected instead.
  public var problem: String {
    switch self {
    case .tooLong(let count):
      "a quantity has at most \(QuantityParser.longest) characters, not \(count)"
    case .tooDeep:
      "parentheses and signs nest deeper than \(QuantityParser.deepest) levels"
    case .unknownCharacter(let character, _):
      "“\(character)” stands for nothing; expected a number, a measure or one of + − × ÷ ( )"
    case .malformedNumber(let text, _): "expected a plain decimal, not “\(text)”"
    case .unclosedQuote: "expected a closing double quote"
    case .unexpected(let found, let expected, _): "expected \(expected), not \(found)"
    case .unknownMeasure(let name, _, _): "there is no measure “\(name)”"
    case .unknownStep(let name, _, _): "there is no step or component “\(name)”"
    case .unknownUnit(let name, _, _): "there is no unit “\(name)”"
    case .unknownArgument(let name, let measure, _, _): "\(measure)() knows no “\(name)”"
    case .incompatible(let left, let operation, let right, _):
      "\(left.rawValue) \(operation.rawValue) \(right.rawValue) has no meaning"
    }
  }

  /// What to write instead.
  public var remedy: String {
    switch self {
    case .tooLong, .tooDeep: "split the claim in two"
    case .unknownCharacter, .unclosedQuote, .unexpected:
      "Documentation/claims.md describes quantities"
    case .malformedNumber: "write it like 5079 or 0.5"
    case .unknownMeasure(_, let known, _), .unknownStep(_, let known, _),
      .unknownUnit(_, let known, _), .unknownArgument(_, _, let known, _):
      "known, nearest first: \(known.joined(separator: ", "))"
    case .incompatible(let left, let operation, let right, _):
      operation.bindsTightly
        ? "divide by a time, bytes or a count where a ratio is meant"
        : "give both sides the same unit: \(Self.hint(left, right))"
    }
  }

  private static func hint(_ left: Dimension, _ right: Dimension) -> String {
    [left, right].map { dimension in
      "\(dimension.rawValue) is in \(dimension.units.map(\.rawValue).joined(separator: ", "))"
    }.joined(separator: "; ")
  }
}
