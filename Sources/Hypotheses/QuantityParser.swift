import Designs

/// A quantity as it was read: the tree, what it is, and where its measures stand.
public struct ParsedQuantity: Hashable, Sendable {
  /// The tree.
  public let quantity: Quantity
  /// What its value is.
  public let dimension: Dimension
  /// Every mention of a measure with its position in the text, counted in characters from 1.
  public let mentions: [Mention]

  /// A measure and where it was written.
  public struct Mention: Hashable, Sendable {
    /// What is named.
    public let measure: Measure
    /// Of its first character, counted from 1.
    public let position: Int
  }

  /// Reads a quantity: sums of products of numbers with units, measures, and quantities in
  /// parentheses.
  /// - Parameter components: what besides steps `cost` and `share` may name.
  public init(_ text: String, components: [Component] = []) throws(QuantityError) {
    var parser = try QuantityParser(text, components: components)
    self = try parser.parse()
  }

  init(quantity: Quantity, dimension: Dimension, mentions: [Mention]) {
    self.quantity = quantity
    self.dimension = dimension
    self.mentions = mentions
  }
}

/// Reads quantities by recursive descent, and checks dimensions as it goes.
struct QuantityParser {
  /// Characters of the longest quantity.
  static let longest = 1000
  /// How deep parentheses and signs may nest: what bounds the recursion.
  static let deepest = 32

  private typealias Part = (quantity: Quantity, dimension: Dimension)

  let components: [Component]
  private let tokens: [QuantityToken]
  private var next = 0
  private var depth = 0
  private var mentions: [ParsedQuantity.Mention] = []

  init(_ text: String, components: [Component]) throws(QuantityError) {
    self.components = components
    tokens = try QuantityLexer.tokens(text)
  }

  mutating func parse() throws(QuantityError) -> ParsedQuantity {
    let whole = try sum()
    if token.kind != .end { throw unexpected("an operation or the end") }
    return ParsedQuantity(
      quantity: whole.quantity, dimension: whole.dimension, mentions: mentions)
  }

  // MARK: Expressions

  private mutating func sum() throws(QuantityError) -> Part {
    var left = try product()
    while case .operation(let operation) = token.kind, !operation.bindsTightly {
      let position = take().position
      left = try combine(left, operation, try product(), at: position)
    }
    return left
  }

  private mutating func product() throws(QuantityError) -> Part {
    var left = try signed()
    while case .operation(let operation) = token.kind, operation.bindsTightly {
      let position = take().position
      left = try combine(left, operation, try signed(), at: position)
    }
    return left
  }

  private mutating func signed() throws(QuantityError) -> Part {
    guard token.kind == .operation(.minus) else { return try primary() }
    try descend()
    take()
    let inner = try signed()
    depth -= 1
    return (.negated(inner.quantity), inner.dimension)
  }

  private mutating func primary() throws(QuantityError) -> Part {
    switch token.kind {
    case .number(let number):
      take()
      let unit = try unitIfAny()
      return (.number(number, unit), unit.dimension)
    case .open:
      try descend()
      take()
      let inner = try sum()
      try expect(.close, "“)” or an operation")
      depth -= 1
      return inner
    case .name(let name):
      let position = take().position
      let measure = try measure(name, position: position)
      mentions.append(.init(measure: measure, position: position))
      return (.measured(measure), measure.dimension)
    case .quoted, .operation, .close, .comma, .end:
      throw unexpected("a number, a measure or “(”")
    }
  }

  private mutating func unitIfAny() throws(QuantityError) -> ClaimUnit {
    guard case .name(let name) = token.kind else { return .ratio }
    guard let unit = ClaimUnit(name: name) else {
      throw .unknownUnit(
        name, known: NearestNames.sorted(ClaimUnit.allCases.map(\.rawValue), by: name),
        position: token.position)
    }
    take()
    return unit
  }

  private func combine(
    _ left: Part, _ operation: Operation, _ right: Part, at position: Int
  ) throws(QuantityError) -> Part {
    guard let dimension = Dimension.of(left.dimension, operation, right.dimension) else {
      throw .incompatible(left.dimension, operation, right.dimension, position: position)
    }
    return (.combined(operation, left.quantity, right.quantity), dimension)
  }

  private mutating func descend() throws(QuantityError) {
    depth += 1
    if depth > Self.deepest { throw .tooDeep(position: token.position) }
  }

  // MARK: Tokens

  var token: QuantityToken { tokens[next] }

  @discardableResult
  mutating func take() -> QuantityToken {
    let taken = tokens[next]
    if taken.kind != .end { next += 1 }
    return taken
  }

  mutating func expect(_ kind: QuantityToken.Kind, _ expected: String) throws(QuantityError) {
    if token.kind != kind { throw unexpected(expected) }
    take()
  }

  func unexpected(_ expected: String) -> QuantityError {
    .unexpected(token.text, expected: expected, position: token.position)
  }
}
