import Glibc
import Platform

/// Why a recording couldn't begin or went wrong.
public enum RecordingError: UserFacingError, Equatable {
  case notFound(program: String)
  case notExecutable(program: String, reason: String)
  case outputFolder(path: String, reason: String)
  case drainer(reason: String)
  case report(path: String, reason: String)
  case notRecoverable(path: String, reason: String)

  public var message: String {
    switch self {
    case .notFound(let program): "\(program): no such program"
    case .notExecutable(let program, let reason): "\(program) can't be run: \(reason)"
    case .outputFolder(let path, let reason):
      "\(path): traces can't be written there: \(reason)"
    case .drainer(let reason): "the process that writes the traces couldn't be started: \(reason)"
    case .report(let path, let reason): "\(path): the report can't be written: \(reason)"
    case .notRecoverable(let path, let reason):
      "\(path): the recording can't be recovered: \(reason)"
    }
  }

  public var remedy: String? {
    switch self {
    case .notFound: "give a path, or a name that is found in PATH"
    case .notExecutable: "chmod +x, or name its interpreter first"
    case .outputFolder: "name another folder with -o, or free space there"
    case .drainer: nil
    case .report: "name another file with --report"
    case .notRecoverable: "name the folder of a recording that was killed with -o"
    }
  }

  /// 126 and 127 as shells have them, 125 for failures of our own.
  public var exitCode: Int32 {
    switch self {
    case .notFound: 127
    case .notExecutable: 126
    case .outputFolder, .drainer, .report, .notRecoverable: 125
    }
  }

  static func reason(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }
}
