import Foundation

extension NormalEquations {
  /// Non-negative least squares from the sums alone, by the same active set as
  /// `NonNegativeLeastSquares` with Cholesky in place of QR.
  ///
  /// Half the digits of QR: with scaled columns and priors eight are left where columns nearly
  /// depend on one another, which is more than times have. Tests compare it with QR.
  /// - Parameters:
  ///   - start: a former solution: its positive entries are the first guess of the columns in use.
  ///   - free: columns that may turn negative.
  /// - Complexity: a handful of Cholesky factorisations, size³ / 3 operations each.
  public func solveNonNegative(start: [Double]? = nil, free: Set<Int> = []) -> [Double] {
    let scale = (0..<size).map { column -> Double in
      let square = gram[column * size + column]
      return square > 0 ? 1 / square.squareRoot() : 0
    }
    var x = (0..<size).map { column -> Double in
      let value = start?[column] ?? 0
      guard scale[column] > 0 else { return 0 }
      return (free.contains(column) ? value : max(0, value)) / scale[column]
    }
    var inUse = (0..<size).map { scale[$0] > 0 && (x[$0] > 0 || free.contains($0)) }
    var excluded = scale.map { $0 == 0 }
    let largest = zip(right, scale).map { ($0 * $1).magnitude }.max() ?? 0
    let tolerance = 1e-10 * max(largest, 1e-300)
    let factor = CholeskyScratch(capacity: size)
    var newest: Int?
    for _ in 0..<(4 * size + 8) {
      settle(scale, &x, &inUse, &excluded, free, newest, factor)
      var best: Int?
      var most = tolerance
      for column in 0..<size where !inUse[column] && !excluded[column] {
        var slope = right[column] * scale[column]
        for other in 0..<size where x[other] != 0 {
          slope -= gram[column * size + other] * scale[column] * scale[other] * x[other]
        }
        if slope > most { (most, best) = (slope, column) }
      }
      guard let best else { break }
      inUse[best] = true
      newest = best
    }
    return (0..<size).map { x[$0] * scale[$0] }
  }

  /// A triangle with the singular values of the rows, columns scaled to length 1: those that depend
  /// on others are left out.
  func scaledFactor() -> Matrix {
    let scale = (0..<size).map { column -> Double in
      let square = gram[column * size + column]
      return square > 0 ? 1 / square.squareRoot() : 0
    }
    var set = (0..<size).filter { scale[$0] > 0 }
    let scratch = CholeskyScratch(capacity: size)
    while let singular = scratch.solve(self, scale, set) { set.remove(at: singular) }
    return scratch.factor(set.count)
  }

  private func settle(
    _ scale: [Double], _ x: inout [Double], _ inUse: inout [Bool], _ excluded: inout [Bool],
    _ free: Set<Int>, _ newest: Int?, _ factor: CholeskyScratch
  ) {
    while true {
      let set = (0..<size).filter { inUse[$0] }
      guard !set.isEmpty else { return }
      if let singular = factor.solve(self, scale, set) {
        // Dependent on the columns before it: the newest one goes, else the one that showed it.
        let culprit = newest.flatMap { set.contains($0) ? $0 : nil } ?? set[singular]
        inUse[culprit] = false
        excluded[culprit] = true
        x[culprit] = 0
        continue
      }
      if let newest, !free.contains(newest), x[newest] == 0,
        let position = set.firstIndex(of: newest), factor.solution[position] <= 0
      {
        inUse[newest] = false
        excluded[newest] = true
        continue
      }
      var step = 1.0
      var blocking: Int?
      for (position, column) in set.enumerated()
      where factor.solution[position] <= 0 && !free.contains(column) {
        let distance = x[column] - factor.solution[position]
        let reach = distance > 0 ? x[column] / distance : 0
        if reach < step { (step, blocking) = (reach, column) }
      }
      for (position, column) in set.enumerated() {
        x[column] += step * (factor.solution[position] - x[column])
      }
      guard let blocking else { return }
      x[blocking] = 0
      for column in set where x[column] <= 0 && !free.contains(column) {
        x[column] = 0
        inUse[column] = false
      }
    }
  }
}

/// Memory for factorising the scaled Gram matrix of a set of columns, reused between solves.
final class CholeskyScratch {
  private var lower: [Double]
  /// One value per column of the last set solved for.
  private(set) var solution: [Double]

  init(capacity: Int) {
    lower = [Double](repeating: 0, count: capacity * capacity)
    solution = [Double](repeating: 0, count: capacity)
  }

  /// - Returns: the position in `set` of a column that depends on those before it, or nil.
  func solve(_ sums: NormalEquations, _ scale: [Double], _ set: [Int]) -> Int? {
    let count = set.count
    let size = sums.size
    return sums.gram.withUnsafeBufferPointer { gram in
      lower.withUnsafeMutableBufferPointer { lower in
        for row in 0..<count {
          let source = set[row] * size
          for column in 0...row {
            var sum = gram[source + set[column]] * scale[set[row]] * scale[set[column]]
            for inner in 0..<column {
              sum -= lower[row * count + inner] * lower[column * count + inner]
            }
            if row == column {
              // Scaled columns have length 1: this is 1 − R² on the columns before.
              guard sum > 1e-11 else { return row }
              lower[row * count + row] = sum.squareRoot()
            } else {
              lower[row * count + column] = sum / lower[column * count + column]
            }
          }
        }
        for row in 0..<count {
          var sum = sums.right[set[row]] * scale[set[row]]
          for inner in 0..<row { sum -= lower[row * count + inner] * solution[inner] }
          solution[row] = sum / lower[row * count + row]
        }
        for row in stride(from: count - 1, through: 0, by: -1) {
          var sum = solution[row]
          for inner in (row + 1)..<max(row + 1, count) {
            sum -= lower[inner * count + row] * solution[inner]
          }
          solution[row] = sum / lower[row * count + row]
        }
        return nil
      }
    }
  }

  /// The lower triangle of the last set that was solved for.
  func factor(_ count: Int) -> Matrix {
    var result = Matrix(rows: count, columns: count)
    for row in 0..<count {
      for column in 0...row { result[row, column] = lower[row * count + column] }
    }
    return result
  }

  /// The logarithm of the determinant of a positive definite system.
  func logDeterminant(_ sums: NormalEquations) -> Double {
    let ones = [Double](repeating: 1, count: sums.size)
    guard solve(sums, ones, Array(0..<sums.size)) == nil else { return -.infinity }
    var sum = 0.0
    for row in 0..<sums.size { sum += 2 * log(lower[row * sums.size + row]) }
    return sum
  }
}
