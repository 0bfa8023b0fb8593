/// The weighted products of one run's rows, over the columns that occur in it.
///
/// A run has about half of all columns: its sums take a quarter of the memory of `NormalEquations`
/// over all of them, and adding them costs an eighth.
struct RunSums: Sendable {
  /// Rising.
  let columns: [Int]
  /// XᵀWX, its upper triangle, row after row.
  private(set) var gram: [Double]
  /// XᵀWy.
  private(set) var right: [Double]

  init(columns: [Int]) {
    self.columns = columns
    gram = [Double](repeating: 0, count: columns.count * (columns.count + 1) / 2)
    right = [Double](repeating: 0, count: columns.count)
  }

  /// - Parameter row: one value per column.
  mutating func add(row: UnsafeBufferPointer<Double>, target: Double, weight: Double) {
    let count = columns.count
    gram.withUnsafeMutableBufferPointer { gram in
      var base = 0
      for first in 0..<count {
        let value = row[first] * weight
        if value != 0 {
          for second in first..<count { gram[base + second - first] += value * row[second] }
        }
        base += count - first
      }
    }
    for index in 0..<count { right[index] += row[index] * weight * target }
  }

  /// v′ XᵀWX v.
  /// - Parameter vector: over all columns.
  func quadratic(_ vector: [Double]) -> Double {
    var sum = 0.0
    var base = 0
    for first in columns.indices {
      let value = vector[columns[first]]
      if value != 0 {
        var inner = gram[base] * value
        for second in (first + 1)..<max(first + 1, columns.count) {
          inner += 2 * gram[base + second - first] * vector[columns[second]]
        }
        sum += value * inner
      }
      base += columns.count - first
    }
    return sum
  }

  /// Adds to sums over all columns, of which only the upper triangle is kept up.
  func add(toUpper sums: inout NormalEquations, times factor: Double) {
    let count = columns.count
    let size = sums.size
    columns.withUnsafeBufferPointer { columns in
      gram.withUnsafeBufferPointer { gram in
        sums.withMutableGram { target in
          var base = 0
          for first in 0..<count {
            let row = columns[first] * size
            for second in first..<count {
              target[row + columns[second]] += factor * gram[base + second - first]
            }
            base += count - first
          }
        }
      }
      for index in 0..<count { sums.addRight(columns[index], factor * right[index]) }
    }
  }
}
