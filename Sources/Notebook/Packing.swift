import Foundation

/// How arrays of numbers are kept in a blob: a count, then one variable-length integer each.
///
/// Counts of steps are mostly zeros in long runs and times differ little from one window to the
/// next, so differences in zigzag form and runs of zeros take one to three bytes per window where
/// plain numbers take eight.
enum Packing {
  /// Nanoseconds are kept in steps of 1/64 ns, finer than a tick of the clock.
  static let ticksPerNanosecond = 64.0

  /// 512 MiB of numbers, a billion operations with sixty steps counted: beyond it a blob is damaged.
  static let largestCount: UInt64 = 1 << 26

  static func pack(nanoseconds: [Double]) -> Data {
    pack(nanoseconds.map { UInt64(max(0, ($0 * ticksPerNanosecond).rounded())) })
  }

  static func unpackNanoseconds(_ data: Data) -> [Double]? {
    unpack(data)?.map { Double($0) / ticksPerNanosecond }
  }

  static func pack(_ values: [UInt64]) -> Data {
    var output = Data()
    append(UInt64(values.count), to: &output)
    var previous: UInt64 = 0
    var zeros: UInt64 = 0
    for value in values {
      let difference = Int64(bitPattern: value &- previous)
      previous = value
      if difference == 0 {
        zeros += 1
        continue
      }
      if zeros > 0 { appendRun(&zeros, to: &output) }
      append(UInt64(bitPattern: (difference << 1) ^ (difference >> 63)), to: &output)
    }
    if zeros > 0 { appendRun(&zeros, to: &output) }
    return output
  }

  /// Nil for bytes that `pack` never made.
  static func unpack(_ data: Data) -> [UInt64]? {
    let bytes = [UInt8](data)
    var position = 0
    guard let count = next(bytes, &position), count <= largestCount else { return nil }
    var values: [UInt64] = []
    // What is promised is only believed as it arrives: a damaged count allocates nothing.
    values.reserveCapacity(Int(min(count, UInt64(bytes.count))))
    var previous: UInt64 = 0
    while position < bytes.count {
      guard let code = next(bytes, &position) else { return nil }
      if code == 0 {
        guard let run = next(bytes, &position), run > 0, run <= count - UInt64(values.count) else {
          return nil
        }
        values.append(contentsOf: repeatElement(previous, count: Int(run)))
      } else {
        guard UInt64(values.count) < count else { return nil }
        previous &+= (code >> 1) ^ (0 &- (code & 1))
        values.append(previous)
      }
    }
    return values.count == count ? values : nil
  }

  /// A zero difference never stands alone: it is followed by how often it occurs.
  private static func appendRun(_ zeros: inout UInt64, to output: inout Data) {
    append(0, to: &output)
    append(zeros, to: &output)
    zeros = 0
  }

  private static func append(_ value: UInt64, to output: inout Data) {
    var rest = value
    while rest >= 0x80 {
      output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    output.append(UInt8(rest))
  }

  private static func next(_ bytes: [UInt8], _ position: inout Int) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.count, shift < 64 {
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }
}
