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
  private let now: () -> Date
  private var hashes: [String: String] = [:]

  public convenience init(
    notebook: Notebook, player: Player, seed: UInt64, measuresAnew: Bool = false
  ) {
    self.init(
      notebook: notebook, player: player.executable, seed: seed, measuresAnew: measuresAnew)
  }

  /// - Parameter now: the time, by which interrupted sessions are old or young.
  init(
    notebook: Notebook, player: URL, seed: UInt64, measuresAnew: Bool = false,
    now: @escaping () -> Date = { Date() }
  ) {
    self.notebook = notebook
    self.player = player
    self.seed = seed
    self.measuresAnew = measuresAnew
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
    var participants = try campaign.contenders.map { try participant($0) }
    participants.append(try null(campaign.nullLibrary))
    if campaign.hasTwin, var twin = participants.first {
      twin.kind = .twin
      participants.append(twin)
    }
    let found = CampaignSession.find(
      in: try notebook.sessions(trace: trace, options: options), participants: participants,
      repeats: campaign.repeats, now: now())
    return store(for: campaign, trace: trace, options: options, in: found ?? .new())
  }

  /// The store of a campaign whose session is settled.
  func store(
    for campaign: ReplayCampaign, trace: String, options: String, in session: CampaignSession
  ) -> ReplayCampaign.Store {
    let identity = { (key: ReplayCampaign.Key) throws -> (Subject, MeasurementRecord.Kind) in
      var participant: MeasurementSession.Participant
      switch key.subject {
      case .null: participant = try self.null(campaign.nullLibrary)
      case .twin:
        participant = try self.participant(campaign.contenders[0])
        participant.kind = .twin
      case .contender(let index):
        participant = try self.participant(campaign.contenders[index])
      }
      let subject = Subject(
        trace: trace, options: options, allocator: participant.allocator, build: participant.build)
      return (subject, participant.kind)
    }
    var known: [ReplayCampaign.Subject: [Int: ReplayMeasurement]] = [:]
    return ReplayCampaign.Store(
      find: { key in
        guard key.round < session.usableRounds else { return nil }
        let found: [Int: ReplayMeasurement]
        if let repeats = known[key.subject] {
          found = repeats
        } else {
          let (subject, kind) = try identity(key)
          found = try self.repeats(of: subject, kind: kind, session: session.name)
          known[key.subject] = found
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
    SessionPart.divide(
      try contenders.map { try participant($0) }, null: try null(nullLibrary),
      among: try notebook.sessions(trace: trace, options: options), defaults: defaults,
      repeats: repeats, now: now())
  }

  /// How many repeats of each contender are lacking in the session that has most of them beside
  /// the null allocator; nil for one that no usable session has.
  func lacking(
    _ contenders: [Contender], nullLibrary: URL, trace: String, options: String, repeats: Int
  ) throws -> [Int?] {
    let sessions = try notebook.sessions(trace: trace, options: options)
    let null = try null(nullLibrary)
    return try contenders.map { contender in
      let participant = try participant(contender)
      let usable = sessions.filter { $0.rounds[participant] != nil }.compactMap { session in
        CampaignSession.find(
          in: [session], participants: [participant, null], repeats: repeats, now: now())
      }
      return usable.map { max(0, repeats - $0.usableRounds) }.min()
    }
  }

  /// What ran is known by the content of the allocator's library and of the player.
  private func participant(_ contender: Contender) throws -> MeasurementSession.Participant {
    let library = try contender.library.map { try hash($0.path) } ?? "preinstalled"
    return MeasurementSession.Participant(
      allocator: contender.name, build: "\(library) \(try hash(player.path))")
  }

  private func null(_ library: URL) throws -> MeasurementSession.Participant {
    try participant(Contender(name: "null", library: library))
  }

  private func hash(_ path: String) throws -> String {
    if let known = hashes[path] { return known }
    let hash = try SHA256.hexadecimal(ofFile: path)
    hashes[path] = hash
    return hash
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
