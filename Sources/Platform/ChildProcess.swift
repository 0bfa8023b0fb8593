import CPlatform
import Foundation

/// A program run to its end: no shell, standard input empty, standard output and errors kept.
public struct ChildProcess: Sendable {
  /// Path of the program; not searched for.
  public var executable: String
  /// Without the program's own name.
  public var arguments: [String]
  /// The whole environment.
  public var environment: [String: String]
  /// Bytes kept of each output stream; what comes later is read and dropped.
  public var outputLimit = 64 * 1024

  public init(
    executable: String, arguments: [String],
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
  }

  /// How a process ended.
  public enum Ending: Equatable, Sendable {
    case exited(status: Int32)
    case killed(signal: Int32)
  }

  public struct Result: Sendable {
    public let ending: Ending
    /// The beginning of what it printed.
    public let output: String
    /// The beginning of what it wrote to standard error.
    public let errors: String
    /// Processor seconds, user's and system's, of the process and of those of its descendants that
    /// were waited for.
    public let processorSeconds: Double
  }

  /// The path of the program that a shell would run by this name: the first regular file of that
  /// name in the folders of PATH that may be executed. Nil where there is none; a name with a slash
  /// in it is a path already.
  public static func find(
    _ name: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> String? {
    let path = environment["PATH"] ?? "/usr/bin:/bin"
    let candidates =
      name.contains("/") ? [name] : path.split(separator: ":").map { "\($0)/\(name)" }
    return candidates.first { candidate in
      var status = stat()
      return access(candidate, X_OK) == 0 && stat(candidate, &status) == 0
        && status.st_mode & S_IFMT == S_IFREG
    }
  }

  /// Runs the program and waits for it.
  public func run() throws(ChildProcessError) -> Result {
    let output = try Pipe.make()
    let errors: Pipe
    do {
      errors = try Pipe.make()
    } catch {
      output.close()
      throw error
    }
    let child: pid_t
    do {
      child = try spawn(output: output, errors: errors)
    } catch {
      output.close()
      errors.close()
      throw error
    }
    close(output.writing)
    close(errors.writing)
    let cleanUp = Interruption.onInterruption { kill(child, SIGKILL) }
    defer { Interruption.cancel(cleanUp) }
    let texts = Self.drain([output.reading, errors.reading], limit: outputLimit)
    close(output.reading)
    close(errors.reading)
    let (ending, seconds) = Self.wait(for: child)
    return Result(
      ending: ending, output: texts[0], errors: texts[1], processorSeconds: seconds)
  }

  private struct Pipe {
    let reading: Int32
    let writing: Int32

    static func make() throws(ChildProcessError) -> Pipe {
      var ends: [Int32] = [0, 0]
      let failure = mallometer_pipe(&ends)
      guard failure == 0 else { throw .system("cannot open a pipe", failure) }
      return Pipe(reading: ends[0], writing: ends[1])
    }

    func close() {
      Glibc.close(reading)
      Glibc.close(writing)
    }
  }

  private func spawn(output: Pipe, errors: Pipe) throws(ChildProcessError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output.writing, 1)
    posix_spawn_file_actions_adddup2(&actions, errors.writing, 2)
    // A worker of a thread pool, which may be what runs this, has all signals blocked.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let words = ([executable] + arguments).map { strdup($0) } + [nil]
    let variables =
      environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
      for text in words + variables { free(text) }
    }
    var child: pid_t = 0
    let failure = posix_spawn(&child, executable, &actions, &attributes, words, variables)
    guard failure == 0 else { throw .cannotRun(executable, errorNumber: failure) }
    return child
  }

  /// Reads all descriptors until each is closed.
  private static func drain(_ descriptors: [Int32], limit: Int) -> [String] {
    var kept = descriptors.map { _ in [UInt8]() }
    var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while polled.contains(where: { $0.fd >= 0 }) {
      guard poll(&polled, UInt(polled.count), -1) >= 0 || errno == EINTR else { break }
      for index in polled.indices where polled[index].fd >= 0 && polled[index].revents != 0 {
        let count = read(polled[index].fd, &buffer, buffer.count)
        if count > 0 {
          kept[index].append(contentsOf: buffer[0..<min(count, limit - kept[index].count)])
        } else if count == 0 || errno != EINTR {
          polled[index].fd = -1
        }
      }
    }
    return kept.map { String(decoding: $0, as: UTF8.self) }
  }

  private static func wait(for child: pid_t) -> (ending: Ending, processorSeconds: Double) {
    var status: Int32 = 0
    var usage = rusage()
    while wait4(child, &status, 0, &usage) < 0 {
      guard errno == EINTR else { return (.exited(status: 127), 0) }
    }
    let seconds = [usage.ru_utime, usage.ru_stime].reduce(0) {
      $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6
    }
    let signal = status & 0x7F
    let ending: Ending =
      signal == 0 ? .exited(status: (status >> 8) & 0xFF) : .killed(signal: signal)
    return (ending, seconds)
  }
}

/// A program that could not be started.
public enum ChildProcessError: UserFacingError, Equatable {
  case cannotRun(String, errorNumber: Int32)
  case system(String, Int32)

  public var message: String {
    switch self {
    case .cannotRun(let path, let number):
      "cannot run \(path): \(String(cString: strerror(number)))"
    case .system(let what, let number):
      "\(what): \(String(cString: strerror(number)))"
    }
  }

  public var remedy: String? {
    switch self {
    case .cannotRun(_, ENOENT): "check the path, or build everything with: make build"
    case .cannotRun(_, EACCES): "make it executable with: chmod +x"
    default: nil
    }
  }
}
