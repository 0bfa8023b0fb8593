import Designs

/// The size classes of three families: multiples of 16 bytes up to 128, then four per doubling.
enum SizeClasses {
  /// The smallest class that holds the bytes, of which there is at least one.
  @inline(__always)
  static func number(of bytes: UInt64) -> Int {
    if bytes <= 128 { return Int((bytes &+ 15) / 16) &- 1 }
    let log2 = 63 &- (bytes &- 1).leadingZeroBitCount
    return 8 &+ (log2 &- 7) &* 4 &+ Int((bytes &- 1) &>> UInt64(log2 &- 2) & 3)
  }

  /// The bytes of a class.
  @inline(__always)
  static func bytes(of number: Int) -> UInt64 {
    if number < 8 { return UInt64(number &+ 1) &* 16 }
    return UInt64(5 &+ (number &- 8) & 3) &<< UInt64(5 &+ (number &- 8) / 4)
  }

  /// Whether a class is found by a shift alone.
  @inline(__always)
  static func isLinear(_ number: Int) -> Bool { number < 8 }

  /// Counts how the native designs find a class.
  @inline(__always)
  static func count(_ number: Int, _ counts: StepCounts) {
    counts.count(isLinear(number) ? .sizeClassShift : .sizeClassLeadingZeros)
  }
}
