import Designs
import Foundation

/// What a source says a quantity is: a value, or a range.
public struct ClaimedValue: Hashable, Sendable, CustomStringConvertible {
  /// Equal where the source names one value.
  public let low: Double
  /// The largest value named.
  public let high: Double
  /// Of both.
  public let unit: ClaimUnit

  /// What a text for it looks like.
  public static let form =
    "a number or low..high and a unit, like 31 ns, 100..200 ns or +88.3 %"

  /// A value between two ends, which may be equal.
  public init(low: Double, high: Double, unit: ClaimUnit) {
    self.low = low
    self.high = high
    self.unit = unit
  }

  /// Reads `31 ns`, `100..200 ns`, `+88.3 %` or `3.4 ratio`.
  init(_ text: String, at place: NamePlace) throws(ClaimError) {
    let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { throw .malformed("claimed", text, Self.form, at: place) }
    guard let unit = ClaimUnit(name: parts[1]) else {
      throw .unknown(
        "unit", parts[1],
        known: NearestNames.sorted(ClaimUnit.allCases.map(\.rawValue), by: parts[1]), at: place)
    }
    let ends = Self.ends(parts[0])
    guard let low = ends.first.flatMap(ClaimNumber.value),
      let high = ends.last.flatMap(ClaimNumber.value), low <= high
    else { throw .malformed("claimed", text, Self.form, at: place) }
    self.init(low: low, high: high, unit: unit)
  }

  private static func ends(_ text: String) -> [String] {
    guard let dots = text.range(of: "..") else { return [text] }
    return [String(text[..<dots.lowerBound]), String(text[dots.upperBound...])]
  }

  /// Whether the source leaves room between two values.
  public var isRange: Bool { low < high }

  /// As claims write it.
  public var description: String {
    let least = ClaimNumber.text(low)
    let ends = isRange ? "\(least)..\(ClaimNumber.text(high))" : least
    return "\(ends) \(unit.rawValue)"
  }
}
