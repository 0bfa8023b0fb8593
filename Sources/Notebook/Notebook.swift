import Foundation
import GRDB
import Platform

/// The SQLite file that keeps everything measured and concluded, with what is needed to do it
/// again.
///
/// Every call is one transaction: what it has written stays, whatever happens next. Several
/// processes may use one notebook at the same time (write-ahead log); a writer waits up to 30
/// seconds for another one.
public final class Notebook: Sendable {
  /// The file, as it was named.
  public let path: String
  /// Where measurements are added and sought: figures of other machines never mix in.
  public let machine: MachineDescription
  let queue: DatabaseQueue

  /// Opens a notebook, creating the file where there is none and bringing its tables up to date.
  public init(
    path: String, machine: MachineDescription = .current()
  ) throws(NotebookError) {
    self.path = path
    self.machine = machine
    var configuration = Configuration()
    configuration.journalMode = .wal
    configuration.busyMode = .timeout(30)
    configuration.label = "notebook"
    do {
      queue = try DatabaseQueue(path: path, configuration: configuration)
      let migrator = Self.migrator
      guard try !queue.read(migrator.hasBeenSuperseded) else {
        throw NotebookError.newer(path: path)
      }
      try migrator.migrate(queue)
    } catch {
      throw NotebookError(error, path: path)
    }
  }

  func read<Value>(_ body: (Database) throws -> Value) throws(NotebookError) -> Value {
    do {
      return try queue.read(body)
    } catch {
      throw NotebookError(error, path: path)
    }
  }

  func write<Value>(_ body: (Database) throws -> Value) throws(NotebookError) -> Value {
    do {
      return try queue.write(body)
    } catch {
      throw NotebookError(error, path: path)
    }
  }
}
