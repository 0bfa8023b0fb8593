import Foundation
import Platform

/// A replay that did not come to its end, or was not over the allocator it was meant for.
public enum PlayerError: UserFacingError, Equatable {
  /// The loader could not load the allocator.
  case preloadFailed(library: String, reason: String)
  /// The library was loaded but malloc came from elsewhere.
  case doesNotReplaceMalloc(library: String, mallocFrom: String)
  case killed(allocator: String, signal: Int32, afterCalls: UInt64, errors: String)
  case failed(allocator: String, status: Int32, afterCalls: UInt64, errors: String)
  case outOfMemory(allocator: String, size: UInt64, failures: UInt64)
  case interrupted
  case unreadableResult(String)

  public var message: String {
    switch self {
    case .preloadFailed(let library, let reason):
      "the allocator \(library) could not be preloaded: \(reason)"
    case .doesNotReplaceMalloc(let library, let mallocFrom):
      "\(library) does not replace malloc: calls went to \(mallocFrom)"
    case .killed(let allocator, SIGKILL, let calls, _):
      "the replay over \(allocator) was killed after about \(calls) calls, by the kernel for lack "
        + "of memory or by hand"
    case .killed(let allocator, let signal, let calls, let errors):
      "the replay over \(allocator) crashed with \(signalName(signal)) after about \(calls) calls"
        + quoted(errors)
    case .failed(let allocator, let status, let calls, let errors):
      "the replay over \(allocator) ended with status \(status) after about \(calls) calls"
        + quoted(errors)
    case .outOfMemory(let allocator, let size, let failures):
      "\(allocator) returned NULL for \(failures) allocations, the first of \(size) bytes"
    case .interrupted: "the replay was interrupted"
    case .unreadableResult(let path): "the player's result \(path) can't be read"
    }
  }

  public var remedy: String? {
    switch self {
    case .preloadFailed(let library, _):
      "check the file with: readelf -h -d \(library)"
    case .doesNotReplaceMalloc(let library, _):
      "it must export malloc, calloc, realloc and free: nm -D \(library) | grep malloc"
    case .killed(_, SIGKILL, _, _):
      "free memory, or replay a shorter trace or with --touch first-line"
    case .killed(_, SIGILL, _, _):
      "the library may be built for another processor: compile it on this machine"
    case .killed, .failed:
      "if the trace replays over glibc the fault is the allocator's: run it under a debugger"
    case .outOfMemory: "replay on a machine with more memory, or raise the limit: ulimit -v"
    case .interrupted: "run the same command again: it goes on where it stopped"
    case .unreadableResult: "make room in the temporary folder or point TMPDIR at another one"
    }
  }
}

/// "SIGSEGV" for 11, "signal 60" for what has no name.
private func signalName(_ number: Int32) -> String {
  let names: [Int32: String] = [
    SIGSEGV: "SIGSEGV", SIGBUS: "SIGBUS", SIGABRT: "SIGABRT", SIGILL: "SIGILL", SIGFPE: "SIGFPE",
    SIGTRAP: "SIGTRAP", SIGTERM: "SIGTERM", SIGXCPU: "SIGXCPU", SIGPIPE: "SIGPIPE",
  ]
  return names[number] ?? "signal \(number)"
}

/// The last line of what the process said, if anything.
private func quoted(_ errors: String) -> String {
  guard let line = errors.split(separator: "\n").last else { return "" }
  return ", saying: \(line)"
}
