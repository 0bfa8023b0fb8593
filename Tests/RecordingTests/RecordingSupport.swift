import Foundation
import Platform
import Recording
import Testing
import Traces

/// Runs commands under the built `mallometer record` and reads what came of it.
final class RecordingBench {
  let folder: URL
  private let installation: Installation

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("recording-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    installation = try Installation()
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  var mallometer: URL { installation.binaries.appendingPathComponent("mallometer") }
  var recorder: URL { get throws { try installation.recorder() } }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  /// Compiles one of `Programs/`, returns the executable's path.
  func compile(_ name: String, _ options: String...) throws -> String {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Programs/\(name).c").path
    let result = path(options.contains("-shared") ? "lib\(name).so" : name)
    let finished = try run(
      ["cc", "-O0", "-pthread", "-o", result, source] + options + ["-ldl"])
    try #require(finished.status == 0, "cc \(name): \(finished.errors)")
    return result
  }

  struct Finished {
    var status: Int32
    var output: String
    var errors: String
  }

  /// Starts a command in the bench's folder with output and errors in files.
  func start(_ command: [String]) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    for name in ["output", "errors"] {
      _ = FileManager.default.createFile(atPath: path(name), contents: nil)
    }
    process.standardOutput = FileHandle(forWritingAtPath: path("output"))
    process.standardError = FileHandle(forWritingAtPath: path("errors"))
    try process.run()
    return process
  }

  func finish(_ process: Process) -> Finished {
    process.waitUntilExit()
    let status = process.terminationStatus
    return Finished(
      status: process.terminationReason == .exit ? status : 128 + status,
      output: (try? String(contentsOfFile: path("output"), encoding: .utf8)) ?? "",
      errors: (try? String(contentsOfFile: path("errors"), encoding: .utf8)) ?? "")
  }

  func run(_ command: [String]) throws -> Finished { finish(try start(command)) }

  struct Recorded {
    var status: Int32
    var output: String
    var errors: String
    var processes: [RecordingReport.Process]

    /// Images of a program, in the order of their processes.
    func images(of program: String) -> [RecordingReport.Process] {
      processes.filter { $0.program == program }
    }
  }

  var recordCommand: [String] {
    [mallometer.path, "record", "-o", path("traces"), "--report", path("report.json")]
  }

  /// Records a command to its end; options of `record` come first.
  func record(_ command: [String], options: [String] = []) throws -> Recorded {
    let finished = try run(recordCommand + options + ["--"] + command)
    let data = try? Data(contentsOf: folder.appendingPathComponent("report.json"))
    let report = try data.map { try JSONDecoder().decode(RecordingReport.self, from: $0) }
    return Recorded(
      status: finished.status, output: finished.output, errors: finished.errors,
      processes: report?.processes ?? [])
  }
}

/// All of a trace, for tests: every event validated by the reader on the way.
struct WholeTrace {
  var reader: TraceReader
  var events: [Event] = []

  init(_ process: RecordingReport.Process) throws {
    try self.init(path: #require(process.trace))
  }

  init(path: String) throws {
    reader = try TraceReader(path: path)
    var events: [Event] = []
    try reader.forEachBlock { events.append(contentsOf: $0) }
    self.events = events
  }

  func count(_ kind: EventKind) -> Int { events.count { $0.kind == kind } }

  func sized(_ size: UInt64) -> [Event] {
    events.filter { $0.kind.allocates && $0.size == size }
  }

  /// The event that ends the life that begins at the first event of this size.
  func free(ofSize size: UInt64) -> Event? {
    guard let begin = events.firstIndex(where: { $0.kind.allocates && $0.size == size }) else {
      return nil
    }
    return events[begin...].first { $0.kind.frees && $0.slot == events[begin].slot }
  }

  func module(of event: Event) -> String {
    reader.modules[Int(reader.sites[Int(event.site)].module)].path
  }
}
