import GRDB
import Platform

/// The notebook can't be used, or not any further.
public enum NotebookError: UserFacingError, Equatable {
  /// The folder is missing or may not be entered, or the path is a folder.
  case cannotOpen(path: String, reason: String)
  /// The file or its folder may not be written.
  case readOnly(path: String)
  /// The file is no SQLite database, or a damaged one.
  case damaged(path: String, reason: String)
  /// Another mallometer has put tables in it that this one doesn't know.
  case newer(path: String)
  /// No room on the disk.
  case full(path: String)
  /// Another process kept it locked for longer than the wait.
  case busy(path: String)
  /// A row doesn't hold what its table promises.
  case badRow(path: String, table: String, row: Int64, expected: String)
  /// Anything else SQLite says.
  case failed(path: String, reason: String)

  public var message: String {
    switch self {
    case .cannotOpen(let path, let reason): "notebook \(path) can't be opened: \(reason)"
    case .readOnly(let path): "notebook \(path) can't be written: it or its folder is read-only"
    case .damaged(let path, let reason):
      "notebook \(path) isn't a readable SQLite database: \(reason)"
    case .newer(let path): "notebook \(path) was written by a newer mallometer"
    case .full(let path): "no room left on the disk of notebook \(path)"
    case .busy(let path): "notebook \(path) has been locked by another process for too long"
    case .badRow(let path, let table, let row, let expected):
      "notebook \(path), table \(table), row \(row): expected \(expected)"
    case .failed(let path, let reason): "notebook \(path): \(reason)"
    }
  }

  public var remedy: String? {
    switch self {
    case .cannotOpen: "name a file in an existing folder with --notebook FILE"
    case .readOnly(let path): "chmod u+w '\(path)', or name another file with --notebook FILE"
    case .damaged(let path, _), .badRow(let path, _, _, _):
      "save what can be read: sqlite3 '\(path)' .recover | sqlite3 saved.sqlite; "
        + "or name a new file with --notebook FILE"
    case .newer: "update mallometer, or name another file with --notebook FILE"
    case .full: "free some space and run the command again: it goes on where it stopped"
    case .busy: "run the command again when the other has ended: it goes on where it stopped"
    case .failed: "name another file with --notebook FILE"
    }
  }

  /// What GRDB or Foundation threw, in the project's words.
  init(_ error: any Error, path: String) {
    guard let database = error as? DatabaseError else {
      self = (error as? NotebookError) ?? .failed(path: path, reason: "\(error)")
      return
    }
    let reason = database.message ?? database.resultCode.description
    switch database.resultCode {
    case .SQLITE_CANTOPEN: self = .cannotOpen(path: path, reason: reason)
    case .SQLITE_READONLY, .SQLITE_PERM: self = .readOnly(path: path)
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path: path, reason: reason)
    case .SQLITE_FULL: self = .full(path: path)
    case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path: path)
    case .SQLITE_IOERR where database.extendedResultCode.rawValue == 778:
      // SQLITE_IOERR_WRITE: with a full disk the file system says so before SQLite does.
      self = .full(path: path)
    default: self = .failed(path: path, reason: reason)
    }
  }
}
