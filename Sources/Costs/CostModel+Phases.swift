extension CostModel {
  /// The gap of two runs over the trace's time, and what the steps explain of it: nothing is hidden
  /// by averaging.
  /// - Parameter parts: stretches of about the same number of windows.
  /// - Returns: nanoseconds per operation of each stretch, and its windows.
  public func phases(_ from: Run, _ to: Run, parts: Int = 10) throws(CostsError)
    -> [(windows: Range<Int>, gap: Double, explained: Double)]
  {
    guard from.windows == to.windows else {
      throw .shape(what: "windows", have: to.windows, expected: from.windows)
    }
    let count = min(parts, from.windows)
    return (0..<count).map { part in
      let range = from.windows * part / count..<from.windows * (part + 1) / count
      let first = from.meanCounts(windows: range)
      let second = to.meanCounts(windows: range)
      var explained = 0.0
      for column in 0..<Column.intercept {
        explained += (first[column] - second[column]) * costs[column]
      }
      return (
        range, from.meanNanoseconds(windows: range) - to.meanNanoseconds(windows: range), explained
      )
    }
  }
}

extension Run {
  /// Nanoseconds per operation over some windows.
  func meanNanoseconds(windows range: Range<Int>) -> Double {
    var time = 0.0
    var total = 0.0
    for window in range {
      time += Double(operations[window]) * Double(nanoseconds[window])
      total += Double(operations[window])
    }
    return time / max(total, 1)
  }
}
