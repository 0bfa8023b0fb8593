import Foundation
import Notebook
import Platform
import Replay
import Traces

/// Keeps replays in the notebook as soon as each is done, and finds those of earlier runs: the
/// same trace, workload options, allocator, library, player and machine.
///
/// A campaign's measurements are all of one session: an earlier one in which everybody took part,
/// an interrupted one that is continued, or a new one. Every command that replays does it through
/// one of these, so that what one of them measured serves the others.
public final class MeasurementStore {
  private let notebook: Notebook
  /// The player's executable: what is measured depends on it.
  private let player: URL
  private let seed: UInt64
  /// Whether what the notebook has is left aside.
  private let measuresAnew: Bool
  private let libraries: SystemLibraries
  private let now: () -> Date
  private var hashes: [String: String] = [:]

  public convenience init(
    notebook: Notebook, player: Player, seed: UInt64, measuresAnew: Bool = false
  ) {
    self.init(
      notebook: notebook, player: player.executable, seed: seed, measuresAnew: measuresAnew)
  }

  /// - Parameters:
  ///   - libraries: by which the system's own allocator is known.
  ///   - now: the time, by which interrupted sessions are old or young.
  init(
    notebook: Notebook, player: URL, seed: UInt64, measuresAnew: Bool = false,
    libraries: SystemLibraries = SystemLibraries(), now: @escaping () -> Date = { Date() }
  ) {
    self.notebook = notebook
    self.player = player
    self.seed = seed
    self.measuresAnew = measuresAnew
    self.libraries = libraries
    self.now = now
  }

  /// The store of one campaign on one trace, all in one session.
  /// - Parameters:
  ///   - trace: SHA-256 of the trace file.
  ///   - options: canonical text of the workload's options.
  public func store(
    for campaign: ReplayCampaign, trace: String, options: String
  ) throws -> ReplayCampaign.Store {
    guard !measuresAnew else {
      return store(for: campaign, trace: trace, options: options, in: .new())
    }
    var attendances = try campaign.contenders.map { try attendance($0) }
    attendances.append(try null(campaign.nullLibrary))
    if campaign.hasTwin, let first = attendances.first { attendances.append(first.twin) }
    let found = CampaignSession.find(
      in: try sessions(trace: trace, options: options, attendances),
      participants: attendances.map(\.whole), repeats: campaign.repeats, now: now())
    return store(for: campaign, trace: trace, options: options, in: found ?? .new())
  }

  /// The store of a campaign whose session is settled.
  func store(
    for campaign: ReplayCampaign, trace: String, options: String, in session: CampaignSession
  ) -> ReplayCampaign.Store {
    let identity = { (key: ReplayCampaign.Key) throws -> (Subject, MeasurementRecord.Kind) in
      let attendance =
        switch key.subject {
        case .null: try self.null(campaign.nullLibrary)
        case .twin: try self.attendance(campaign.contenders[0]).twin
        case .contender(let index): try self.attendance(campaign.contenders[index])
        }
      let participant = attendance.participant(inRound: key.round)
      let subject = Subject(
        trace: trace, options: options, allocator: participant.allocator, build: participant.build)
      return (subject, participant.kind)
    }
    var known: [KnownRepeats: [Int: ReplayMeasurement]] = [:]
    return ReplayCampaign.Store(
      find: { key in
        guard key.round < session.usableRounds else { return nil }
        let (subject, kind) = try identity(key)
        let what = KnownRepeats(subject: subject, kind: kind)
        let found: [Int: ReplayMeasurement]
        if let repeats = known[what] {
          found = repeats
        } else {
          found = try self.repeats(of: subject, kind: kind, session: session.name)
          known[what] = found
        }
        return found[key.round]
      },
      keep: { key, measurement in
        let (subject, kind) = try identity(key)
        try self.notebook.add(
          self.record(
            measurement, of: subject, kind: kind, session: session.name, round: key.round))
      })
  }

  private struct KnownRepeats: Hashable {
    let subject: Subject
    let kind: MeasurementRecord.Kind
  }

  /// The newest measurement of every repeat.
  private func repeats(
    of subject: Subject, kind: MeasurementRecord.Kind, session: String
  ) throws -> [Int: ReplayMeasurement] {
    var repeats: [Int: ReplayMeasurement] = [:]
    for record in try notebook.measurements(of: subject, kind: kind, session: session) {
      repeats[record.repetition] = Self.measurement(record)
    }
    return repeats
  }

  /// Divides the contenders of a fit on a trace among the sessions that have them.
  /// - Parameter defaults: indices of contenders that tie a new session to the others.
  func parts(
    _ contenders: [Contender], defaults: [Int], nullLibrary: URL, trace: String, options: String,
    repeats: Int
  ) throws -> [SessionPart] {
    let attendances = try contenders.map { try attendance($0) }
    let null = try null(nullLibrary)
    return SessionPart.divide(
      attendances.map(\.whole), null: null.whole,
      among: try sessions(trace: trace, options: options, attendances + [null]),
      defaults: defaults, repeats: repeats, now: now())
  }

  /// How many repeats of each contender are lacking in the session that has most of them beside
  /// the null allocator; nil for one that no usable session has.
  func lacking(
    _ contenders: [Contender], nullLibrary: URL, trace: String, options: String, repeats: Int
  ) throws -> [Int?] {
    let attendances = try contenders.map { try attendance($0) }
    let null = try null(nullLibrary)
    let sessions = try sessions(trace: trace, options: options, attendances + [null])
    return attendances.map { attendance in
      let participant = attendance.whole
      let usable = sessions.filter { $0.rounds[participant] != nil }.compactMap { session in
        CampaignSession.find(
          in: [session], participants: [participant, null.whole], repeats: repeats, now: now())
      }
      return usable.map { max(0, repeats - $0.usableRounds) }.min()
    }
  }

  /// The allocators, as they are named in the notebook, that anything was ever measured of on a
  /// trace: of others no build need be looked for.
  func allocators(trace: String, options: String) throws -> Set<String> {
    let sessions = try notebook.sessions(trace: trace, options: options)
    return Set(sessions.flatMap { $0.rounds.keys.map(\.allocator) })
  }

  /// The notebook's sessions, with those that take part by several builds known by all of them.
  private func sessions(
    trace: String, options: String, _ attendances: [BuildAttendance]
  ) throws -> [MeasurementSession] {
    let several = attendances.filter { $0.builds.count > 1 }
    return try notebook.sessions(trace: trace, options: options).map { session in
      var session = session
      for attendance in several {
        let rounds = attendance.rounds(in: session)
        if !rounds.isEmpty { session.rounds[attendance.whole] = rounds }
      }
      return session
    }
  }

  /// What ran is known by the content of the allocator's libraries and of the player.
  private func attendance(_ contender: Contender) throws -> BuildAttendance {
    let builds =
      try contender.builds.isEmpty
      ? [known("libc") { try libraries.identity() }] : contender.builds.map { try hash($0.path) }
    let player = try hash(player.path)
    return BuildAttendance(
      builds: builds.map {
        MeasurementSession.Participant(allocator: contender.name, build: "\($0) \(player)")
      })
  }

  private func null(_ library: URL) throws -> BuildAttendance {
    try attendance(Contender(name: "null", library: library))
  }

  private func hash(_ path: String) throws -> String {
    try known(path) { try SHA256.hexadecimal(ofFile: path) }
  }

  /// Reads every file once.
  private func known(_ name: String, _ hash: () throws -> String) throws -> String {
    if let known = hashes[name] { return known }
    let made = try hash()
    hashes[name] = made
    return made
  }

  private func record(
    _ measurement: ReplayMeasurement, of subject: Subject, kind: MeasurementRecord.Kind,
    session: String, round: Int
  ) throws -> MeasurementRecord {
    var detail = measurement
    detail.windowNanoseconds = []
    return MeasurementRecord(
      subject: subject, kind: kind, session: session, repetition: round, seed: seed,
      windowNanoseconds: measurement.windowNanoseconds.map(Double.init),
      nanoseconds: measurement.nanoseconds, operations: measurement.calls,
      pageFaults: measurement.pageFaults, peakResidentBytes: measurement.peakResidentBytes,
      coreGHz: measurement.coreGHz, detail: try JSONEncoder().encode(detail), time: now())
  }

  /// Nil for a record without the replay's own figures.
  private static func measurement(_ record: MeasurementRecord) -> ReplayMeasurement? {
    guard let detail = record.detail,
      var measurement = try? JSONDecoder().decode(ReplayMeasurement.self, from: detail)
    else { return nil }
    measurement.windowNanoseconds = record.windowNanoseconds.map { Float($0) }
    return measurement
  }
}
