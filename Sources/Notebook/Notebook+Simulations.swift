import Foundation
import GRDB

extension Notebook {
  /// Keeps what a model counted; a record of the same subject is replaced.
  public func add(_ record: SimulationRecord) throws(NotebookError) {
    try write { database in
      try database.execute(
        sql: """
          INSERT OR REPLACE INTO simulation
            (trace, options, design, model, windowCount, stepCount, counts, detail, time)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          record.subject.trace, record.subject.options, record.subject.allocator,
          record.subject.build, record.windowCount, record.stepCount,
          Packing.pack(Self.transposed(record.counts, rows: record.windowCount)),
          record.detail, record.time.timeIntervalSince1970,
        ])
    }
  }

  /// Whether a model has run.
  public func hasSimulation(of subject: Subject) throws(NotebookError) -> Bool {
    try read { database in
      try Bool.fetchOne(
        database,
        sql: """
          SELECT EXISTS (SELECT 1 FROM simulation
            WHERE trace = ? AND options = ? AND design = ? AND model = ?)
          """,
        arguments: [subject.trace, subject.options, subject.allocator, subject.build]) ?? false
    }
  }

  /// What a model counted, if it has run. `subject.build` is the version of model and machine.
  public func simulation(of subject: Subject) throws(NotebookError) -> SimulationRecord? {
    try read { database in
      guard
        let row = try Row.fetchOne(
          database,
          sql: """
            SELECT * FROM simulation
            WHERE trace = ? AND options = ? AND design = ? AND model = ?
            """,
          arguments: [subject.trace, subject.options, subject.allocator, subject.build])
      else { return nil }
      let windows: Int = row["windowCount"]
      let steps: Int = row["stepCount"]
      guard steps > 0, windows >= 0, let columns = Packing.unpack(row["counts"]),
        columns.count == windows * steps
      else {
        throw NotebookError.badRow(
          path: path, table: "simulation", row: 0, expected: "counts of \(windows) windows")
      }
      return SimulationRecord(
        subject: subject, stepCount: steps, counts: Self.transposed(columns, rows: steps),
        detail: row["detail"], time: Date(timeIntervalSince1970: row["time"]))
    }
  }

  /// Counts of one step stand together in the blob: most steps never occur on a trace, and runs of
  /// zeros take two bytes.
  private static func transposed(_ values: [UInt64], rows: Int) -> [UInt64] {
    guard rows > 0 else { return [] }
    let columns = values.count / rows
    var output = [UInt64](repeating: 0, count: values.count)
    for row in 0..<rows {
      for column in 0..<columns { output[column * rows + row] = values[row * columns + column] }
    }
    return output
  }
}
