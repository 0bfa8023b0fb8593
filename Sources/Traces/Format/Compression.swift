import CZstd

/// zstd contexts kept for a file's length, so that a column costs no allocation.
final class Compressor {
  private let context: OpaquePointer?
  private let level: Int32

  init(level: Int32) {
    context = ZSTD_createCCtx()
    self.level = level
  }

  deinit { ZSTD_freeCCtx(context) }

  /// Compressed bytes written to `output`, or nil where compression doesn't pay or fails: the
  /// column is then stored as it is.
  func compress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int?
  {
    let written = ZSTD_compressCCtx(
      context, output.baseAddress, output.count, input.baseAddress, input.count, level)
    guard ZSTD_isError(written) == 0, written < input.count else { return nil }
    return written
  }

  static func bound(_ bytes: Int) -> Int { ZSTD_compressBound(bytes) }
}

/// The reading side of `Compressor`.
final class Decompressor {
  private let context: OpaquePointer?

  init() { context = ZSTD_createDCtx() }

  deinit { ZSTD_freeDCtx(context) }

  /// Whether `input` is one or more whole frames of exactly `output.count` bytes of content.
  func decompress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> Bool {
    ZSTD_decompressDCtx(
      context, output.baseAddress, output.count, input.baseAddress, input.count) == output.count
  }
}
