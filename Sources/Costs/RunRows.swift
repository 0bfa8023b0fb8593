import Designs

/// A run as rows of the regression: windows joined until at most some hundreds are left, only the
/// columns that occur in it, and the run's total as one more row.
///
/// Residuals are relative: each row is weighted with 1/y. Within a run the rows' weights add up to
/// 1, so that a long trace says no more than a short one: the windows of a run are far from
/// independent.
struct RunRows: Sendable {
  /// Rising; the columns with at least one count.
  let columns: [Int]
  /// Rows × columns, per operation, row-major.
  let values: [Double]
  /// Nanoseconds per operation.
  let times: [Double]
  /// What a residual is divided by: the time, but no less than a floor.
  let scales: [Double]
  let part: [Int]
  let means: [Double]
  let meanTime: Double
  let trace: Int
  let variant: Int

  var rows: Int { times.count }

  /// The least nanoseconds per operation that residuals are taken relative to.
  static let floor = 1.0

  init(run: Run, trace: Int, variant: Int, options: FitOptions, usesIntercept: Bool) {
    self.trace = trace
    self.variant = variant
    let rowCount = max(1, min(run.windows, options.rowsPerRun))
    var mean = run.meanCounts
    if !usesIntercept { mean[Column.intercept] = 0 }
    let columns = mean.indices.filter { mean[$0] != 0 }
    self.columns = columns
    means = columns.map { mean[$0] }
    let total = run.meanNanoseconds
    meanTime = max(total, Self.floor / 10)
    var values: [Double] = []
    var times: [Double] = []
    var scales: [Double] = []
    var parts: [Int] = []
    values.reserveCapacity(rowCount * columns.count)
    for row in 0..<rowCount {
      let range = run.windows * row / rowCount..<run.windows * (row + 1) / rowCount
      let counts = run.meanCounts(windows: range)
      for column in columns { values.append(counts[column]) }
      var operations = 0.0
      var time = 0.0
      for window in range {
        operations += Double(run.operations[window])
        time += Double(run.operations[window]) * Double(run.nanoseconds[window])
      }
      let perOperation = time / max(operations, 1)
      times.append(perOperation)
      scales.append(max(perOperation, options.floorShare * total, Self.floor))
      parts.append(row * options.partsPerTrace / rowCount)
    }
    self.values = values
    self.times = times
    self.scales = scales
    part = parts
  }

  /// Residuals relative to the *fitted* times, and by what the rows' weights change for it.
  ///
  /// Weighting with 1 / (measured time) favours the rows that noise made small, and so costs come
  /// out too low by twice the noise's variance. The fitted time is free of that; it is trusted
  /// within a factor of two.
  func residuals(_ costs: [Double]) -> (relative: [Double], corrections: [Double]) {
    let width = columns.count
    let selected = columns.map { costs[$0] }
    var relative = [Double](repeating: 0, count: rows)
    var corrections = relative
    for row in 0..<rows {
      var predicted = 0.0
      for column in 0..<width { predicted += values[row * width + column] * selected[column] }
      let scale = min(max(predicted, scales[row] / 2), scales[row] * 2)
      relative[row] = (times[row] - predicted) / scale
      corrections[row] = scales[row] * scales[row] / (scale * scale)
    }
    return (relative, corrections)
  }

  /// Adds the rows to sums of one part each (or all to the only one).
  /// - Parameter robust: Huber's weight of every row, or nil for 1.
  func add(to sums: inout [NormalEquations], robust: [Double]?, options: FitOptions) {
    let width = columns.count
    let share = options.precision * (1 - options.totalShare) / Double(rows)
    values.withUnsafeBufferPointer { values in
      for row in 0..<rows {
        let weight = share * (robust?[row] ?? 1) / (scales[row] * scales[row])
        sums[sums.count == 1 ? 0 : part[row]].add(
          row: UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width]),
          columns: columns, target: times[row], weight: weight)
      }
    }
    let weight = options.precision * options.totalShare / (meanTime * meanTime)
    means.withUnsafeBufferPointer { means in
      for index in sums.indices {
        sums[index].add(
          row: means, columns: columns, target: meanTime, weight: weight / Double(sums.count))
      }
    }
  }
}
