/// How far a value may be off when its parts err independently of each other: what each of them
/// moves it by at the ends of its own interval, added in squares.
public struct ErrorSquares: Sendable {
  private var down = 0.0
  private var up = 0.0

  public init() {}

  /// One part at one end of its interval moves the value by this; NaN and infinity unbound.
  public mutating func add(move: Double) {
    guard move.isFinite else {
      down = move > 0 ? down : .infinity
      up = move < 0 ? up : .infinity
      return
    }
    if move < 0 { down += move * move } else { up += move * move }
  }

  /// The value with the interval that the moves make.
  public func estimate(_ value: Double) -> Estimate {
    Estimate(value: value, low: value - down.squareRoot(), high: value + up.squareRoot())
  }
}

extension Estimate {
  /// Nothing else is possible: both ends are the value.
  public init(exactly value: Double) { self.init(value: value, low: value, high: value) }

  /// Whether there is no doubt about the value.
  public var isExact: Bool { low == value && high == value }

  /// Multiplied by a number of either sign.
  public func scaled(by factor: Double) -> Estimate {
    let ends = [low, high].map { $0.map { $0 * factor } }
    return Estimate(
      value: value * factor, low: factor < 0 ? ends[1] : ends[0],
      high: factor < 0 ? ends[0] : ends[1])
  }

  /// The sum with another one, whose errors are independent of this one's.
  public func plus(_ other: Estimate) -> Estimate {
    var errors = ErrorSquares()
    for part in [self, other] {
      errors.add(move: part.low.map { $0 - part.value } ?? -.infinity)
      errors.add(move: part.high.map { $0 - part.value } ?? .infinity)
    }
    return errors.estimate(value + other.value)
  }

  /// This one less another, whose errors are independent of this one's.
  public func less(_ other: Estimate) -> Estimate { plus(other.scaled(by: -1)) }

  /// This one as a part of another, whose errors are independent of this one's; without bounds
  /// where the other may be zero.
  public func divided(by whole: Estimate) -> Estimate {
    let share = value / whole.value
    guard let least = whole.low, let most = whole.high, !whole.contains(0) else {
      return Estimate(unbounded: share)
    }
    var errors = ErrorSquares()
    for end in [least, most] { errors.add(move: value / end - share) }
    let isNegative = whole.value < 0
    for (end, unbounded) in [(low, -Double.infinity), (high, Double.infinity)] {
      errors.add(
        move: end.map { ($0 - value) / whole.value } ?? (isNegative ? -unbounded : unbounded))
    }
    return errors.estimate(share)
  }
}
