import Foundation
import GRDB

extension Notebook {
  /// Keeps a calibration, a fit, a prediction or a verdict. Older ones stay: the newest counts.
  /// - Parameter subject: what it is about, for example a trace's hash and two designs; `""` for
  ///   what is about the machine.
  /// - Returns: its number, by which people may name it.
  @discardableResult
  public func add<Content: Codable & Sendable>(
    _ kind: ConclusionKind, subject: String = "", seed: UInt64, content: Content
  ) throws(NotebookError) -> Int64 {
    try write { database in
      let machine = try Self.machine(self.machine, in: database)
      try database.execute(
        sql: """
          INSERT INTO conclusion (kind, subject, machine, seed, content, time)
          VALUES (?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          kind.rawValue, subject, machine, Int64(bitPattern: seed),
          try JSONEncoder().encode(content), Date().timeIntervalSince1970,
        ])
      return database.lastInsertedRowID
    }
  }

  /// The newest of its kind about a subject on this machine, or nil. One that this version can't
  /// read any more counts as none.
  public func latest<Content: Codable & Sendable>(
    _ kind: ConclusionKind, subject: String = "", as type: Content.Type
  ) throws(NotebookError) -> Conclusion<Content>? {
    try conclusions(kind, subject: subject, as: type, limit: 1).first
  }

  /// Those of a kind about a subject, newest first.
  /// - Parameter anywhere: those of other machines too; otherwise this machine's alone.
  public func conclusions<Content: Codable & Sendable>(
    _ kind: ConclusionKind, subject: String = "", as type: Content.Type, limit: Int = .max,
    anywhere: Bool = false
  ) throws(NotebookError) -> [Conclusion<Content>] {
    try read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT c.id, c.seed, c.time, c.content
          FROM conclusion c JOIN machine ON machine.id = c.machine
          WHERE kind = ? AND subject = ? AND (? OR machine.identity = ?)
          ORDER BY c.id DESC LIMIT ?
          """,
        arguments: [kind.rawValue, subject, anywhere, self.machine.identity, Int64(limit)])
      return rows.compactMap { row in
        guard let content = try? JSONDecoder().decode(type, from: row["content"] as Data) else {
          return nil
        }
        return Conclusion(
          id: row["id"], seed: UInt64(bitPattern: row["seed"]),
          time: Date(timeIntervalSince1970: row["time"]), content: content)
      }
    }
  }

  /// Notes that a trace was used, and where it was.
  public func saw(
    trace hash: String, path: String, program: String, events: Int
  ) throws(NotebookError) {
    try write { database in
      try database.execute(
        sql: """
          INSERT INTO trace (hash, path, program, events, lastSeen) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT (hash) DO UPDATE SET path = excluded.path, lastSeen = excluded.lastSeen
          """,
        arguments: [hash, path, program, events, Date().timeIntervalSince1970])
    }
  }
}
