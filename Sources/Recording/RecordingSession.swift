import CTraceFormat
import Foundation
import Glibc

/// The folder of one recording: spools and what recorders need to know. It lies in the folder of
/// the traces, hidden, and goes when the last process has ended.
struct RecordingSession {
  let folder: String
  private let page: UnsafeMutablePointer<mallometer_session>

  /// Held for as long as this process lives: whose lock is free has lost its drainer.
  private let file: Int32

  /// Creates the session's page in a folder that exists.
  init(folder: String, follow: Bool, maximumEvents: Int?) throws(RecordingError) {
    self.folder = folder
    let path = folder + "/session"
    (file, page) = try Self.map(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC)
    page.pointee = mallometer_session(
      magic: 0, version: UInt32(MALLOMETER_SPOOL_VERSION), drainer: getpid(),
      follow: follow ? 1 : 0, max_chunks: UInt32(MALLOMETER_MAX_CHUNKS), closed: 0, reserved: 0,
      max_events: UInt64(maximumEvents ?? 0))
    page.pointee.magic = MALLOMETER_SESSION_MAGIC
  }

  /// Takes a session over whose drainer was killed.
  init(recovering folder: String) throws(RecordingError) {
    self.folder = folder
    let path = folder + "/session"
    guard access(path, F_OK) == 0 else {
      throw .notRecoverable(path: folder, reason: "it has no session file")
    }
    (file, page) = try Self.map(path, O_RDWR | O_CLOEXEC)
    guard page.pointee.magic == MALLOMETER_SESSION_MAGIC,
      page.pointee.version == UInt32(MALLOMETER_SPOOL_VERSION)
    else {
      throw .notRecoverable(
        path: folder, reason: "another version of mallometer wrote it, or it never began")
    }
    page.pointee.drainer = getpid()
  }

  private static func map(
    _ path: String, _ flags: Int32
  ) throws(RecordingError) -> (Int32, UnsafeMutablePointer<mallometer_session>) {
    let file = open(path, flags, 0o600)
    guard file >= 0 else { throw .outputFolder(path: path, reason: RecordingError.reason()) }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      Glibc.close(file)
      throw .notRecoverable(path: path, reason: "it is still being recorded")
    }
    guard posix_fallocate(file, 0, 4096) == 0,
      let mapped = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
      mapped != MAP_FAILED
    else {
      Glibc.close(file)
      throw .outputFolder(path: path, reason: RecordingError.reason(ENOSPC))
    }
    return (file, mapped.bindMemory(to: mallometer_session.self, capacity: 1))
  }

  /// Folders of recordings in the folder of their traces.
  static func folders(in output: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: output)) ?? []
    return names.filter { $0.hasPrefix(".recording-") }.sorted().map { "\(output)/\($0)" }
  }

  var maximumEvents: Int? {
    page.pointee.max_events > 0 ? Int(clamping: page.pointee.max_events) : nil
  }

  /// Keeps what there is to tell of a finished image, for a drainer that takes over.
  func note(_ report: RecordingReport.Process) {
    guard var line = try? JSONEncoder().encode(report) else { return }
    line.append(UInt8(ascii: "\n"))
    let file = open(folder + "/finished", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { return }
    _ = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    Glibc.close(file)
  }

  /// What `note` kept.
  func notedReports() -> [RecordingReport.Process] {
    let text = (try? String(contentsOfFile: folder + "/finished", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap {
      try? JSONDecoder().decode(RecordingReport.Process.self, from: Data($0.utf8))
    }
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

  /// From now on new processes run unrecorded. The folder goes, unless spools in it are still needed.
  func close(keepingSpools: Bool) {
    page.pointee.closed = 1
    if keepingSpools {
      flock(file, LOCK_UN)
    } else {
      try? FileManager.default.removeItem(atPath: folder)
    }
  }
}
