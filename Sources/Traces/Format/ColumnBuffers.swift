import Glibc

/// The columns of one block, uncompressed, in one allocation of about 3 MB.
///
/// Each column has room for the most that a block's events can need and for one batch more, so
/// that a decoder may check its cursors once per batch.
final class ColumnBuffers {
  /// Events that are decoded between two checks of the cursors.
  static let batchEvents = 4096

  let storage: UnsafeMutableRawBufferPointer
  private let offsets: [Int]
  /// Bytes in use of each column.
  var lengths: [Int]

  init() {
    var offsets: [Int] = []
    var total = 0
    for column in Column.allCases {
      offsets.append(total)
      total += column.capacity(events: TraceFormat.blockEvents)
      total += 16 * ColumnBuffers.batchEvents
    }
    self.offsets = offsets
    lengths = [Int](repeating: 0, count: Column.allCases.count)
    storage = UnsafeMutableRawBufferPointer(start: zeroedMemory(total), count: total)
  }

  deinit { free(storage.baseAddress) }

  func base(_ column: Column) -> UnsafeMutablePointer<UInt8> {
    storage.baseAddress.unsafelyUnwrapped.advanced(by: offsets[column.rawValue])
      .assumingMemoryBound(to: UInt8.self)
  }

  func contents(_ column: Column) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base(column), count: lengths[column.rawValue])
  }
}

/// Zeroed memory that costs nothing before it is touched; to be released by `free`.
func zeroedMemory(_ bytes: Int) -> UnsafeMutableRawPointer {
  guard let memory = calloc(bytes, 1) else {
    preconditionFailure("no memory for \(bytes) bytes of buffers")
  }
  return memory
}
