/// Aligned text: a header line, a rule, and rows.
///
///     var table = Table(["design", "ns/event"], align: [.left, .right])
///     table.add("pool", Text.nanoseconds(8.41))
///     print(table.text)
public struct Table: Sendable {
  public enum Alignment: Sendable { case left, right }

  public let headers: [String]
  let alignments: [Alignment]
  private(set) var rows: [[String]] = []

  /// - Parameter align: one per column; when left out, the first column is left-aligned (names)
  ///   and every other one right-aligned (numbers).
  public init(_ headers: [String], align: [Alignment]? = nil) {
    precondition(
      align == nil || align?.count == headers.count, "one alignment for every column")
    self.headers = headers
    alignments =
      align ?? headers.indices.map { $0 == headers.startIndex ? .left : .right }
  }

  public var isEmpty: Bool { rows.isEmpty }

  /// Adds a row; cells that are missing at its end stay blank.
  public mutating func add(_ cells: [String]) {
    precondition(cells.count <= headers.count, "a row has no more cells than there are columns")
    rows.append(cells + Array(repeating: "", count: headers.count - cells.count))
  }

  public mutating func add(_ cells: String...) { add(cells) }

  /// The table with a newline after every line, without trailing blanks. Columns are as wide as
  /// their widest cell and stand two blanks apart.
  public var text: String {
    let widths = headers.indices.map { column in
      rows.reduce(headers[column].count) { max($0, $1[column].count) }
    }
    var lines = [
      line(headers, widths),
      widths.map { String(repeating: "─", count: $0) }
        .joined(separator: "  "),
    ]
    lines += rows.map { line($0, widths) }
    return lines.map { $0 + "\n" }.joined()
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    let padded = cells.indices.map { column in
      let padding = String(repeating: " ", count: widths[column] - cells[column].count)
      return alignments[column] == .left ? cells[column] + padding : padding + cells[column]
    }
    var line = padded.joined(separator: "  ")
    while line.hasSuffix(" ") { line.removeLast() }
    return line
  }
}
