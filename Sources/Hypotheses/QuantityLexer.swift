/// A piece of a quantity's text and where it begins, counted in characters from 1.
struct QuantityToken: Equatable {
  enum Kind: Equatable {
    case number(Double)
    /// A function, step, component, unit or optimisation.
    case name(String)
    /// Between double quotes.
    case quoted(String)
    case operation(Operation)
    case open, close, comma
    case end
  }

  let kind: Kind
  let position: Int

  /// As an error quotes it.
  var text: String {
    switch kind {
    case .number(let number): "“\(ClaimNumber.text(number))”"
    case .name(let name), .quoted(let name): "“\(name)”"
    case .operation(let operation): "“\(operation.rawValue)”"
    case .open: "“(”"
    case .close: "“)”"
    case .comma: "“,”"
    case .end: "the end"
    }
  }
}

/// Cuts a quantity's text into tokens.
///
/// A hyphen belongs to a name where a letter or digit stands on both its sides, as in
/// `free-list-pop`; anywhere else it is a minus.
enum QuantityLexer {
  /// - Complexity: O(n) characters.
  static func tokens(_ text: String) throws(QuantityError) -> [QuantityToken] {
    let characters = Array(text)
    guard characters.count <= QuantityParser.longest else { throw .tooLong(characters.count) }
    var tokens: [QuantityToken] = []
    var index = 0
    while index < characters.count {
      let start = index
      let character = characters[index]
      if character.isWhitespace {
        index += 1
        continue
      }
      let kind: QuantityToken.Kind
      if let simple = symbol(character) {
        kind = simple
        index += 1
      } else if isDigit(character) {
        index = end(of: characters, from: start) { isDigit($0) || $0 == "." }
        let digits = String(characters[start..<index])
        guard let number = ClaimNumber.value(digits) else {
          throw .malformedNumber(digits, position: start + 1)
        }
        kind = .number(number)
      } else if character.isLetter || character == "%" {
        index = character == "%" ? start + 1 : endOfName(characters, from: start)
        kind = .name(String(characters[start..<index]))
      } else if character == "\"" {
        guard let closing = characters[(start + 1)...].firstIndex(of: "\"") else {
          throw .unclosedQuote(position: start + 1)
        }
        kind = .quoted(String(characters[(start + 1)..<closing]))
        index = closing + 1
      } else {
        throw .unknownCharacter(String(character), position: start + 1)
      }
      tokens.append(QuantityToken(kind: kind, position: start + 1))
    }
    tokens.append(QuantityToken(kind: .end, position: characters.count + 1))
    return tokens
  }

  /// Whether a text is one name, which needs no quotes.
  static func isName(_ text: String) -> Bool {
    let characters = Array(text)
    return characters.first?.isLetter == true
      && endOfName(characters, from: 0) == characters.count
  }

  private static func symbol(_ character: Character) -> QuantityToken.Kind? {
    switch character {
    case "(": .open
    case ")": .close
    case ",": .comma
    case "+": .operation(.plus)
    case "-", "−": .operation(.minus)
    case "*", "×": .operation(.times)
    case "/", "÷": .operation(.over)
    default: nil
    }
  }

  private static func isDigit(_ character: Character) -> Bool {
    character.isASCII && character.isNumber
  }

  private static func end(
    of characters: [Character], from start: Int, while holds: (Character) -> Bool
  ) -> Int {
    characters[start...].firstIndex { !holds($0) } ?? characters.count
  }

  private static func endOfName(_ characters: [Character], from start: Int) -> Int {
    var index = start
    while index < characters.count {
      let character = characters[index]
      let joins = character == "-" && index + 1 < characters.count && isPart(characters[index + 1])
      guard isPart(character) || joins else { break }
      index += 1
    }
    return index
  }

  private static func isPart(_ character: Character) -> Bool {
    character.isLetter || isDigit(character)
  }
}
