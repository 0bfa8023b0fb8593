import Designs

extension TrainingSet {
  /// The most similar variants of the same family that were measured on the same trace.
  func anchors(_ index: Int, among training: [Int]) -> [Int] {
    let candidates = training.filter {
      rows[$0].trace == rows[index].trace && runs[$0].design.family == runs[index].design.family
    }
    let own = distances[rows[index].variant]
    let distances = candidates.map { own[rows[$0].variant] }
    guard let least = distances.min() else { return [] }
    return zip(candidates, distances).filter { $0.1 == least }.map(\.0)
  }

  /// One constant per operation, the best one for relative errors: Σ 1/y ÷ Σ 1/y².
  func constant(_ training: [Int]) -> Double {
    var first = 0.0
    var second = 0.0
    for index in training {
      let time = rows[index].meanTime
      first += 1 / time
      second += 1 / (time * time)
    }
    return first / second
  }

  /// A run's instructions times the one constant that is best for relative errors of the others:
  /// Σ i/t ÷ Σ (i/t)². Nil where nobody counted them.
  func instructionTime(_ index: Int, among training: [Int]) -> Double? {
    guard let own = runs[index].instructions else { return nil }
    var first = 0.0
    var second = 0.0
    for other in training {
      guard let instructions = runs[other].instructions else { continue }
      let ratio = instructions / rows[other].meanTime
      first += ratio
      second += ratio * ratio
    }
    return second > 0 ? own * first / second : nil
  }

  /// The measured time of the most similar variant that was seen on this trace; where the trace
  /// itself is unseen, the same variant's (or the most similar one's) mean over other traces.
  /// Equally similar ones are averaged.
  func nearest(_ index: Int, among training: [Int], _ scheme: ValidationScheme) -> Double? {
    let own = distances[rows[index].variant]
    let sameTrace = training.filter { rows[$0].trace == rows[index].trace }
    let candidates = sameTrace.isEmpty ? training : sameTrace
    var least = Int.max
    var times: [Double] = []
    for candidate in candidates {
      let distance = own[rows[candidate].variant]
      if distance < least { (least, times) = (distance, []) }
      if distance == least { times.append(rows[candidate].meanTime) }
    }
    return times.isEmpty ? nil : Validation.mean(times)
  }

  /// Toggles that differ; another family is farther than any of one's own, and nearest by its
  /// defaults.
  static func distance(_ first: Design, _ second: Design) -> Int {
    guard first.family == second.family else {
      return 1000 + second.changes.count
    }
    return zip(first.settings, second.settings).count { $0 != $1 }
  }
}
