import Foundation

/// Two multiplicative hashes of 64 bits: enough to tell builds apart where nobody
/// tries to make them collide.
struct ContentHash {
  private var first: UInt64 = 0xCBF2_9CE4_8422_2325
  private var second: UInt64 = 0x9AE1_6A3B_2F90_404F

  mutating func add(_ bytes: some Sequence<UInt8>) {
    var length: UInt64 = 0
    for byte in bytes {
      mix(byte)
      length += 1
    }
    // The length keeps ("ab", "c") apart from ("a", "bc").
    for shift in stride(from: 0, to: 64, by: 8) { mix(UInt8(truncatingIfNeeded: length >> shift)) }
  }

  mutating func add(_ text: String) { add(text.utf8) }

  private mutating func mix(_ byte: UInt8) {
    first = (first ^ UInt64(byte)) &* 0x100_0000_01B3
    second = (second ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
  }

  /// One half of it, where 64 bits do.
  var value: UInt64 { second }

  var hexadecimal: String {
    [first, second].map { value in
      let digits = String(value, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
