import Foundation
import GRDB

extension Notebook {
  /// Keeps one repeat, at once: call it as soon as the repeat is measured.
  public func add(_ record: MeasurementRecord) throws(NotebookError) {
    try add([record])
  }

  /// Keeps several repeats, all or none.
  public func add(_ records: [MeasurementRecord]) throws(NotebookError) {
    try write { database in
      let machine = try Self.machine(self.machine, in: database)
      let statement = try database.cachedStatement(
        sql: """
          INSERT INTO measurement (trace, options, allocator, build, machine, kind, session,
            repetition, seed, nanoseconds, operations, windows, pageFaults, peakResidentBytes,
            coreGHz, detail, time)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """)
      for record in records {
        try statement.execute(arguments: [
          record.subject.trace, record.subject.options, record.subject.allocator,
          record.subject.build, machine, record.kind.rawValue, record.session,
          record.repetition, Int64(bitPattern: record.seed), record.nanoseconds,
          Int64(bitPattern: record.operations), Packing.pack(nanoseconds: record.windowNanoseconds),
          Int64(bitPattern: record.pageFaults), Int64(bitPattern: record.peakResidentBytes),
          record.coreGHz, record.detail, record.time.timeIntervalSince1970,
        ])
      }
    }
  }

  /// Every repeat of a subject measured on this machine, oldest first.
  /// - Parameter session: only those of one run of alternating repeats.
  public func measurements(
    of subject: Subject, kind: MeasurementRecord.Kind = .time, session: String? = nil
  ) throws(NotebookError) -> [MeasurementRecord] {
    try read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT m.* FROM measurement m JOIN machine ON machine.id = m.machine
          WHERE trace = ? AND options = ? AND allocator = ? AND build = ? AND kind = ?
            AND machine.identity = ? AND (? IS NULL OR session = ?)
          ORDER BY m.id
          """,
        arguments: [
          subject.trace, subject.options, subject.allocator, subject.build, kind.rawValue,
          self.machine.identity, session, session,
        ])
      return try rows.map { try measurement($0, subject: subject, kind: kind) }
    }
  }

  private func measurement(
    _ row: Row, subject: Subject, kind: MeasurementRecord.Kind
  ) throws -> MeasurementRecord {
    guard let windows = Packing.unpackNanoseconds(row["windows"]) else {
      throw NotebookError.badRow(
        path: path, table: "measurement", row: row["id"], expected: "times of windows")
    }
    return MeasurementRecord(
      subject: subject, kind: kind, session: row["session"], repetition: row["repetition"],
      seed: UInt64(bitPattern: row["seed"]), windowNanoseconds: windows,
      nanoseconds: row["nanoseconds"], operations: UInt64(bitPattern: row["operations"]),
      pageFaults: UInt64(bitPattern: row["pageFaults"]),
      peakResidentBytes: UInt64(bitPattern: row["peakResidentBytes"]), coreGHz: row["coreGHz"],
      detail: row["detail"], time: Date(timeIntervalSince1970: row["time"]))
  }

  /// The row of a machine, made where there is none.
  static func machine(_ machine: MachineDescription, in database: Database) throws -> Int64 {
    let found = "SELECT id FROM machine WHERE identity = ?"
    if let id = try Int64.fetchOne(database, sql: found, arguments: [machine.identity]) {
      return id
    }
    try database.execute(
      sql: "INSERT INTO machine (identity, description) VALUES (?, ?)",
      arguments: [machine.identity, try Subject.canonical(machine)])
    return database.lastInsertedRowID
  }
}
