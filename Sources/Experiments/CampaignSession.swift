import Foundation
import Notebook

/// The session that a campaign takes its measurements from and adds to.
struct CampaignSession: Equatable {
  let name: String
  /// Measurements of rounds from this one on are left aside.
  let usableRounds: Int

  /// How long after its last measurement a session's begun round may still be finished. Rounds that
  /// are whole may be followed by others at any time: however much slower the machine is then, it
  /// is for all participants alike.
  static let roundLimit: TimeInterval = 600

  /// A session in which nothing has been measured yet.
  static func new() -> CampaignSession {
    CampaignSession(name: UUID().uuidString, usableRounds: 0)
  }

  /// The newest session that has everything, or else the newest that was interrupted: where all
  /// participants have the same rounds behind them, but for one that was begun. Nil where there is
  /// neither: then all are measured anew, because who joins later meets another machine.
  /// - Parameter sessions: newest first.
  static func find(
    in sessions: [MeasurementSession], participants: [MeasurementSession.Participant],
    repeats: Int, now: Date
  ) -> CampaignSession? {
    let complete = sessions.first { session in
      participants.allSatisfy { session.has($0, repeats: repeats) }
    }
    if let complete { return CampaignSession(name: complete.name, usableRounds: repeats) }
    for session in sessions {
      let attended = participants.map { session.rounds[$0] ?? [] }
      var whole = 0
      while attended.allSatisfy({ $0.contains(whole) }) { whole += 1 }
      guard attended.allSatisfy({ ($0.max() ?? 0) <= whole }) else { continue }
      let isYoung = now.timeIntervalSince(session.newest) < roundLimit
      let usable = isYoung ? whole + 1 : whole
      guard attended.contains(where: { $0.contains { $0 < usable } }) else { continue }
      return CampaignSession(name: session.name, usableRounds: usable)
    }
    return nil
  }
}

extension MeasurementSession {
  /// Whether a participant has all rounds that are wanted.
  func has(_ participant: Participant, repeats: Int) -> Bool {
    guard let rounds = rounds[participant] else { return false }
    return (0..<repeats).allSatisfy(rounds.contains)
  }
}

/// A share of a trace's designs whose times are of one session.
struct SessionPart: Equatable {
  /// Nil where it is to be begun.
  let session: CampaignSession?
  /// Indices of the designs whose times come from it.
  let members: [Int]
  /// Indices of designs of the first part that this session has, or will have, as well: by them
  /// its times are brought to the first one's level.
  let bridges: [Int]

  /// Divides designs among the sessions that have them: as many as possible to one, the newest of
  /// equals; then to what was interrupted; the rest to a new one.
  /// - Parameters:
  ///   - sessions: newest first.
  ///   - wanted: the designs' participation.
  ///   - null: that of the null allocator, without which no session counts.
  ///   - defaults: indices of designs that are measured again in a new session as its bridges.
  static func divide(
    _ wanted: [MeasurementSession.Participant], null: MeasurementSession.Participant,
    among sessions: [MeasurementSession], defaults: [Int], repeats: Int, now: Date
  ) -> [SessionPart] {
    var parts: [SessionPart] = []
    var rest = Array(wanted.indices)
    func add(_ members: [Int], of session: CampaignSession?, bridges: (Int) -> Bool) {
      let first = parts.first?.members ?? []
      parts.append(
        SessionPart(session: session, members: members, bridges: first.filter(bridges)))
      rest.removeAll { members.contains($0) }
    }
    let measured = sessions.filter { $0.has(null, repeats: repeats) }
    while !rest.isEmpty {
      var best: (session: MeasurementSession, members: [Int])?
      for session in measured {
        let members = rest.filter { session.has(wanted[$0], repeats: repeats) }
        if members.count > (best?.members.count ?? 0) { best = (session, members) }
      }
      guard let best else { break }
      let session = CampaignSession(name: best.session.name, usableRounds: repeats)
      add(best.members, of: session) { best.session.has(wanted[$0], repeats: repeats) }
    }
    for session in sessions {
      let begun = rest.filter { session.rounds[wanted[$0]] != nil }
      for members in [rest, begun] where !begun.isEmpty && !rest.isEmpty {
        func find(_ indices: [Int]) -> CampaignSession? {
          CampaignSession.find(
            in: [session], participants: indices.map { wanted[$0] } + [null], repeats: repeats,
            now: now)
        }
        guard find(members) != nil else { continue }
        // Bridges that were in turn with the members go on with them.
        let bridges = (parts.first?.members ?? []).filter {
          (session.rounds[wanted[$0]] != nil || defaults.contains($0))
            && find(members + [$0]) != nil
        }
        add(members, of: find(members + bridges)) { bridges.contains($0) }
        break
      }
    }
    if !rest.isEmpty { add(rest, of: nil) { defaults.contains($0) } }
    return parts
  }

  /// By what a part's times are multiplied to be at the first part's level: the ratio of what the
  /// bridging designs took in both. Nil where there are none, and beyond a factor of four, which is
  /// a time too short to compare rather than a slower machine.
  static func scale(from times: [[Float]], to reference: [[Float]]) -> Double? {
    func total(_ times: [[Float]]) -> Double { times.joined().reduce(0) { $0 + Double($1) } }
    let here = total(times)
    let there = total(reference)
    guard here > 0, there > 0, (0.25...4).contains(there / here) else { return nil }
    return there / here
  }
}
