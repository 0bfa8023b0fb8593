/// A dense matrix of doubles, row after row: the layout that GSL's views wrap without copying.
public struct Matrix: Equatable, Sendable {
  public let rows: Int
  public let columns: Int
  /// `rows` × `columns` values, row-major.
  public var elements: [Double]

  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    elements = [Double](repeating: 0, count: rows * columns)
  }

  /// - Parameter elements: row-major, `rows` × `columns` of them.
  public init(rows: Int, columns: Int, elements: [Double]) {
    precondition(elements.count == rows * columns, "a matrix has rows × columns elements")
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  public subscript(row: Int, column: Int) -> Double {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  /// The given columns, in the given order.
  public func selecting(columns selected: [Int]) -> Matrix {
    var result = Matrix(rows: rows, columns: selected.count)
    for row in 0..<rows {
      for (target, source) in selected.enumerated() {
        result.elements[row * selected.count + target] = elements[row * columns + source]
      }
    }
    return result
  }

  /// Euclidean length of every column.
  public var columnNorms: [Double] {
    var squares = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      for column in 0..<columns {
        let value = elements[row * columns + column]
        squares[column] += value * value
      }
    }
    return squares.map { $0.squareRoot() }
  }

  /// The matrix times a vector of `columns` values.
  public func times(_ vector: [Double]) -> [Double] {
    (0..<rows).map { row in
      var sum = 0.0
      for column in 0..<columns { sum += elements[row * columns + column] * vector[column] }
      return sum
    }
  }

  /// The transposed matrix times a vector of `rows` values.
  public func transposedTimes(_ vector: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      for column in 0..<columns {
        result[column] += elements[row * columns + column] * vector[row]
      }
    }
    return result
  }
}
