import Platform

/// How a set of predictions compares with what was measured of them, each trace and change once.
public struct VerificationSummary: Sendable, Equatable {
  /// Predictions that were measured.
  public let compared: Int
  /// Those of which the measurement can tell the sign: over their noise floor, and over half of the
  /// measurement's own interval. The next six are of these.
  public let overNoise: Int
  /// By what was measured.
  public let pay: Int
  public let cost: Int
  public let rightSignPercent: Double?
  public let medianErrorPercent: Double?
  /// Measured inside what was predicted, widened by the measurement's own interval.
  public let overNoiseInsidePercent: Double?
  /// Half a predicted interval, relative to the measured payoff.
  public let overNoiseHalfWidthPercent: Double?
  /// Of all compared whose interval has an end: measured inside what was predicted alone.
  public let insideAlonePercent: Double?
  /// The same, widened by the measurement's own interval.
  public let insidePercent: Double?
  /// Half a predicted interval, relative to the measured payoff or to what the measurement can
  /// tell, whichever is larger.
  public let medianHalfWidthPercent: Double?

  /// - Parameter payoffs: predicted beside measured, and the noise floor where it is known.
  init(_ payoffs: [(agreement: Agreement, noiseFloorNs: Double?)]) {
    compared = payoffs.count
    let told = payoffs.map { one in
      (
        agreement: one.agreement,
        floor: max(one.noiseFloorNs ?? 0, Self.half(one.agreement.measured) ?? .infinity)
      )
    }
    let over = told.filter { $0.agreement.measured.value.magnitude > $0.floor }.map(\.agreement)
    overNoise = over.count
    pay = over.count { $0.measured.value > 0 }
    cost = over.count - pay
    rightSignPercent = Self.percent(over.map { $0.predicted.value * $0.measured.value > 0 })
    medianErrorPercent = Self.median(
      over.map { 100 * ($0.predicted.value / $0.measured.value - 1).magnitude })
    overNoiseInsidePercent = Self.percent(over.compactMap { $0.isInside })
    overNoiseHalfWidthPercent = Self.median(
      over.compactMap { one in
        Self.half(one.predicted).map { 100 * $0 / one.measured.value.magnitude }
      })
    insideAlonePercent = Self.percent(payoffs.compactMap { $0.agreement.isInsideAlone })
    insidePercent = Self.percent(payoffs.compactMap { $0.agreement.isInside })
    medianHalfWidthPercent = Self.median(
      told.compactMap { one in
        let scale = max(one.agreement.measured.value.magnitude, one.floor)
        guard let half = Self.half(one.agreement.predicted), scale.isFinite, scale > 0 else {
          return nil
        }
        return 100 * half / scale
      })
  }

  /// Nil where nothing was measured.
  public init?(_ predictions: [PredictExperiment.Prediction]) {
    let payoffs = predictions.compactMap { one in
      one.agreement.map { (agreement: $0, noiseFloorNs: one.measured?.noiseFloorNs) }
    }
    guard !payoffs.isEmpty else { return nil }
    self.init(payoffs)
  }

  private static func half(_ estimate: Estimate) -> Double? {
    guard let low = estimate.low, let high = estimate.high else { return nil }
    return (high - low) / 2
  }

  private static func percent(_ tests: [Bool]) -> Double? {
    tests.isEmpty ? nil : 100 * Double(tests.count { $0 }) / Double(tests.count)
  }

  private static func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.median()
  }
}
