import CRecording
import CTraceFormat
import Foundation
import Glibc
import Platform

/// Runs a command under the recorder: starts the drainer and the command, passes signals on, waits.
public struct Recorder {
  /// The library to preload.
  public var library: String
  /// The mallometer executable and the arguments that make it a drainer.
  public var drainer: [String]
  /// Where traces go; created.
  public var output: String
  public var follow: Bool
  /// Events per process image at most; nil for all.
  public var maximumEvents: Int?

  public init(
    library: String, drainer: [String], output: String, follow: Bool = true,
    maximumEvents: Int? = nil
  ) {
    self.library = library
    self.drainer = drainer
    self.output = output
    self.follow = follow
    self.maximumEvents = maximumEvents
  }

  /// What came of a recording.
  public struct Outcome: Sendable {
    /// As a shell has it: the exit code, or 128 + signal.
    public var status: Int32
    /// Nil if the drainer died.
    public var report: RecordingReport?
  }

  /// Runs the command to its end. Its input, output and errors are those of this process.
  public func run(_ command: [String]) throws(RecordingError) -> Outcome {
    let folder = try makeSessionFolder()
    let signals = mallometer_open_signals()
    var connection = try connect(folder, recovering: false)
    let process: pid_t
    do throws(RecordingError) { process = try start(command, folder) } catch {
      connection.close()
      throw error
    }
    connection.tell("root \(process)")
    let descriptor = mallometer_process_descriptor(process)
    defer { if descriptor >= 0 { close(descriptor) } }
    var replaced = 0
    var ended: Int32?
    while true {
      let status =
        ended
        ?? wait(for: process, descriptor, signals: signals, drainer: connection.answers)
      if let status { connection.tell("done \(status)") }
      // Until it is told so, a drainer says nothing more: then it has died.
      if let status, let report = connection.readLine().flatMap({ Self.report($0) }) {
        if !report.processes.contains(where: \.running) { connection.join() }
        connection.close()
        return Outcome(status: status, report: report)
      }
      connection.close()
      connection.join()
      guard let next = replacement(folder, &replaced) else {
        return Outcome(
          status: status ?? waitAlone(for: process, descriptor, signals), report: nil)
      }
      connection = next
      connection.tell("root \(process)")
      ended = status
    }
  }

  /// How often a drainer that died is replaced.
  private static let replacements = 5

  /// Another drainer for one that died; it may itself be killed before it is ready.
  private func replacement(_ folder: String, _ replaced: inout Int) -> DrainerConnection? {
    while replaced < Self.replacements {
      replaced += 1
      if let next = try? connect(folder, recovering: true) { return next }
    }
    return nil
  }

  private static func report(_ line: String) -> RecordingReport? {
    try? JSONDecoder().decode(RecordingReport.self, from: Data(line.utf8))
  }

  /// Starts a drainer and waits until it is ready.
  private func connect(
    _ folder: String, recovering: Bool
  ) throws(RecordingError) -> DrainerConnection {
    var input: [Int32] = [0, 0]
    var answers: [Int32] = [0, 0]
    guard mallometer_open_pipe(&input) == 0, mallometer_open_pipe(&answers) == 0 else {
      throw .drainer(reason: RecordingError.reason())
    }
    let process: pid_t
    do {
      // Its end of the pipes must be its own: their closing tells that it died.
      defer {
        close(input[0])
        close(answers[1])
      }
      process = try startDrainer(
        folder, input: input[0], output: answers[1], recovering: recovering)
    }
    let connection = DrainerConnection(
      process: process, commands: input[1], answers: answers[0])
    guard connection.readLine() == "ready" else {
      connection.close()
      connection.join()
      if !recovering { try? FileManager.default.removeItem(atPath: folder) }
      throw .drainer(reason: "it ended at once")
    }
    return connection
  }

  private func makeSessionFolder() throws(RecordingError) -> String {
    do {
      try FileManager.default.createDirectory(
        atPath: output, withIntermediateDirectories: true)
    } catch {
      throw .outputFolder(path: output, reason: Self.reason(error))
    }
    guard let real = realpath(output, nil) else {
      throw .outputFolder(path: output, reason: RecordingError.reason())
    }
    defer { free(real) }
    let folder = "\(String(cString: real))/.recording-\(getpid())-\(UInt64.random(in: 0...0xFFFF))"
    guard mkdir(folder, 0o700) == 0 else {
      throw .outputFolder(path: output, reason: RecordingError.reason())
    }
    return folder
  }

  private static func reason(_ error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    return underlying.map { RecordingError.reason(Int32($0.code)) } ?? error.localizedDescription
  }

  private func startDrainer(
    _ folder: String, input: Int32, output descriptor: Int32, recovering: Bool
  ) throws(RecordingError) -> pid_t {
    var arguments =
      drainer + [
        "--session", folder, "--output",
        (folder as NSString)
          .deletingLastPathComponent,
      ]
    if recovering { arguments.append("--recover") }
    if !follow { arguments.append("--no-follow") }
    if let maximumEvents { arguments += ["--max-events", String(maximumEvents)] }
    var environment = ProcessInfo.processInfo.environment
    environment["LD_PRELOAD"] = nil
    var process: pid_t = 0
    let status = withStrings(arguments) { arguments in
      withStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
        mallometer_start_detached(
          &process, arguments[0], arguments, environment, input, descriptor, "/dev/null")
      }
    }
    guard status == 0 else { throw .drainer(reason: RecordingError.reason(status)) }
    return process
  }

  private func start(_ command: [String], _ folder: String) throws(RecordingError) -> pid_t {
    var environment = ProcessInfo.processInfo.environment
    let before = environment["LD_PRELOAD"].flatMap { $0.isEmpty ? nil : $0 }
    environment["LD_PRELOAD"] = before.map { "\(library):\($0)" } ?? library
    environment[MALLOMETER_SESSION_VARIABLE] = folder
    var process: pid_t = 0
    let status = withStrings(command) { arguments in
      withStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
        mallometer_start_program(&process, arguments[0], arguments, environment)
      }
    }
    switch status {
    case 0: return process
    case ENOENT: throw .notFound(program: command[0])
    default:
      throw .notExecutable(program: command[0], reason: RecordingError.reason(status))
    }
  }

  /// Waits for the command, passing on the signals that it doesn't get from the terminal itself.
  /// Nil if the drainer died before.
  private func wait(
    for process: pid_t, _ descriptor: Int32, signals: Int32, drainer: Int32
  ) -> Int32? {
    var status: Int32 = 0
    while true {
      var pollers = [
        pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: drainer, events: Int16(POLLIN), revents: 0),
      ]
      _ = poll(&pollers, 3, descriptor >= 0 ? -1 : 20)
      var fromTerminal: Int32 = 0
      while case let number = mallometer_read_signal(signals, &fromTerminal), number != 0 {
        if fromTerminal == 0 { kill(process, number) }
      }
      if waitpid(process, &status, WNOHANG) == process { break }
      if pollers[2].revents != 0 { return nil }
    }
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }

  private func waitAlone(for process: pid_t, _ descriptor: Int32, _ signals: Int32) -> Int32 {
    // Without a drainer's descriptor poll waits for the others only.
    wait(for: process, descriptor, signals: signals, drainer: -1) ?? 125
  }
}

/// The two pipes to a drainer.
struct DrainerConnection {
  var process: pid_t
  var commands: Int32
  var answers: Int32

  func tell(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(commands, $0.baseAddress, $0.count) }
  }

  /// The next answer; nil if the drainer is gone.
  func readLine() -> String? {
    var line: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while line.last != UInt8(ascii: "\n") {
      let count = read(answers, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return nil }
      line += buffer[..<count]
    }
    return String(decoding: line.dropLast(), as: UTF8.self)
  }

  func close() {
    Glibc.close(commands)
    Glibc.close(answers)
  }

  /// Waits until the drainer has ended.
  func join() {
    var ignored: Int32 = 0
    waitpid(process, &ignored, 0)
  }
}

/// Calls `body` with a null-terminated array of C strings.
private func withStrings<Result>(
  _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
  let copies = strings.map { strdup($0) }
  defer { for copy in copies { free(copy) } }
  return body(copies + [nil])
}
