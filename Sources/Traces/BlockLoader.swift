/// Reads blocks' bodies and columns into buffers that are kept from block to block.
final class BlockLoader {
  private let file: TraceFile
  private let body: UnsafeMutableRawBufferPointer
  private let decompressor = Decompressor()

  init(file: TraceFile) {
    self.file = file
    body = .allocate(byteCount: TraceFormat.maximumBlockBytes, alignment: 64)
  }

  deinit { body.deallocate() }

  /// A block's body, checked against its checksum; nil if it is cut or changed. Valid until the
  /// next call.
  func body(of frame: TraceFile.Frame, at offset: UInt64) throws(TraceError)
    -> UnsafeRawBufferPointer?
  {
    let fixed = TraceFormat.blockHeadBytes + 8 * Column.allCases.count
    guard frame.bodyBytes >= fixed, frame.bodyBytes <= body.count else { return nil }
    let bytes = UnsafeMutableRawBufferPointer(rebasing: body[..<frame.bodyBytes])
    guard try file.read(bytes, at: offset + UInt64(TraceFormat.frameBytes)) else { return nil }
    let contents = UnsafeRawBufferPointer(bytes)
    return xxHash64(contents, seed: UInt64(frame.tag)) == frame.checksum ? contents : nil
  }

  /// Decompresses one column of a body into the buffers, or says what is wrong with it.
  func load(
    _ column: Column, of body: UnsafeRawBufferPointer, into columns: ColumnBuffers, events: Int
  ) -> String? {
    func entry(_ index: Int) -> (length: Int, stored: Int) {
      let offset = TraceFormat.blockHeadBytes + 8 * index
      func half(_ offset: Int) -> Int {
        Int(UInt32(littleEndian: body.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      }
      return (half(offset), half(offset + 4))
    }
    var start = TraceFormat.blockHeadBytes + 8 * Column.allCases.count
    for index in 0..<column.rawValue { start += entry(index).stored }
    let (length, stored) = entry(column.rawValue)
    let capacity = column.capacity(events: events)
    guard length <= capacity else {
      return "column \(column) has \(length) bytes; \(events) events need at most \(capacity)"
    }
    guard stored <= length, start <= body.count, stored <= body.count - start else {
      return "column \(column) is stored in \(stored) bytes, which the block doesn't have"
    }
    let input = UnsafeRawBufferPointer(rebasing: body[start..<start + stored])
    columns.lengths[column.rawValue] = length
    let output = columns.contents(column)
    if stored == length {
      output.copyMemory(from: input)
    } else if !decompressor.decompress(input, into: output) {
      return "column \(column) doesn't decompress to its \(length) bytes"
    }
    return nil
  }

  /// Whether the columns fill the body to its end.
  func isFilled(_ body: UnsafeRawBufferPointer) -> Bool {
    var end = TraceFormat.blockHeadBytes + 8 * Column.allCases.count
    for column in Column.allCases {
      let offset = TraceFormat.blockHeadBytes + 8 * column.rawValue + 4
      end += Int(UInt32(littleEndian: body.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
    return end == body.count
  }
}
