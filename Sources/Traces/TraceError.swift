import Glibc
import Platform

/// What is wrong with a trace file, where, and what to do about it.
public struct TraceError: UserFacingError, Equatable {
  /// The class of the problem, for programs.
  public enum Kind: String, Sendable, Codable {
    /// The file can't be opened, read or written; `message` holds the system's reason.
    case file
    /// The file isn't a trace, or its header is damaged: nothing of it can be read.
    case notATrace
    /// Written by a later version of the format.
    case version
    /// A block passes its checksum but says something impossible.
    case invalid
    /// Events handed to a writer break a rule of the format.
    case rule
    /// A recipe or one of its parameters isn't known or out of range.
    case recipe
  }

  public let kind: Kind
  /// The trace file, or the recipe's name.
  public let path: String
  /// Number of the block in the file, from 0.
  public let block: Int?
  /// Number of the event in the file, from 0.
  public let event: Int?
  /// What is wrong, and what was expected instead.
  public let problem: String
  public let remedy: String?

  public init(
    _ kind: Kind, path: String, block: Int? = nil, event: Int? = nil, _ problem: String,
    remedy: String? = nil
  ) {
    self.kind = kind
    self.path = path
    self.block = block
    self.event = event
    self.problem = problem
    self.remedy = remedy
  }

  public var message: String {
    var place = path
    if let block { place += ", block \(block)" }
    if let event { place += ", event \(event)" }
    return "\(place): \(problem)"
  }

  static func systemError(_ path: String, _ action: String, _ code: Int32) -> TraceError {
    TraceError(
      .file, path: path, "can't be \(action): \(String(cString: strerror(code)))",
      remedy: code == ENOSPC ? "free some disk space and run the command again" : nil)
  }
}
