/// What the numbers of claims are counted in.
public enum ClaimUnit: String, CaseIterable, Sendable, Codable {
  case nanoseconds = "ns"
  case microseconds = "µs"
  case milliseconds = "ms"
  case seconds = "s"
  /// Core cycles, not ticks of the time stamp counter.
  case cycles
  case percent = "%"
  /// A plain number: what one thing is of another.
  case ratio
  case count
  case bytes
  case kibibytes = "KiB"
  case mebibytes = "MiB"
  /// Million operations per second.
  case megaoperations = "Mops"

  /// Reads a unit as it is written in claims. Besides the raw values `percent` is understood, and
  /// `us` and the Greek letter for µs.
  public init?(name: String) {
    switch name {
    case "percent": self = .percent
    case "us", "μs": self = .microseconds
    default: self.init(rawValue: name)
    }
  }

  /// What the unit measures.
  public var dimension: Dimension {
    switch self {
    case .nanoseconds, .microseconds, .milliseconds, .seconds, .cycles: .time
    case .percent, .ratio: .ratio
    case .count: .count
    case .bytes, .kibibytes, .mebibytes: .bytes
    case .megaoperations: .rate
    }
  }

  /// How many of its dimension's own units one of it is.
  /// - Parameter coreGHz: the core clock, which cycles are converted with.
  public func scale(coreGHz: Double) -> Double {
    switch self {
    case .nanoseconds, .ratio, .count, .bytes: 1
    case .microseconds: 1e3
    case .milliseconds: 1e6
    case .seconds: 1e9
    case .cycles: 1 / coreGHz
    case .percent: 0.01
    case .kibibytes: 1024
    case .mebibytes: 1_048_576
    case .megaoperations: 1e-3
    }
  }
}

/// What a quantity is, whatever it is counted in. Values are kept in each dimension's own unit.
public enum Dimension: String, CaseIterable, Sendable {
  /// In nanoseconds.
  case time
  case bytes
  /// A number of things. It stays one under multiplication by a ratio, and disappears where
  /// something is counted: nanoseconds × count are nanoseconds.
  case count
  case ratio
  /// Per nanosecond.
  case rate

  /// The units that a value of this dimension can be written in.
  public var units: [ClaimUnit] { ClaimUnit.allCases.filter { $0.dimension == self } }

  /// What an operation on two quantities gives; nil where it makes no sense.
  static func of(_ left: Dimension, _ operation: Operation, _ right: Dimension) -> Dimension? {
    switch operation {
    case .plus, .minus: left == right ? left : nil
    case .times: product(left, right)
    case .over: quotient(left, right)
    }
  }

  private static func product(_ left: Dimension, _ right: Dimension) -> Dimension? {
    switch (left, right) {
    case (.ratio, let other), (let other, .ratio): other
    case (.count, let other), (let other, .count): other
    case (.time, .rate), (.rate, .time): .ratio
    default: nil
    }
  }

  private static func quotient(_ left: Dimension, _ right: Dimension) -> Dimension? {
    switch (left, right) {
    case (let left, let right) where left == right: .ratio
    case (let left, .ratio): left
    case (.ratio, .count): .ratio
    case (let left, .count): left
    case (.ratio, .time), (.count, .time): .rate
    case (.ratio, .rate), (.count, .rate): .time
    default: nil
    }
  }
}
