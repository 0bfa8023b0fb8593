import ArgumentParser
import Foundation
import Platform
import Replay
import Reports

/// Turns whatever ended a command into an exit status and, where there is something to say, into
/// text on standard error: the one place where that is decided.
struct Failure {
  let status: Int32
  /// For standard error, or for standard output where `isAnswer`.
  let text: String
  /// Help, version and completion scripts are what was asked for.
  var isAnswer = false

  init(_ error: any Error) {
    switch error {
    case let code as ExitCode:
      status = code.rawValue
      text = ""
    case StreamError.readerGone:
      status = ExitStatus.done.rawValue
      text = ""
    case is CancellationError, PlayerError.interrupted:
      status = ExitStatus.interrupted.rawValue
      text = ""
    case let error as ReportError:
      status = ExitStatus.bug.rawValue
      text = Self.text(error)
    case let error as any UserFacingError:
      status = ExitStatus.badInput.rawValue
      text = Self.text(error)
    default:
      let code = Mallometer.exitCode(for: error)
      // The parser knows its own errors: usage (64) and clean exits (0). All else is unforeseen.
      if code == .success || code.rawValue == ExitStatus.usage.rawValue {
        status = code.rawValue
        text = Mallometer.fullMessage(for: error) + "\n"
        isAnswer = code == .success
      } else {
        status = ExitStatus.bug.rawValue
        text =
          "error: \(error)\n  this is a bug in mallometer: please report it with the command line"
          + " that showed it\n"
      }
    }
  }

  private static func text(_ error: any UserFacingError) -> String {
    "error: \(error.description)\n"
  }
}
