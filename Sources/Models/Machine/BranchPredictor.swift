import CPlatform

/// A predictor of the data-dependent branches of an allocator and of the loop that calls it: see
/// prediction.h. Outcomes wait until there are many of them.
final class BranchPredictor {
  private let predictor: UnsafeMutablePointer<mallometer_predictor>
  /// Site × 2 + taken.
  private let waiting: UnsafeMutablePointer<UInt32>
  private var count = 0
  private static let batch = 1024

  init() {
    predictor = .allocate(capacity: 1)
    mallometer_predictor_reset(predictor)
    waiting = .allocate(capacity: Self.batch)
    waiting.initialize(repeating: 0, count: Self.batch)
  }

  func deallocate() {
    predictor.deallocate()
    waiting.deallocate()
  }

  /// Notes an outcome.
  /// - Returns: whether `mispredictions` must be asked for now.
  @inline(__always)
  func note(_ site: UInt32, taken: Bool) -> Bool {
    waiting[count] = site << 1 | (taken ? 1 : 0)
    count &+= 1
    return count == Self.batch
  }

  /// How many of the outcomes noted since the last time were predicted wrong.
  @inline(never)
  func mispredictions() -> UInt64 {
    let wrong = mallometer_predict(predictor, waiting, UInt32(truncatingIfNeeded: count))
    count = 0
    return wrong
  }
}
