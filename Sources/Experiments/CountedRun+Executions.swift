import Designs

extension CountedRun {
  /// Executions in the whole run, by step.
  var executions: [Double] {
    let stepCount = Step.count
    var sums = [Double](repeating: 0, count: stepCount)
    for (window, count) in operations.enumerated() {
      for step in 0..<stepCount {
        // Whole numbers again: per operation they are kept as fractions.
        sums[step] += (Double(counts[window * stepCount + step]) * Double(count)).rounded()
      }
    }
    return sums
  }

  /// Executions of a step in the whole run.
  func total(_ step: Step) -> Double { executions[Int(step.rawValue)] }
}
