/// A value with its interval; an end that nothing bounds is nil.
public struct CostEstimate: Sendable, Equatable, Codable {
  public let value: Double
  public let low: Double?
  public let high: Double?

  public init(value: Double, low: Double?, high: Double?) {
    self.value = value
    self.low = low
    self.high = high
  }

  public func contains(_ truth: Double) -> Bool {
    (low.map { $0 <= truth } ?? true) && (high.map { truth <= $0 } ?? true)
  }

  /// The estimate of a multiple; a negative factor swaps the ends.
  public func times(_ factor: Double) -> CostEstimate {
    let first = low.map { $0 * factor }
    let second = high.map { $0 * factor }
    if factor == 0 { return CostEstimate(value: 0, low: 0, high: 0) }
    return factor > 0
      ? CostEstimate(value: value * factor, low: first, high: second)
      : CostEstimate(value: value * factor, low: second, high: first)
  }
}
