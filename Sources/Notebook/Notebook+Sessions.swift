import Foundation
import GRDB

/// One run of alternating repeats on a trace: who took part in it, and in which rounds.
///
/// The machine drifts: times of two sessions differ by up to a factor of two for the same
/// allocator, so that only times of one session may be subtracted from one another.
public struct MeasurementSession: Equatable, Sendable {
  /// What was replayed again and again.
  public struct Participant: Hashable, Sendable {
    public var allocator: String
    /// As `Subject.build`.
    public var build: String
    public var kind: MeasurementRecord.Kind

    public init(allocator: String, build: String, kind: MeasurementRecord.Kind = .time) {
      self.allocator = allocator
      self.build = build
      self.kind = kind
    }
  }

  public var name: String
  /// The numbers of every participant's repeats.
  public var rounds: [Participant: Set<Int>]
  /// When the newest of its measurements ended.
  public var newest: Date

  public init(name: String, rounds: [Participant: Set<Int>], newest: Date) {
    self.name = name
    self.rounds = rounds
    self.newest = newest
  }
}

extension Notebook {
  /// The sessions on a trace on this machine, that with the newest measurement first.
  /// - Parameter options: canonical text of the workload's options.
  public func sessions(
    trace: String, options: String
  ) throws(NotebookError) -> [MeasurementSession] {
    try read { database in
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT session, allocator, build, kind, repetition, time
          FROM measurement m JOIN machine ON machine.id = m.machine
          WHERE trace = ? AND options = ? AND machine.identity = ?
          ORDER BY m.id DESC
          """, arguments: [trace, options, self.machine.identity])
      var sessions: [MeasurementSession] = []
      var places: [String: Int] = [:]
      while let row = try rows.next() {
        guard let kind = MeasurementRecord.Kind(rawValue: row["kind"]) else { continue }
        let name: String = row["session"]
        let place = places[name] ?? sessions.count
        if place == sessions.count {
          places[name] = place
          sessions.append(
            MeasurementSession(
              name: name, rounds: [:], newest: Date(timeIntervalSince1970: row["time"])))
        }
        let participant = MeasurementSession.Participant(
          allocator: row["allocator"], build: row["build"], kind: kind)
        sessions[place].rounds[participant, default: []].insert(row["repetition"])
      }
      return sessions
    }
  }
}
