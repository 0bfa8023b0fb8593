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

  /// One estimate less another whose error is independent: the distances to the ends add up in
  /// squares. An end that one of them leaves open stays open.
  func less(_ other: Estimate) -> Estimate {
    func distance(_ end: Double?, _ otherEnd: Double?) -> Double? {
      guard let end, let otherEnd else { return nil }
      let (own, theirs) = (end - value, otherEnd - other.value)
      return (own * own + theirs * theirs).squareRoot()
    }
    let rest = value - other.value
    return Estimate(
      value: rest, low: distance(low, other.high).map { rest - $0 },
      high: distance(high, other.low).map { rest + $0 })
  }
}
