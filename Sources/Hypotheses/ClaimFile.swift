import Designs
import Foundation

/// The claims of one YAML file, and what of it can't be understood.
public struct ClaimFile: Sendable {
  /// The file it was read from.
  public let path: String
  /// In the order of the rows.
  public let claims: [Claim]
  /// One for each bad row, and those of the file's head.
  public let errors: [ClaimError]
  /// The ids of bad rows, as far as they can be read.
  public let unreadable: [String]

  static let keys = ["seed", "section", "workload", "designs", "standIn", "claims"]

  /// Reads every row that can be understood; a bad row is an error beside the others, and so is
  /// what is wrong with the head. A file that is no YAML in more than single rows has errors only.
  public init(path: String, vocabulary: ClaimVocabulary) {
    self.path = path
    var claims: [Claim] = []
    var errors: [ClaimError] = []
    var unreadable: [String] = []
    do throws(ClaimError) {
      let text = try ClaimError.wrapping { () throws(DesignError) in
        try StrictMapping.contents(of: path)
      }
      let (whole, broken) = try Self.parse(ClaimText(text), path: path)
      for row in broken {
        errors.append(row.error)
        if let id = row.id { unreadable.append(id) }
      }
      if let file = whole {
        do throws(DesignError) {
          try file.allow(Self.keys)
        } catch {
          errors.append(.reading(error))
        }
        for row in try Self.rows(of: file) {
          do throws(ClaimError) {
            let entry = try ClaimError.wrapping { () throws(DesignError) in try row.get() }
            do throws(ClaimError) {
              claims.append(try ClaimRow(entry, file: file, vocabulary: vocabulary).claim())
            } catch {
              if let id = try? entry.optionalText("id") { unreadable.append(id.text) }
              throw error
            }
          } catch {
            errors.append(error)
          }
        }
      }
    } catch {
      errors.append(error)
    }
    self.claims = claims
    self.errors = errors
    self.unreadable = unreadable
  }

  private static func rows(
    of file: StrictMapping
  ) throws(ClaimError) -> [Result<StrictMapping, DesignError>] {
    try ClaimError.wrapping { () throws(DesignError) in
      guard file.keys.contains("claims") else { throw .missingKey("claims", at: file.place) }
      return try file.mappings("claims")
    }
  }

  private typealias BrokenRow = (error: ClaimError, id: String?)

  /// Reads the text, leaving out rows that are no YAML, for which the others aren't to blame.
  /// - Returns: no mapping where no other row is left.
  private static func parse(
    _ text: ClaimText, path: String
  ) throws(ClaimError) -> (StrictMapping?, [BrokenRow]) {
    var text = text
    var broken: [BrokenRow] = []
    while true {
      do throws(DesignError) {
        return (try StrictMapping(text: text.joined, path: path), broken)
      } catch {
        guard case .syntax(_, let place) = error, let line = place.position?.line,
          let row = text.row(of: line)
        else { throw .reading(error) }
        broken.append((.reading(error), text.id(of: row)))
        text.blank(row)
        if text.rows.isEmpty { return (nil, broken) }
      }
    }
  }
}

/// The lines of a file of claims, as rows of its list.
private struct ClaimText {
  private var lines: [Substring]
  /// Ranges of lines, from 0.
  private(set) var rows: [Range<Int>] = []

  init(_ text: String) {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let head = lines.firstIndex(where: { $0.hasPrefix("claims:") }),
      let first = lines[(head + 1)...].firstIndex(where: { Self.isItem($0) })
    else { return }
    let indent = lines[first].prefix { $0 == " " }
    let starts = (first..<lines.count).filter {
      Self.isItem(lines[$0]) && lines[$0].prefix { $0 == " " } == indent
    }
    for (index, start) in starts.enumerated() {
      rows.append(start..<(index + 1 < starts.count ? starts[index + 1] : lines.count))
    }
  }

  var joined: String { lines.joined(separator: "\n") }

  /// - Parameter line: counted from 1.
  func row(of line: Int) -> Range<Int>? { rows.first { $0.contains(line - 1) } }

  func id(of row: Range<Int>) -> String? {
    for line in lines[row] {
      let words = line.split(separator: " ").filter { $0 != "-" }
      if words.count > 1, words[0] == "id:" { return String(words[1]) }
    }
    return nil
  }

  /// Empties a row's lines: those of the others keep their numbers.
  mutating func blank(_ row: Range<Int>) {
    for line in row { lines[line] = "" }
    rows.removeAll { $0 == row }
  }

  private static func isItem(_ line: Substring) -> Bool {
    line.drop { $0 == " " }.hasPrefix("- ")
  }
}
