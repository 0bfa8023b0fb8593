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
      queue = try Self.opened(path, configuration)
    } catch {
      throw NotebookError(error, path: path)
    }
  }

  /// Opens the file and brings its tables up to date.
  ///
  /// Two processes that create a notebook at the same moment both switch it to the write-ahead log
  /// and both bring up its tables; SQLite then tells one of them at once that the file is busy, in
  /// places where waiting could be for ever. That one tries again, as long as a writer would wait.
  private static func opened(_ path: String, _ configuration: Configuration) throws
    -> DatabaseQueue
  {
    let deadline = ContinuousClock.now + .seconds(30)
    while true {
      do {
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        guard try !queue.read(migrator.hasBeenSuperseded) else {
          throw NotebookError.newer(path: path)
        }
        try migrator.migrate(queue)
        return queue
      } catch let error as DatabaseError
        where error.resultCode == .SQLITE_BUSY && ContinuousClock.now < deadline
      {
        Thread.sleep(forTimeInterval: 0.01)
      }
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
