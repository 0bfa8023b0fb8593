import Platform
import Testing

@testable import Costs

/// Both solvers against the definition and against every active set.
@Suite struct NonNegativeTests {
  private func problem(_ seed: UInt64, rows: Int, columns: Int) -> (Matrix, [Double]) {
    var random = SeededGenerator(seed: seed)
    let elements = (0..<rows * columns).map { _ in random.unit() }
    let target = (0..<rows).map { _ in random.unit() * 2 - 0.7 }
    return (Matrix(rows: rows, columns: columns, elements: elements), target)
  }

  private func squares(_ matrix: Matrix, _ target: [Double], _ x: [Double]) -> Double {
    zip(matrix.times(x), target).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  }

  @Test(arguments: 1...40) func optimumOfAllActiveSets(seed: Int) throws {
    let (matrix, target) = problem(UInt64(seed), rows: 12, columns: 5)
    var best = squares(matrix, target, [0, 0, 0, 0, 0])
    for mask in 1..<32 {
      let set = (0..<5).filter { mask >> $0 & 1 == 1 }
      let solved = try LinearAlgebra.leastSquares(matrix.selecting(columns: set), target)
      guard let solution = solved?.solution, solution.allSatisfy({ $0 >= 0 }) else { continue }
      var x = [Double](repeating: 0, count: 5)
      for (position, column) in set.enumerated() { x[column] = solution[position] }
      best = min(best, squares(matrix, target, x))
    }
    let qr = try NonNegativeLeastSquares.solve(matrix, target)
    #expect(qr.coefficients.allSatisfy { $0 >= 0 })
    #expect((squares(matrix, target, qr.coefficients) - best).magnitude < 1e-10)
    let sums = NormalEquations(matrix, target).solveNonNegative()
    #expect((squares(matrix, target, sums) - best).magnitude < 1e-8)
  }

  @Test(arguments: 1...20) func conditionsOfKarushKuhnAndTucker(seed: Int) throws {
    let (matrix, target) = problem(UInt64(seed) + 100, rows: 80, columns: 25)
    let solution = try NonNegativeLeastSquares.solve(matrix, target)
    let residual = zip(target, matrix.times(solution.coefficients)).map { $0 - $1 }
    let gradient = matrix.transposedTimes(residual)
    for (x, slope) in zip(solution.coefficients, gradient) {
      #expect(x >= 0)
      #expect(slope < 1e-8)
      if x > 0 { #expect(slope.magnitude < 1e-8) }
    }
  }

  @Test(arguments: 1...20) func aWarmStartChangesNothing(seed: Int) throws {
    let (matrix, target) = problem(UInt64(seed) + 200, rows: 40, columns: 10)
    let cold = try NonNegativeLeastSquares.solve(matrix, target).coefficients
    var random = SeededGenerator(seed: UInt64(seed))
    let start = (0..<10).map { _ in max(0, random.unit() - 0.5) }
    let warm = try NonNegativeLeastSquares.solve(matrix, target, start: start).coefficients
    let sums = NormalEquations(matrix, target)
    let fast = sums.solveNonNegative(start: start)
    for column in 0..<10 {
      #expect((cold[column] - warm[column]).magnitude < 1e-9)
      #expect((cold[column] - fast[column]).magnitude < 1e-6)
    }
  }

  @Test func aFreeColumnMayTurnNegative() {
    let matrix = Matrix(rows: 3, columns: 2, elements: [1, 0, 0, 1, 0, 0])
    let sums = NormalEquations(matrix, [2, -3, 0])
    #expect(sums.solveNonNegative() == [2, 0])
    let free = sums.solveNonNegative(free: [1])
    #expect((free[1] + 3).magnitude < 1e-12)
  }

  @Test func aDependentColumnStaysOut() throws {
    let matrix = Matrix(rows: 3, columns: 2, elements: [1, 2, 2, 4, 3, 6])
    let solution = try NonNegativeLeastSquares.solve(matrix, [1, 2, 3])
    let predicted = matrix.times(solution.coefficients)
    #expect((predicted[2] - 3).magnitude < 1e-12)
    #expect(solution.coefficients.filter { $0 > 0 }.count == 1)
  }

  @Test func shapesAreChecked() {
    let matrix = Matrix(rows: 2, columns: 1)
    #expect(throws: CostsError.shape(what: "right-hand side", have: 3, expected: 2)) {
      try NonNegativeLeastSquares.solve(matrix, [1, 2, 3])
    }
  }
}
