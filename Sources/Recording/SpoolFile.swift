import CRecording
import CTraceFormat
import Glibc

/// One process image's spool, mapped: what the recorder wrote, however its process ended.
final class SpoolFile {
  let path: String
  let base: UnsafeMutablePointer<mallometer_spool>
  private let bytes: Int

  /// Maps a spool; nil while it isn't set up yet, or if it is no spool of this version.
  init?(path: String) {
    let file = open(path, O_RDWR | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_size > Int(MALLOMETER_HEADER_BYTES) else {
      return nil
    }
    let length = Int(status.st_size)
    guard let mapped = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
      mapped != MAP_FAILED
    else { return nil }
    let spool = mapped.bindMemory(to: mallometer_spool.self, capacity: 1)
    let chunks = Int(mapped.load(fromByteOffset: 24, as: UInt32.self))
    guard mallometer_load64(SpoolFile.word(spool, \.magic)) == MALLOMETER_SPOOL_MAGIC,
      spool.pointee.version == UInt32(MALLOMETER_SPOOL_VERSION),
      spool.pointee.max_chunks <= MALLOMETER_MAX_CHUNKS, chunks == Int(spool.pointee.max_chunks),
      Int(MALLOMETER_HEADER_BYTES) + chunks * Int(MALLOMETER_CHUNK_BYTES) <= length
    else {
      munmap(mapped, length)
      return nil
    }
    self.path = path
    base = spool
    bytes = length
  }

  deinit { munmap(base, bytes) }

  private static func word<Value>(
    _ spool: UnsafeMutablePointer<mallometer_spool>,
    _ field: PartialKeyPath<mallometer_spool>, as type: Value.Type = Value.self
  ) -> UnsafeMutablePointer<Value> {
    // A C struct's stored fields always have an offset.
    let offset = MemoryLayout<mallometer_spool>.offset(of: field) ?? 0
    return UnsafeMutableRawPointer(spool).advanced(by: offset)
      .assumingMemoryBound(to: Value.self)
  }

  var process: pid_t { base.pointee.pid }
  var parent: pid_t { base.pointee.parent }
  var forked: Bool { base.pointee.forked != 0 }
  var start: UInt64 { base.pointee.start_time_stamp }
  var dropped: UInt64 { base.pointee.dropped }
  /// Chunks ever used.
  var grown: UInt32 {
    min(mallometer_load32(Self.word(base, \.grown)), base.pointee.max_chunks)
  }
  var moduleCount: UInt32 {
    min(mallometer_load32(Self.word(base, \.modules)), UInt32(MALLOMETER_MAX_MODULES))
  }
  /// Whether an exec was begun and hasn't failed.
  var execBegun: Bool { mallometer_load64(Self.word(base, \.exec_time)) != 0 }

  /// Whether threads wait for chunks.
  var hasWaiters: Bool { mallometer_load32(Self.word(base, \.waiters)) != 0 }

  func stop() { mallometer_store32(Self.word(base, \.stopped), 1) }

  /// Tells waiting threads that chunks came back.
  func announceReleased() {
    let released: UnsafeMutablePointer<UInt32> = Self.word(base, \.released)
    mallometer_add32(released, 1)
    if mallometer_load32(Self.word(base, \.waiters)) != 0 { mallometer_wake_all(released) }
  }

  var chunkStates: UnsafeMutablePointer<UInt32> { mallometer_spool_chunk_states(base) }

  /// Return addresses by the recorder's numbers of their sites.
  var sites: UnsafeMutablePointer<UInt64> { mallometer_spool_sites(base) }

  func chunk(_ index: UInt32) -> UnsafeMutablePointer<mallometer_chunk> {
    mallometer_spool_chunk(base, index)
  }

  /// The executable's path.
  var executable: String {
    let path = String(cString: mallometer_spool_executable(base))
    return path.hasSuffix(" (deleted)") ? String(path.dropLast(10)) : path
  }

  /// The program's name as it was started, without its folder: `python3` where the executable is
  /// called python3.11, the script's name where an interpreter runs one.
  var program: String {
    let started = String(cString: mallometer_spool_program(base))
    if !started.isEmpty, started != "exe" { return started }
    let name = executable.split(separator: "/").last.map(String.init) ?? ""
    return name.isEmpty ? "unknown" : name
  }

  /// The command line after the program.
  var arguments: [String] {
    let length = min(Int(base.pointee.command_length), Int(MALLOMETER_COMMAND_BYTES))
    let raw = UnsafeRawBufferPointer(start: mallometer_spool_command(base), count: length)
    return raw.split(separator: 0, omittingEmptySubsequences: false).dropFirst()
      .map { String(decoding: $0, as: UTF8.self) }.dropLastIfEmpty()
  }

  /// An image that a process started or became.
  struct BegunImage {
    var process: pid_t
    var path: String
    /// A time stamp from before it began.
    var time: UInt64
  }

  /// Images that this process started or became, as far as they fit the table.
  var images: [BegunImage] {
    let count = min(base.pointee.images, UInt32(MALLOMETER_MAX_IMAGES))
    return (0..<count).compactMap { index in
      guard let image = mallometer_spool_image(base, index), image.pointee.failed == 0 else {
        return nil
      }
      return BegunImage(
        process: image.pointee.pid, path: String(cString: mallometer_image_path(image)),
        time: image.pointee.time)
    }
  }
}

extension Array where Element == String {
  fileprivate func dropLastIfEmpty() -> [String] { last == "" ? Array(dropLast()) : self }
}
