import Foundation
import Notebook
import Platform

extension ScoreCaching {
  /// One series of processes: a kernel on a population, or the first form's twin.
  struct Series: Hashable, Sendable {
    var kernel: Kernel
    var workload: Workload
    var isTwin = false
  }

  /// Keeps every process's times in the notebook as soon as it has ended, and finds those of earlier
  /// runs. All that are compared are of one session, as with replays.
  final class Store {
    private let notebook: Notebook
    private let allocator: String
    private let build: String
    private let seed: UInt64
    private let now: () -> Date
    private var session = CampaignSession.new()
    private var known: [Series: [Int: Run]] = [:]

    /// What the notebook files these measurements under, in place of a trace.
    private static let trace = "study score-caching"

    init(
      notebook: Notebook, allocator: String, build: String, seed: UInt64,
      now: @escaping () -> Date = { Date() }
    ) {
      self.notebook = notebook
      self.allocator = allocator
      self.build = build
      self.seed = seed
      self.now = now
    }

    /// Settles the session: one that has everything, one that was interrupted, or a new one.
    func begin(_ series: [Series], repeats: Int) throws {
      var sessions: [String: MeasurementSession] = [:]
      var runs: [String: [Series: [Int: Run]]] = [:]
      for one in series {
        let participant = self.participant(one)
        for record in try notebook.measurements(of: subject(one), kind: participant.kind) {
          guard let detail = record.detail,
            let run = try? JSONDecoder().decode(Run.self, from: detail)
          else { continue }
          var session =
            sessions[record.session]
            ?? MeasurementSession(name: record.session, rounds: [:], newest: record.time)
          session.newest = max(session.newest, record.time)
          session.rounds[participant, default: []].insert(record.repetition)
          sessions[record.session] = session
          runs[record.session, default: [:]][one, default: [:]][record.repetition] = run
        }
      }
      let found = CampaignSession.find(
        in: sessions.values.sorted { $0.newest > $1.newest }, participants: series.map(participant),
        repeats: repeats, now: now())
      guard let found else { return }
      session = found
      known = runs[found.name] ?? [:]
    }

    func find(_ series: Series, round: Int) -> Run? {
      round < session.usableRounds ? known[series]?[round] : nil
    }

    func keep(_ run: Run, of series: Series, round: Int) throws {
      try notebook.add(
        MeasurementRecord(
          subject: subject(series), kind: series.isTwin ? .twin : .time, session: session.name,
          repetition: round, seed: seed, windowNanoseconds: run.blockNanoseconds,
          nanoseconds: run.nanoseconds, operations: UInt64(series.workload.epochs),
          pageFaults: run.pageFaults, peakResidentBytes: 0, coreGHz: run.coreGHz,
          detail: try JSONEncoder().encode(run), time: now()))
    }

    private struct Options: Encodable {
      let kernel: Kernel
      let workload: Workload
    }

    private func options(_ series: Series) throws -> String {
      try Subject.canonical(Options(kernel: series.kernel, workload: series.workload))
    }

    private func subject(_ series: Series) throws -> Subject {
      Subject(
        trace: Self.trace, options: try options(series), allocator: allocator, build: build)
    }

    /// A series as sessions know participants: kernel and population tell them apart.
    private func participant(_ series: Series) -> MeasurementSession.Participant {
      MeasurementSession.Participant(
        allocator: "\(series.kernel.rawValue) \(series.workload.population)", build: build,
        kind: series.isTwin ? .twin : .time)
    }
  }
}
