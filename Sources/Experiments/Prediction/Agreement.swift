import Platform

/// Whether a measurement agrees with what was predicted.
public struct Agreement: Sendable, Equatable {
  public let predicted: Estimate
  public let measured: Estimate

  public init(predicted: Estimate, measured: Estimate) {
    self.predicted = predicted
    self.measured = measured
  }

  /// Whether the measured value lies in the predicted interval alone; nil where that has no end on
  /// its side.
  public var isInsideAlone: Bool? {
    guard let end = measured.value < predicted.value ? predicted.low : predicted.high else {
      return nil
    }
    return (measured.value - predicted.value).magnitude <= (end - predicted.value).magnitude
  }

  /// Whether it lies in the predicted interval widened by the measurement's own; nil where either
  /// has no end on the side that faces the other.
  ///
  /// The two errors are independent, so half their widths add up in squares. A change that
  /// exchanges no step is predicted as nothing at all, and no measurement is exactly that.
  public var isInside: Bool? {
    let isLower = measured.value < predicted.value
    guard let end = isLower ? predicted.low : predicted.high,
      let other = isLower ? measured.high : measured.low
    else { return nil }
    let reach = end - predicted.value
    let noise = other - measured.value
    let distance = measured.value - predicted.value
    return distance * distance <= reach * reach + noise * noise
  }
}
