/// Builds records: the compressed body of a block, and the frame of any record.
///
/// Apart from the writer so that tests can seal a changed block again.
enum BlockSeal {
  /// Writes head, column table and compressed columns; returns the body's length. `output` holds
  /// `TraceFormat.maximumBlockBytes`.
  static func seal(
    _ head: BlockHead, _ columns: ColumnBuffers, with compressor: Compressor,
    into output: UnsafeMutableRawBufferPointer
  ) -> Int {
    head.store(to: output)
    var end = TraceFormat.blockHeadBytes + 8 * Column.allCases.count
    for column in Column.allCases {
      let contents = UnsafeRawBufferPointer(columns.contents(column))
      let rest = UnsafeMutableRawBufferPointer(rebasing: output[end...])
      var stored = contents.count
      if let compressed = compressor.compress(contents, into: rest) {
        stored = compressed
      } else {
        rest.copyMemory(from: contents)
      }
      let entry = TraceFormat.blockHeadBytes + 8 * column.rawValue
      output.storeBytes(
        of: UInt32(contents.count).littleEndian, toByteOffset: entry, as: UInt32.self)
      output.storeBytes(of: UInt32(stored).littleEndian, toByteOffset: entry + 4, as: UInt32.self)
      end += stored
    }
    return end
  }

  /// Fills in the frame in front of a record's body.
  static func frame(_ record: UnsafeMutableRawBufferPointer, tag: UInt32) {
    let body = UnsafeRawBufferPointer(rebasing: record[TraceFormat.frameBytes...])
    record.storeBytes(of: tag.littleEndian, toByteOffset: 0, as: UInt32.self)
    record.storeBytes(of: UInt32(body.count).littleEndian, toByteOffset: 4, as: UInt32.self)
    record.storeBytes(
      of: xxHash64(body, seed: UInt64(tag)).littleEndian, toByteOffset: 8, as: UInt64.self)
  }
}
