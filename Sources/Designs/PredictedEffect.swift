/// What a source says that an optimisation will change, as the source puts it.
public struct PredictedEffect: Equatable, Sendable {
  /// What is said to change, and in what it is counted.
  public enum Unit: String, CaseIterable, Sendable {
    /// Nanoseconds per allocation; below zero is faster.
    case nanoseconds = "ns"
    /// Percent of an allocation's time; below zero is faster.
    case percentOfTime = "% time"
    /// Percent of operations per second; above zero is faster.
    case percentOfThroughput = "% throughput"
  }

  /// The least and the most of the prediction; equal where it is one number.
  public let low: Double
  public let high: Double
  public let unit: Unit
  /// The document and section that predicts it.
  public let source: String

  /// What a text for an effect looks like.
  public static let form = "a number or low..high and a unit, like -150 ns or +15..+20 % throughput"

  /// Reads `-150 ns`, `+15..+20 % throughput` or `-3..-2 % time`: nil when it is none of these.
  public init?(_ text: String, source: String) {
    let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
    guard parts.count == 2, let unit = Unit(rawValue: parts[1]) else { return nil }
    let ends = Self.split(parts[0])
    guard let low = ends.first.flatMap(Self.number), let high = ends.last.flatMap(Self.number),
      ends.count <= 2, low <= high
    else { return nil }
    self.low = low
    self.high = high
    self.unit = unit
    self.source = source
  }

  /// As it is written: `-150 ns`.
  public var description: String {
    let ends = low == high ? Self.signed(low) : "\(Self.signed(low))..\(Self.signed(high))"
    return "\(ends) \(unit.rawValue)"
  }

  /// The two ends of `low..high`, or the one number.
  private static func split(_ range: String) -> [String] {
    guard let dots = range.range(of: "..") else { return [range] }
    return [String(range[..<dots.lowerBound]), String(range[dots.upperBound...])]
  }

  /// Plain decimal notation only: no exponents, infinities or hexadecimal.
  private static func number(_ text: String) -> Double? {
    guard text.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.".contains($0)) }) else { return nil }
    return Double(text)
  }

  private static func signed(_ value: Double) -> String {
    let text = value == value.rounded() ? String(Int(value)) : String(value)
    return value > 0 ? "+\(text)" : text
  }
}
