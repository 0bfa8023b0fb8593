/// An error whose text is meant for the person at the terminal.
///
/// Every error type of the project conforms: `message` names what happened and where (file, line,
/// block or option) and what was expected; `remedy` says what to do about it, as a command where
/// there is one.
public protocol UserFacingError: Error, CustomStringConvertible {
  /// What happened, where, and what was expected instead: one sentence.
  var message: String { get }
  /// What to do about it, or nil where nothing can be done.
  var remedy: String? { get }
}

extension UserFacingError {
  public var description: String {
    remedy.map { "\(message)\n  \($0)" } ?? message
  }
}
