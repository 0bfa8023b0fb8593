/// Sums of weighted products, XᵀWX and XᵀWy: all that least squares needs to know of the rows.
///
/// Sums of clusters add up, so leaving a cluster out or drawing it twice costs one pass over
/// `size`² numbers instead of a pass over the data: what makes bootstrap and cross-validation cheap.
public struct NormalEquations: Sendable {
  public let size: Int
  /// XᵀWX, full and symmetric, row-major.
  public private(set) var gram: [Double]
  /// XᵀWy.
  public private(set) var right: [Double]

  public init(size: Int) {
    self.size = size
    gram = [Double](repeating: 0, count: size * size)
    right = [Double](repeating: 0, count: size)
  }

  /// From whole rows, for small problems.
  public init(_ matrix: Matrix, _ target: [Double]) {
    self.init(size: matrix.columns)
    let columns = Array(0..<size)
    matrix.elements.withUnsafeBufferPointer { elements in
      for row in 0..<matrix.rows {
        add(
          row: UnsafeBufferPointer(rebasing: elements[row * size..<(row + 1) * size]),
          columns: columns, target: target[row], weight: 1)
      }
    }
    symmetrize()
  }

  /// Adds one row given by its values in `columns` (rising). Only the upper triangle is kept up:
  /// call `symmetrize` after the last row.
  mutating func add(
    row: UnsafeBufferPointer<Double>, columns: [Int], target: Double, weight: Double
  ) {
    columns.withUnsafeBufferPointer { columns in
      gram.withUnsafeMutableBufferPointer { gram in
        for first in 0..<columns.count {
          let value = row[first] * weight
          if value == 0 { continue }
          right[columns[first]] += value * target
          let base = columns[first] * size
          for second in first..<columns.count {
            gram[base + columns[second]] += value * row[second]
          }
        }
      }
    }
  }

  /// Gives room to add to the upper triangle.
  mutating func withMutableGram(_ body: (UnsafeMutableBufferPointer<Double>) -> Void) {
    gram.withUnsafeMutableBufferPointer { body($0) }
  }

  mutating func addRight(_ row: Int, _ value: Double) { right[row] += value }

  /// Forgets a column: it has no count.
  mutating func clear(_ column: Int) {
    for other in 0..<size {
      gram[column * size + other] = 0
      gram[other * size + column] = 0
    }
    right[column] = 0
  }

  mutating func symmetrize() {
    for row in 0..<size {
      for column in (row + 1)..<max(row + 1, size) {
        gram[column * size + row] = gram[row * size + column]
      }
    }
  }

  /// Adds `other`, `times` over.
  public mutating func add(_ other: NormalEquations, times: Double = 1) {
    precondition(size == other.size, "sums of the same columns")
    gram.withUnsafeMutableBufferPointer { mine in
      other.gram.withUnsafeBufferPointer { theirs in
        for index in 0..<mine.count { mine[index] += times * theirs[index] }
      }
    }
    for index in 0..<size { right[index] += times * other.right[index] }
  }

  /// A penalty precision × (coefficient − mean)² on one coefficient: a Gaussian prior.
  public mutating func addPrior(column: Int, mean: Double, precision: Double) {
    gram[column * size + column] += precision
    right[column] += precision * mean
  }

  mutating func add(_ row: Int, _ column: Int, _ value: Double) {
    gram[row * size + column] += value
  }

  mutating func set(_ row: Int, _ column: Int, _ value: Double) {
    gram[row * size + column] = value
  }

  mutating func setRight(_ row: Int, _ value: Double) { right[row] = value }

  /// The sums of some of the columns.
  func selecting(_ columns: [Int]) -> NormalEquations {
    var result = NormalEquations(size: columns.count)
    for (row, first) in columns.enumerated() {
      result.right[row] = right[first]
      for (position, second) in columns.enumerated() {
        result.gram[row * columns.count + position] = gram[first * size + second]
      }
    }
    return result
  }
}
