import Foundation
import Platform

/// Numbers as people read them: three significant digits and a unit where the column has none.
public enum Text {
  /// A count with thin groups of three digits: 1 234 567.
  public static func count(_ value: some BinaryInteger) -> String {
    let digits = String(value.magnitude)
    var grouped = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { grouped.append(" ") }
      grouped.append(digit)
    }
    return value < 0 ? "-" + grouped : grouped
  }

  /// Nanoseconds per event or per step, without a unit: the column's header has it.
  public static func nanoseconds(_ value: Double) -> String { number(value) }

  /// Core cycles, without a unit.
  public static func cycles(_ value: Double) -> String { number(value) }

  /// A share of one as a percentage: 0.1234 is 12.3 %.
  public static func share(_ value: Double) -> String { percent(value * 100) }

  /// A figure that already is a percentage.
  public static func percent(_ value: Double) -> String { number(value) + " %" }

  /// Bytes in binary units: 512 B, 1.50 KiB, 2.00 GiB.
  public static func bytes(_ value: some BinaryInteger) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    guard value.magnitude >= 1024 else { return "\(value) B" }
    var scaled = Double(value) / 1024
    var unit = 0
    while abs(scaled) >= 1023.5, unit < units.count - 1 {
      scaled /= 1024
      unit += 1
    }
    return "\(number(scaled)) \(units[unit])"
  }

  /// A duration given in nanoseconds, in the unit that suits it: 950 ns, 1.20 ms, 3 min 20 s.
  public static func duration(nanoseconds value: Double) -> String {
    switch abs(value) {
    case ..<1e3: return "\(number(value)) ns"
    case ..<1e6: return "\(number(value / 1e3)) µs"
    case ..<1e9: return "\(number(value / 1e6)) ms"
    case ..<60e9: return "\(number(value / 1e9)) s"
    default:
      let seconds = Int((value / 1e9).rounded())
      return "\(seconds / 60) min \(seconds % 60) s"
    }
  }

  /// A value with its interval: `8.41 [8.30, 8.55]`; an unbounded end is ∞, and where neither end
  /// is known only the value stands.
  public static func estimate(_ estimate: Estimate) -> String {
    guard estimate.low != nil || estimate.high != nil else { return number(estimate.value) }
    let low = estimate.low.map(number) ?? "-∞"
    let high = estimate.high.map(number) ?? "∞"
    return "\(number(estimate.value)) [\(low), \(high)]"
  }

  /// An estimate that may be missing: a dash says so.
  public static func estimate(_ estimate: Estimate?) -> String {
    estimate.map { Self.estimate($0) } ?? "–"
  }

  /// Three significant digits, or whole above a thousand; never an exponent for what is measured
  /// here, and `–` for what isn't a number.
  public static func number(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "-∞" : "∞" }
    let magnitude = abs(value)
    if magnitude >= 999.5 {
      guard magnitude < 1e15 else { return String(format: "%.3g", value) }
      return count(Int64(value.rounded()))
    }
    if magnitude >= 99.95 { return decimal(value, 0) }
    if magnitude >= 9.995 { return decimal(value, 1) }
    if magnitude >= 0.0995 || magnitude < 0.5e-6 { return decimal(value, 2) }
    return decimal(value, magnitude >= 0.00095 ? 4 : 6)
  }

  private static func decimal(_ value: Double, _ digits: Int) -> String {
    let text = String(format: "%.\(digits)f", value)
    // -0.00 is what rounding leaves of a tiny negative number: no sign without a value.
    return text.allSatisfy { "-0.".contains($0) } ? String(format: "%.\(digits)f", 0.0) : text
  }
}
