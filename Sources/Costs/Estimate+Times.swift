import Platform

extension Estimate {
  /// The estimate of a multiple; a negative factor swaps the ends.
  func times(_ factor: Double) -> Estimate {
    if factor == 0 { return Estimate(value: 0, low: 0, high: 0) }
    let first = low.map { $0 * factor }
    let second = high.map { $0 * factor }
    return factor > 0
      ? Estimate(value: value * factor, low: first, high: second)
      : Estimate(value: value * factor, low: second, high: first)
  }
}
