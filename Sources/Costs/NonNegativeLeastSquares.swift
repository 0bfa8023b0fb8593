/// Least squares with coefficients that can't be negative, on Householder QR.
///
/// C. L. Lawson, R. J. Hanson: Solving Least Squares Problems (1974), chapter 23. The active set
/// grows by the most promising column, a step that would cross the bound stops on it. Columns are
/// scaled to unit length first, so that tolerances mean the same for a page fault's column as for
/// a counter's. A column that depends linearly on those already in use stays at zero.
public enum NonNegativeLeastSquares {
  public struct Solution: Equatable, Sendable {
    /// One per column, none negative.
    public let coefficients: [Double]
    /// ‖matrix × coefficients − target‖².
    public let residualSquares: Double
    /// Columns that were left at zero because they depend on the ones in use.
    public let dependent: [Int]
  }

  /// How small |R_jj| / ‖column‖ may get before a column counts as dependent.
  private static let dependence = 1e-9

  /// - Parameter start: a former solution to begin from; its positive entries are the first guess
  ///   of the columns in use.
  /// - Throws: `CostsError.shape` or `.library`.
  public static func solve(_ matrix: Matrix, _ target: [Double], start: [Double]? = nil)
    throws(CostsError) -> Solution
  {
    let columns = matrix.columns
    guard target.count == matrix.rows else {
      throw .shape(what: "right-hand side", have: target.count, expected: matrix.rows)
    }
    if let start, start.count != columns {
      throw .shape(what: "start", have: start.count, expected: columns)
    }
    let norms = matrix.columnNorms
    var scaled = matrix
    for row in 0..<matrix.rows {
      for column in 0..<columns where norms[column] > 0 {
        scaled.elements[row * columns + column] /= norms[column]
      }
    }
    var x = (0..<columns).map { max(0, start?[$0] ?? 0) * norms[$0] }
    var inUse = x.map { $0 > 0 }
    var excluded = norms.map { $0 == 0 }
    var dependent: [Int] = []
    let length = target.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let tolerance = 1e-12 * max(length, 1e-300)
    var newest: Int?
    // Each round adds a column; in exact arithmetic no set of columns comes twice.
    for _ in 0..<(4 * columns + 8) {
      newest = try settle(scaled, target, &x, &inUse, &excluded, &dependent, newest)
      let residual = zip(target, scaled.times(x)).map { $0 - $1 }
      let gradient = scaled.transposedTimes(residual)
      var best: Int?
      for column in 0..<columns where !inUse[column] && !excluded[column] {
        if gradient[column] > max(tolerance, best.map { gradient[$0] } ?? 0) { best = column }
      }
      guard let best else { break }
      inUse[best] = true
      newest = best
    }
    let residual = zip(target, scaled.times(x)).map { $0 - $1 }
    return Solution(
      coefficients: (0..<columns).map { norms[$0] > 0 ? x[$0] / norms[$0] : 0 },
      residualSquares: residual.reduce(0) { $0 + $1 * $1 }, dependent: dependent.sorted())
  }

  /// Solves on the columns in use, and drops those that would turn negative, until none does.
  /// - Returns: nil always: the newest column has been dealt with.
  private static func settle(
    _ matrix: Matrix, _ target: [Double], _ x: inout [Double], _ inUse: inout [Bool],
    _ excluded: inout [Bool], _ dependent: inout [Int], _ newest: Int?
  ) throws(CostsError) -> Int? {
    while true {
      let set = x.indices.filter { inUse[$0] }
      guard !set.isEmpty else { return nil }
      let solved = try LinearAlgebra.leastSquares(matrix.selecting(columns: set), target)
      guard let solved, solved.independence > dependence else {
        // A column makes the set singular: the newest one, or without one the last of the start.
        let culprit = newest ?? set[set.count - 1]
        inUse[culprit] = false
        excluded[culprit] = true
        x[culprit] = 0
        dependent.append(culprit)
        continue
      }
      if let newest, let position = set.firstIndex(of: newest), x[newest] == 0,
        solved.solution[position] <= 0
      {
        // Its gradient was rounding error.
        inUse[newest] = false
        excluded[newest] = true
        continue
      }
      var step = 1.0
      var blocking: Int?
      for (position, column) in set.enumerated() where solved.solution[position] <= 0 {
        let distance = x[column] - solved.solution[position]
        let reach = distance > 0 ? x[column] / distance : 0
        if reach < step { (step, blocking) = (reach, column) }
      }
      for (position, column) in set.enumerated() {
        x[column] += step * (solved.solution[position] - x[column])
      }
      guard let blocking else { return nil }
      x[blocking] = 0
      for column in set where x[column] <= 0 {
        x[column] = 0
        inUse[column] = false
      }
    }
  }
}
