extension TrainingSet {
  /// The weighted rows of some runs, reduced by QR to a triangle with the same inner products.
  ///
  /// Each run is reduced on its own few columns first, which is most of the saving; the triangles
  /// are then reduced together. Keeps all digits of the data, where sums of products keep half.
  /// - Returns: the triangle over `columns`, and the reduced times.
  /// - Complexity: about rows × (columns of a run)² × 2 operations.
  func triangle(runs: [Int], weights: [[Double]], columns: [Int]) throws(CostsError)
    -> (matrix: Matrix, target: [Double])
  {
    var position = [Int](repeating: -1, count: Column.count)
    for (index, column) in columns.enumerated() { position[column] = index }
    let width = columns.count + 1
    var stack: [Double] = []
    var stacked = 0
    func fold() throws(CostsError) {
      let whole = Matrix(rows: stacked, columns: width, elements: stack)
      let reduced = try LinearAlgebra.triangularFactor(whole)
      stack = reduced.elements
      stacked = reduced.rows
    }
    for (order, run) in runs.enumerated() {
      let local = try localTriangle(run, weights[order], position)
      for row in 0..<local.matrix.rows {
        var wide = [Double](repeating: 0, count: width)
        for (index, column) in local.columns.enumerated() {
          wide[position[column]] = local.matrix[row, index]
        }
        wide[width - 1] = local.matrix[row, local.columns.count]
        stack.append(contentsOf: wide)
        stacked += 1
      }
      if stacked > 16 * width { try fold() }
    }
    try fold()
    let all = Matrix(rows: stacked, columns: width, elements: stack)
    return (
      all.selecting(columns: Array(0..<width - 1)), (0..<stacked).map { all[$0, width - 1] }
    )
  }

  private func localTriangle(_ run: Int, _ robust: [Double], _ position: [Int])
    throws(CostsError) -> (columns: [Int], matrix: Matrix)
  {
    let rows = self.rows[run]
    let kept = rows.columns.indices.filter { position[rows.columns[$0]] >= 0 }
    let width = rows.columns.count
    var elements: [Double] = []
    elements.reserveCapacity((rows.rows + 1) * (kept.count + 1))
    let share = options.precision * (1 - options.totalShare) / Double(rows.rows)
    for row in 0..<rows.rows {
      let weight = (share * robust[row]).squareRoot() / rows.scales[row]
      for column in kept { elements.append(weight * rows.values[row * width + column]) }
      elements.append(weight * rows.times[row])
    }
    let weight = (options.precision * options.totalShare).squareRoot() / rows.meanTime
    for column in kept { elements.append(weight * rows.means[column]) }
    elements.append(weight * rows.meanTime)
    let matrix = Matrix(rows: rows.rows + 1, columns: kept.count + 1, elements: elements)
    return (kept.map { rows.columns[$0] }, try LinearAlgebra.triangularFactor(matrix))
  }
}
