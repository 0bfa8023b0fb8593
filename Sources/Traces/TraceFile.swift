import Glibc

/// An open trace file: records by offset, with their frames and checksums checked.
final class TraceFile: Sendable {
  let path: String
  let byteCount: UInt64
  private let descriptor: Int32

  init(path: String) throws(TraceError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .systemError(path, "opened", errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw .systemError(path, "examined", code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw TraceError(
        .file, path: path, "isn't a regular file", remedy: "name a .mlt file that was recorded")
    }
    byteCount = UInt64(status.st_size)
  }

  deinit { close(descriptor) }

  /// Fills the buffer from an offset; false at the file's end.
  func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(TraceError) -> Bool {
    var done = 0
    while done < buffer.count {
      let got = pread(
        descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done,
        Int(offset) + done)
      if got < 0 {
        if errno == EINTR { continue }
        throw .systemError(path, "read", errno)
      }
      if got == 0 { return false }
      done += got
    }
    return true
  }

  func bytes(_ count: Int, at offset: UInt64) throws(TraceError) -> [UInt8]? {
    guard offset <= byteCount, UInt64(count) <= byteCount - offset else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: TraceError?
    let whole = bytes.withUnsafeMutableBytes { raw in
      do throws(TraceError) { return try read(raw, at: offset) } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
    return whole ? bytes : nil
  }

  /// What stands at an offset where a record should begin.
  struct Frame: Sendable {
    var tag: UInt32
    var bodyBytes: Int
    var checksum: UInt64
  }

  /// The frame at an offset, or nil where the file ends or where its length reaches beyond the end.
  func frame(at offset: UInt64) throws(TraceError) -> Frame? {
    guard let raw = try bytes(TraceFormat.frameBytes, at: offset) else { return nil }
    let frame = raw.withUnsafeBytes { bytes in
      Frame(
        tag: UInt32(littleEndian: bytes.load(fromByteOffset: 0, as: UInt32.self)),
        bodyBytes: Int(UInt32(littleEndian: bytes.load(fromByteOffset: 4, as: UInt32.self))),
        checksum: UInt64(littleEndian: bytes.load(fromByteOffset: 8, as: UInt64.self)))
    }
    let rest = byteCount - offset - UInt64(TraceFormat.frameBytes)
    return UInt64(frame.bodyBytes) <= rest ? frame : nil
  }

  /// The body of a small record (header, footer), or nil if its checksum is wrong.
  func body(of frame: Frame, at offset: UInt64) throws(TraceError) -> [UInt8]? {
    guard
      let body = try bytes(frame.bodyBytes, at: offset + UInt64(TraceFormat.frameBytes))
    else { return nil }
    let checksum = body.withUnsafeBytes { xxHash64($0, seed: UInt64(frame.tag)) }
    return checksum == frame.checksum ? body : nil
  }
}
