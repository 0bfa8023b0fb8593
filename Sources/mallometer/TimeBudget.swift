import ArgumentParser

/// A length of time on the command line: 90s, 5m, 1h, or seconds without a unit.
struct TimeBudget: ExpressibleByArgument {
  let seconds: Double

  init(seconds: Double) { self.seconds = seconds }

  init?(argument: String) {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = argument.last.flatMap { units[$0] }
    let number = unit == nil ? Substring(argument) : argument.dropLast()
    guard let value = Double(number), value >= 0, value.isFinite else { return nil }
    seconds = value * (unit ?? 1)
  }

  var defaultValueDescription: String { "\(Int(seconds / 60))m" }
}
