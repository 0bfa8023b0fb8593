import Foundation
import Platform
import Testing

@testable import Notebook

private let machine = MachineDescription(
  cpuModel: "test", processors: 2, kernel: "6", hostName: "here")
private let subject = Subject(trace: "t", options: "{}", allocator: "pool", build: "b")

private func measurement(_ repetition: Int, of subject: Subject = subject) -> MeasurementRecord {
  MeasurementRecord(
    subject: subject, session: "s", repetition: repetition, seed: .max,
    windowNanoseconds: [20_000.25, 0, 19_999.984375], nanoseconds: 40_000.5, operations: 2_500,
    pageFaults: 12, peakResidentBytes: 1 << 40, coreGHz: 4.25, detail: Data([1, 2]),
    time: Date(timeIntervalSince1970: 1_700_000_000.5))
}

@Suite struct NotebookTests {
  let folder: PrivateFolder
  var path: String { folder.file("n.sqlite") }

  init() throws { folder = try PrivateFolder(prefix: "notebook-test") }

  private func open(_ other: MachineDescription = machine) throws(NotebookError) -> Notebook {
    try Notebook(path: path, machine: other)
  }

  @Test func measurementsComeBackAsTheyWere() throws {
    let records = [measurement(0), measurement(1)]
    try open().add(records)
    let again = try open()
    #expect(try again.measurements(of: subject) == records)
  }

  @Test func onlyTheSameSubjectMachineKindAndSessionCount() throws {
    let notebook = try open()
    try notebook.add(measurement(0))
    for change in [\Subject.trace, \.options, \.allocator, \.build] {
      var other = subject
      other[keyPath: change] = "other"
      #expect(try notebook.measurements(of: other).isEmpty)
    }
    #expect(try notebook.measurements(of: subject, kind: .latency).isEmpty)
    #expect(try notebook.measurements(of: subject, session: "s").count == 1)
    #expect(try notebook.measurements(of: subject, session: "another").isEmpty)
    var elsewhere = machine
    elsewhere.cpuModel = "another"
    #expect(try open(elsewhere).measurements(of: subject).isEmpty)
    var renamed = machine
    renamed.hostName = "there"
    #expect(try open(renamed).measurements(of: subject).count == 1)
  }

  @Test func simulationsComeBackAndReplaceTheirLike() throws {
    let notebook = try open()
    #expect(try notebook.simulation(of: subject) == nil)
    let counts = (0..<60).map { UInt64($0 * $0) << UInt64($0 % 40) }
    var record = SimulationRecord(
      subject: subject, stepCount: 20, counts: counts, detail: Data("{}".utf8),
      time: Date(timeIntervalSince1970: 5))
    try notebook.add(record)
    #expect(try notebook.simulation(of: subject) == record)
    record.counts[7] = 99
    try notebook.add(record)
    #expect(try notebook.simulation(of: subject) == record)
  }

  @Test func theNewestConclusionCountsAndUnreadableOnesDoNot() throws {
    struct Fit: Codable, Equatable { var cost: Double }
    struct NewerFit: Codable { var cost, more: Double }
    let notebook = try open()
    #expect(try notebook.latest(.fit, as: Fit.self) == nil)
    try notebook.add(.fit, seed: 1, content: Fit(cost: 1))
    let second = try notebook.add(.fit, seed: .max, content: Fit(cost: 2))
    let latest = try #require(try notebook.latest(.fit, as: Fit.self))
    #expect(latest.content == Fit(cost: 2) && latest.id == second && latest.seed == .max)
    #expect(try notebook.conclusions(.fit, as: Fit.self).map(\.content.cost) == [2, 1])
    #expect(try notebook.latest(.verdict, as: Fit.self) == nil)
    #expect(try notebook.latest(.fit, subject: "x", as: Fit.self) == nil)
    #expect(try notebook.latest(.fit, as: NewerFit.self) == nil)
  }

  @Test func canonicalOptionsDoNotDependOnOrder() throws {
    struct One: Encodable { var a = 1, b = "x/y" }
    struct Two: Encodable { var b = "x/y", a = 1 }
    #expect(try Subject.canonical(One()) == Subject.canonical(Two()))
  }

  // MARK: - What can go wrong

  @Test func aFolderThatIsMissingIsSaid() throws {
    #expect {
      try Notebook(path: folder.file("missing/n.sqlite"), machine: machine)
    } throws: {
      guard case .cannotOpen(let path, _)? = $0 as? NotebookError else { return false }
      return path.hasSuffix("missing/n.sqlite")
    }
  }

  @Test func whatIsNoDatabaseIsSaidAndKept() throws {
    let text = Data("this is a letter to my aunt, and no database at all".utf8)
    try text.write(to: URL(fileURLWithPath: path))
    #expect {
      try open()
    } throws: {
      guard case .damaged? = $0 as? NotebookError else { return false }
      return true
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == text)
  }

  @Test func aDamagedBlobNamesItsRow() throws {
    let notebook = try open()
    try notebook.add(measurement(0))
    try notebook.write { database in
      try database.execute(sql: "UPDATE measurement SET windows = x'05FF'")
    }
    #expect {
      try notebook.measurements(of: subject)
    } throws: {
      guard case .badRow(_, "measurement", 1, _)? = $0 as? NotebookError else { return false }
      return true
    }
  }

  @Test func aNotebookOfANewerVersionIsLeftAlone() throws {
    try open().write { database in
      try database.execute(sql: "INSERT INTO grdb_migrations VALUES ('999')")
    }
    #expect(throws: NotebookError.newer(path: path)) { try open() }
  }

  @Test func aFullDiskLosesNothing() throws {
    let notebook = try open()
    try notebook.add(measurement(0))
    try notebook.write { database in
      try database.execute(sql: "PRAGMA max_page_count = 1")
    }
    var large = measurement(1)
    large.detail = Data(repeating: 7, count: 1 << 20)
    #expect(throws: NotebookError.full(path: path)) { try notebook.add(large) }
    #expect(try open().measurements(of: subject) == [measurement(0)])
  }

  @Test func aTransactionIsAllOrNothing() throws {
    let notebook = try open()
    try notebook.write { database in
      try database.execute(
        sql: """
          CREATE TRIGGER refuse BEFORE INSERT ON measurement WHEN NEW.repetition = 1
          BEGIN SELECT RAISE(ABORT, 'refused'); END
          """)
    }
    #expect(throws: NotebookError.self) { try notebook.add([measurement(0), measurement(1)]) }
    #expect(try notebook.measurements(of: subject).isEmpty)
  }

  @Test func manyConnectionsWriteAtOnce() async throws {
    let path = path
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          let notebook = try Notebook(path: path, machine: machine)
          for repetition in 0..<10 { try notebook.add(measurement(writer * 10 + repetition)) }
        }
      }
      try await group.waitForAll()
    }
    let kept = try open().measurements(of: subject).map(\.repetition)
    #expect(kept.sorted() == Array(0..<80))
  }
}
