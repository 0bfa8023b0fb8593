import Foundation
import Notebook
import Platform
import Replay
import Traces

/// Keeps the replays of a campaign in the notebook as soon as each is done, and finds those of
/// earlier runs: the same trace, workload options, allocator, library, player and machine.
final class ReplayStore {
  private let notebook: Notebook
  private let player: Player
  private let seed: UInt64
  /// Whether what the notebook has is left aside.
  private let measuresAnew: Bool
  private let session = UUID().uuidString
  private var hashes: [String: String] = [:]

  init(notebook: Notebook, player: Player, seed: UInt64, measuresAnew: Bool) {
    self.notebook = notebook
    self.player = player
    self.seed = seed
    self.measuresAnew = measuresAnew
  }

  /// The store of one campaign on one trace.
  func store(
    for campaign: ReplayCampaign, trace: String, options: WorkloadOptions
  ) throws -> ReplayCampaign.Store {
    let hash = try SHA256.hexadecimal(ofFile: trace)
    let optionsText = try Subject.canonical(options)
    let subject = { (key: ReplayCampaign.Key) throws -> Subject in
      let contender: (name: String, library: URL?) =
        switch key.subject {
        case .null: ("null", campaign.nullLibrary)
        case .twin: (campaign.contenders[0].name, campaign.contenders[0].library)
        case .contender(let index):
          (campaign.contenders[index].name, campaign.contenders[index].library)
        }
      return Subject(
        trace: hash, options: optionsText, allocator: contender.name,
        build: try self.build(contender.library))
    }
    var known: [Subject: [ReplayMeasurement]] = [:]
    return ReplayCampaign.Store(
      find: { key in
        guard !self.measuresAnew else { return nil }
        let subject = try subject(key)
        if known[subject] == nil {
          known[subject] = try self.notebook.measurements(of: subject).compactMap(Self.measurement)
        }
        // The twin is the same allocator's odd repeats, so that an interrupted run pairs them too.
        let isFirst = key.subject == .contender(0) || key.subject == .twin
        let place =
          isFirst && campaign.hasTwin
          ? 2 * key.round + (key.subject == .twin ? 1 : 0) : key.round
        let found = known[subject] ?? []
        return place < found.count ? found[place] : nil
      },
      keep: { key, measurement in
        try self.notebook.add(self.record(measurement, of: try subject(key), key: key))
      })
  }

  /// What ran: the allocator's library and the player, by content.
  private func build(_ library: URL?) throws -> String {
    "\(try library.map { try hash($0.path) } ?? "preinstalled") \(try hash(player.executable.path))"
  }

  private func hash(_ path: String) throws -> String {
    if let known = hashes[path] { return known }
    let hash = try SHA256.hexadecimal(ofFile: path)
    hashes[path] = hash
    return hash
  }

  private func record(
    _ measurement: ReplayMeasurement, of subject: Subject, key: ReplayCampaign.Key
  ) throws -> MeasurementRecord {
    var detail = measurement
    detail.windowNanoseconds = []
    return MeasurementRecord(
      subject: subject, session: session, repetition: key.round, seed: seed,
      windowNanoseconds: measurement.windowNanoseconds.map(Double.init),
      nanoseconds: measurement.nanoseconds, operations: measurement.calls,
      pageFaults: measurement.pageFaults, peakResidentBytes: measurement.peakResidentBytes,
      coreGHz: measurement.coreGHz, detail: try JSONEncoder().encode(detail))
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
