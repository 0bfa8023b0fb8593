import CTraceFormat
import Foundation
import Glibc

/// The folder of one recording: spools and what recorders need to know. It lies in the folder of
/// the traces, hidden, and goes when the last process has ended.
struct RecordingSession {
  let folder: String
  private let page: UnsafeMutablePointer<mallometer_session>

  /// Creates the session's page in a folder that exists.
  init(folder: String, follow: Bool) throws(RecordingError) {
    self.folder = folder
    let path = folder + "/session"
    let file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      throw .outputFolder(path: path, reason: RecordingError.reason())
    }
    defer { Glibc.close(file) }
    guard posix_fallocate(file, 0, 4096) == 0,
      let mapped = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
      mapped != MAP_FAILED
    else { throw .outputFolder(path: path, reason: RecordingError.reason(ENOSPC)) }
    page = mapped.bindMemory(to: mallometer_session.self, capacity: 1)
    page.pointee = mallometer_session(
      magic: 0, version: UInt32(MALLOMETER_SPOOL_VERSION), drainer: getpid(),
      follow: follow ? 1 : 0, max_chunks: UInt32(MALLOMETER_MAX_CHUNKS), closed: 0, reserved: 0)
    page.pointee.magic = MALLOMETER_SESSION_MAGIC
  }

  /// Spool files by name.
  func spoolNames() -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".spool") { names.append(name) }
    }
    return names
  }

  /// From now on new processes run unrecorded.
  func close() {
    page.pointee.closed = 1
    try? FileManager.default.removeItem(atPath: folder)
  }
}
