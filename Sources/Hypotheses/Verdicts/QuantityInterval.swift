import Platform

/// The interval of an expression from those of its measures.
///
/// Each measure is moved to either end of its interval while the others stay, and what that does to
/// the expression is added in squares: measures err independently of each other. Costs don't, because
/// they come from one fit: `joint` knows how far a weighted sum of them scatters.
public struct QuantityInterval {
  /// The core clock, which numbers in cycles are converted with.
  public let coreGHz: Double
  /// Half the width of the 95 % interval of a weighted sum of measures, by their weights; only asked
  /// for measures that `isJoint` names, and for two of them at least.
  public let joint: ([Measure: Double]) -> Double?
  /// Whether a measure errs together with others.
  public let isJoint: (Measure) -> Bool

  /// How expressions are to be evaluated.
  public init(
    coreGHz: Double, isJoint: @escaping (Measure) -> Bool = { _ in false },
    joint: @escaping ([Measure: Double]) -> Double? = { _ in nil }
  ) {
    self.coreGHz = coreGHz
    self.isJoint = isJoint
    self.joint = joint
  }

  /// The value of an expression with its interval. An end is unbounded where a measure's is, and both
  /// are where something is divided by what may be zero; nil where the value is no number.
  public func estimate(
    of quantity: Quantity, _ values: [Measure: Estimate]
  ) -> Estimate? {
    let value = evaluate(quantity, values)
    guard value.isFinite else { return nil }
    if case .measured(let measure) = quantity { return values[measure] }
    for divisor in quantity.divisors {
      guard let interval = estimate(of: divisor, values) else { return nil }
      if interval.contains(0) { return Estimate(unbounded: value) }
    }
    var errors = ErrorSquares()
    let measures = quantity.measures
    let together = measures.filter(isJoint)
    var half: Double?
    if together.count > 1 {
      half = joint(
        Dictionary(
          uniqueKeysWithValues: together.map { ($0, slope(of: quantity, by: $0, values)) }))
    }
    if let half {
      errors.add(move: -half)
      errors.add(move: half)
    }
    for measure in measures where half == nil || !together.contains(measure) {
      guard let estimate = values[measure] else { return nil }
      let slope = slope(of: quantity, by: measure, values)
      for (end, isLow) in [(estimate.low, true), (estimate.high, false)] {
        guard let end else {
          // Where the expression doesn't depend on it, no end matters.
          if slope != 0 { errors.add(move: (slope > 0) == isLow ? -.infinity : .infinity) }
          continue
        }
        errors.add(move: evaluate(quantity, values, with: measure, at: end) - value)
      }
    }
    return errors.estimate(value)
  }

  private func evaluate(
    _ quantity: Quantity, _ values: [Measure: Estimate], with measure: Measure? = nil,
    at other: Double = 0
  ) -> Double {
    quantity.value(coreGHz: coreGHz) {
      $0 == measure ? other : values[$0]?.value ?? .nan
    }
  }

  /// By how much the expression grows with a measure, there where it is.
  private func slope(
    of quantity: Quantity, by measure: Measure, _ values: [Measure: Estimate]
  ) -> Double {
    let value = values[measure]?.value ?? 0
    let step = max(value.magnitude, 1e-3) * 1e-4
    let above = evaluate(quantity, values, with: measure, at: value + step)
    let below = evaluate(quantity, values, with: measure, at: value - step)
    return (above - below) / (2 * step)
  }
}

extension Quantity {
  /// Everything that something is divided by, if it is measured.
  fileprivate var divisors: [Quantity] {
    switch self {
    case .number, .measured: []
    case .negated(let inner): inner.divisors
    case .combined(let operation, let left, let right):
      left.divisors + right.divisors
        + (operation == .over && !right.isConstant ? [right] : [])
    }
  }
}
