/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): the one
/// source of randomness of the project, so that a seed says everything.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  @usableFromInline var state: UInt64

  @inlinable public init(seed: UInt64) { state = seed }

  @inlinable public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform below `bound` (Lemire's multiplication, without the rejection: the bias is below
  /// bound ÷ 2⁶⁴). `bound` must not be 0.
  @inlinable public mutating func below(_ bound: UInt64) -> UInt64 {
    next().multipliedFullWidth(by: bound).high
  }

  /// Uniform in 0 ..< 1.
  @inlinable public mutating func unit() -> Double {
    Double(next() >> 11) * 0x1p-53
  }
}
