/// A quantity with its 95 % interval: `{"value": x, "low": l, "high": h}` in JSON, where an
/// unbounded end is null.
///
/// Whatever is not a finite number can't stand in JSON: an infinite or undefined end becomes nil
/// here, so that no caller has to think of it.
public struct Estimate: Hashable, Sendable, Codable {
  public let value: Double
  /// Lower end of the interval, or nil where the data set none.
  public let low: Double?
  /// Upper end of the interval, or nil where the data set none.
  public let high: Double?

  public init(value: Double, low: Double?, high: Double?) {
    self.value = value
    self.low = low.flatMap { $0.isFinite ? $0 : nil }
    self.high = high.flatMap { $0.isFinite ? $0 : nil }
  }

  /// A value of which nothing is known but the value: both ends are unbounded.
  public init(unbounded value: Double) {
    self.init(value: value, low: nil, high: nil)
  }

  /// Whether a value lies within the interval; an unbounded end excludes nothing.
  public func contains(_ other: Double) -> Bool {
    (low ?? -.infinity) <= other && other <= (high ?? .infinity)
  }

  enum CodingKeys: String, CodingKey { case value, low, high }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(value, forKey: .value)
    // Not encodeIfPresent: an unbounded end is a null, never a missing key.
    try container.encode(low, forKey: .low)
    try container.encode(high, forKey: .high)
  }
}
