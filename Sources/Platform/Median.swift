extension Sequence<Double> {
  /// The middle value, or the mean of the two in the middle; 0 of nothing.
  public func median() -> Double {
    let sorted = sorted()
    guard !sorted.isEmpty else { return 0 }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
