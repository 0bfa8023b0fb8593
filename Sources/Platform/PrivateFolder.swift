import Foundation

/// A temporary folder that only this user can look into; removed with its contents at the end,
/// and when the process is interrupted.
public final class PrivateFolder: Sendable {
  public let path: String
  private let cleanUp: Int

  /// - Parameter parent: TMPDIR, or /tmp, unless given.
  public init(
    prefix: String = "mallometer", parent: String? = nil
  ) throws(PrivateFolderError) {
    let place = parent ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    var template = Array("\(place)/\(prefix).XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw PrivateFolderError(parent: place, errorNumber: errno)
    }
    let path = String(cString: made)
    self.path = path
    cleanUp = Interruption.onInterruption { try? FileManager.default.removeItem(atPath: path) }
  }

  deinit {
    Interruption.cancel(cleanUp)
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The path of a file in the folder.
  public func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// No temporary folder could be made.
public struct PrivateFolderError: UserFacingError, Equatable {
  public let parent: String
  public let errorNumber: Int32

  public var message: String {
    "cannot make a temporary folder in \(parent): \(String(cString: strerror(errorNumber)))"
  }
  public var remedy: String? { "point TMPDIR at a folder that can be written to" }
}
