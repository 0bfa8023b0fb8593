import Foundation

/// The secure hash of FIPS 180-4 §6.2: traces and allocators are known by it, and it is the number
/// that `sha256sum` prints.
public struct SHA256 {
  private var state: [UInt32] = [
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB,
    0x5BE0_CD19,
  ]
  private var schedule = [UInt32](repeating: 0, count: 64)
  private var pending: [UInt8] = []
  private var length: UInt64 = 0

  public init() { pending.reserveCapacity(128) }

  /// Adds bytes; in any portions, the hash is of their concatenation.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    length &+= UInt64(bytes.count)
    var rest = bytes[...]
    if !pending.isEmpty {
      let taken = rest.prefix(64 - pending.count)
      pending.append(contentsOf: taken)
      rest = rest.dropFirst(taken.count)
      guard pending.count == 64 else { return }
      let block = pending
      block.withUnsafeBytes { compress($0) }
      pending.removeAll(keepingCapacity: true)
    }
    while rest.count >= 64 {
      compress(UnsafeRawBufferPointer(rebasing: rest.prefix(64)))
      rest = rest.dropFirst(64)
    }
    pending.append(contentsOf: rest)
  }

  /// The hash of everything added, as 64 lower-case hexadecimal digits.
  public consuming func hexadecimal() -> String {
    let bits = length &* 8
    var tail: [UInt8] = [0x80]
    let used = (pending.count + 1) % 64
    tail += Array(repeating: 0, count: (used <= 56 ? 56 : 120) - used)
    for shift in stride(from: 56, through: 0, by: -8) {
      tail.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
    }
    tail.withUnsafeBytes { update($0) }
    return state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  /// The hash of a file, read a megabyte at a time.
  /// - Throws: `UnreadableFile`.
  public static func hexadecimal(ofFile path: String) throws(UnreadableFile) -> String {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw UnreadableFile(path: path, reason: String(cString: strerror(errno)))
    }
    var hash = SHA256()
    while true {
      let portion: Data?
      do {
        portion = try file.read(upToCount: 1 << 20)
      } catch {
        throw UnreadableFile(path: path, reason: error.localizedDescription)
      }
      guard let portion, !portion.isEmpty else { return hash.hexadecimal() }
      portion.withUnsafeBytes { hash.update($0) }
    }
  }

  private mutating func compress(_ block: UnsafeRawBufferPointer) {
    schedule.withUnsafeMutableBufferPointer { words in
      for index in 0..<16 {
        words[index] = UInt32(
          bigEndian: block.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
      }
      for index in 16..<64 {
        let early = words[index - 15]
        let late = words[index - 2]
        let small = rotate(early, 7) ^ rotate(early, 18) ^ (early >> 3)
        let large = rotate(late, 17) ^ rotate(late, 19) ^ (late >> 10)
        words[index] = words[index - 16] &+ small &+ words[index - 7] &+ large
      }
      var (a, b, c, d) = (state[0], state[1], state[2], state[3])
      var (e, f, g, h) = (state[4], state[5], state[6], state[7])
      Self.constants.withUnsafeBufferPointer { constants in
        for index in 0..<64 {
          let choice = (e & f) ^ (~e & g)
          let large = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
          let first = h &+ large &+ choice &+ constants[index] &+ words[index]
          let majority = (a & b) ^ (a & c) ^ (b & c)
          let second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ majority
          (h, g, f, e) = (g, f, e, d &+ first)
          (d, c, b, a) = (c, b, a, first &+ second)
        }
      }
      for (index, value) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= value }
    }
  }

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = {
    var primes: [UInt32] = []
    var candidate: UInt32 = 2
    while primes.count < 64 {
      if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
      candidate += 1
    }
    return primes.map { prime in
      // floor(cbrt(prime) × 2³²), exactly: the largest root whose cube is at most prime × 2⁹⁶.
      var root: UInt64 = 0
      for bit in stride(from: 34, through: 0, by: -1) {
        let trial = root | 1 << UInt64(bit)
        if cubeIsAtMost(trial, prime) { root = trial }
      }
      return UInt32(truncatingIfNeeded: root)
    }
  }()

  /// Whether root³ ≤ prime × 2⁹⁶.
  private static func cubeIsAtMost(_ root: UInt64, _ prime: UInt32) -> Bool {
    let square = root.multipliedFullWidth(by: root)
    let low = square.low.multipliedFullWidth(by: root)
    let high = square.high.multipliedFullWidth(by: root)
    let (middle, carried) = low.high.addingReportingOverflow(high.low)
    let top = high.high + (carried ? 1 : 0)
    let bound = UInt64(prime) << 32
    return top == 0 && (middle < bound || middle == bound && low.low == 0)
  }
}

@inline(__always)
private func rotate(_ word: UInt32, _ by: UInt32) -> UInt32 { word >> by | word << (32 - by) }

/// A file can't be read.
public struct UnreadableFile: UserFacingError, Equatable {
  public let path: String
  public let reason: String

  public var message: String { "\(path) can't be read: \(reason)" }
  public var remedy: String? { "check the path and the permissions of the file" }
}
