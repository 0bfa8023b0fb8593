import Designs

/// A run as rows of the regression: windows joined until at most some hundreds are left, only the
/// columns that occur in it, and the run's total as one more row.
///
/// Residuals are relative: each row is weighted with 1/y. Within a run the rows' weights add up to
/// 1, so that a long trace says no more than a short one: the windows of a run are far from
/// independent.
struct RunRows: Sendable {
  /// Rising; the set's columns with at least one count here.
  let columns: [Int]
  /// Rows × columns, per operation, row-major.
  let values: [Double]
  /// Nanoseconds per operation.
  let times: [Double]
  /// What a residual is divided by: the time, but no less than a floor.
  let scales: [Double]
  /// Of the whole run, as one more row.
  let means: [Double]
  let total: Double
  let totalScale: Double
  /// The whole run's time, for errors relative to it: never nothing.
  let meanTime: Double
  let trace: Int
  let variant: Int
  /// Beside other runs.
  let weight: Double

  var rows: Int { times.count }

  /// The least nanoseconds per operation that residuals are taken relative to.
  static let floor = 1.0

  /// - Parameters:
  ///   - places: where each column of `Column` is among the set's; those at -1 are left out.
  ///   - weight: beside other runs.
  init(
    run: Run, trace: Int, variant: Int, options: FitOptions, places: [Int], weight: Double = 1
  ) {
    self.trace = trace
    self.variant = variant
    self.weight = weight
    let rowCount = max(1, min(run.windows, options.rowsPerRun))
    let mean = run.meanCounts
    let columns = mean.indices.filter { mean[$0] != 0 && places[$0] >= 0 }
    self.columns = columns.map { places[$0] }
    means = columns.map { mean[$0] }
    let total = run.meanNanoseconds
    self.total = total
    totalScale = max(total, Self.floor)
    meanTime = max(total, Self.floor / 10)
    var values: [Double] = []
    var times: [Double] = []
    var scales: [Double] = []
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
    }
    self.values = values
    self.times = times
    self.scales = scales
  }

  /// Residuals relative to the *fitted* times, and by what the rows' weights change for it. The
  /// last is the whole run's.
  ///
  /// Weighting with 1 / (measured time) favours the rows that noise made small, and so costs come
  /// out too low by twice the noise's variance. The fitted time is free of that; it is trusted
  /// within a factor of two.
  func residuals(_ costs: [Double]) -> (relative: [Double], corrections: [Double]) {
    let width = columns.count
    let selected = columns.map { costs[$0] }
    var relative: [Double] = []
    var corrections: [Double] = []
    relative.reserveCapacity(rows + 1)
    corrections.reserveCapacity(rows + 1)
    func add(_ time: Double, _ predicted: Double, _ measured: Double) {
      let scale = min(max(predicted, measured / 2), measured * 2)
      relative.append((time - predicted) / scale)
      corrections.append(measured * measured / (scale * scale))
    }
    for row in 0..<rows {
      var predicted = 0.0
      for column in 0..<width { predicted += values[row * width + column] * selected[column] }
      add(times[row], predicted, scales[row])
    }
    add(total, LinearAlgebra.product(means, selected), totalScale)
    return (relative, corrections)
  }

  /// The rows' weighted products, divided into stretches of the run.
  /// - Parameter robust: what weights are multiplied by, of every row and of the whole run; nil for
  ///   1.
  func sums(robust: [Double]?, parts: Int, options: FitOptions) -> [RunSums] {
    let width = columns.count
    let precision = options.precision * weight
    let share = precision * (1 - options.totalShare) / Double(rows)
    var sums = [RunSums](repeating: RunSums(columns: columns), count: parts)
    values.withUnsafeBufferPointer { values in
      for row in 0..<rows {
        let weight = share * (robust?[row] ?? 1) / (scales[row] * scales[row])
        sums[row * parts / rows].add(
          row: UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width]),
          target: times[row], weight: weight)
      }
    }
    let weight =
      precision * options.totalShare * (robust?[rows] ?? 1) / (totalScale * totalScale)
    means.withUnsafeBufferPointer { means in
      for index in sums.indices {
        sums[index].add(row: means, target: total, weight: weight / Double(parts))
      }
    }
    return sums
  }
}
