import Foundation
import Notebook
import Platform
import Replay
import Traces

/// Keeps replays in the notebook as soon as each is done, and finds those of earlier runs: the
/// same trace, workload options, allocator, library, player and machine.
///
/// Every command that replays does it through one of these, so that what one of them measured
/// serves the others.
public final class MeasurementStore {
  private let notebook: Notebook
  private let player: Player
  private let seed: UInt64
  /// Whether what the notebook has is left aside.
  private let measuresAnew: Bool
  private let session = UUID().uuidString
  private var hashes: [String: String] = [:]

  public init(notebook: Notebook, player: Player, seed: UInt64, measuresAnew: Bool = false) {
    self.notebook = notebook
    self.player = player
    self.seed = seed
    self.measuresAnew = measuresAnew
  }

  /// The store of one campaign on one trace.
  /// - Parameters:
  ///   - trace: SHA-256 of the trace file.
  ///   - options: canonical text of the workload's options.
  public func store(
    for campaign: ReplayCampaign, trace: String, options: String
  ) -> ReplayCampaign.Store {
    let subject = { (key: ReplayCampaign.Key) throws -> Subject in
      switch key.subject {
      case .null:
        try self.subject(trace, options, allocator: "null", library: campaign.nullLibrary)
      case .twin:
        try self.subject(trace, options, campaign.contenders[0])
      case .contender(let index):
        try self.subject(trace, options, campaign.contenders[index])
      }
    }
    // The twin is the same allocator's odd repeats: without a pair they are repeats like all others.
    let place = { (key: ReplayCampaign.Key) -> Int in
      let isPaired = campaign.hasTwin && (key.subject == .contender(0) || key.subject == .twin)
      return isPaired ? 2 * key.round + (key.subject == .twin ? 1 : 0) : key.round
    }
    var known: [Subject: [Int: ReplayMeasurement]] = [:]
    return ReplayCampaign.Store(
      find: { key in
        guard !self.measuresAnew else { return nil }
        let subject = try subject(key)
        let found = try known[subject] ?? self.repeats(of: subject)
        known[subject] = found
        return found[place(key)]
      },
      keep: { key, measurement in
        try self.notebook.add(
          self.record(measurement, of: try subject(key), repetition: place(key)))
      })
  }

  /// The newest measurement of every repeat.
  private func repeats(of subject: Subject) throws -> [Int: ReplayMeasurement] {
    var repeats: [Int: ReplayMeasurement] = [:]
    for record in try notebook.measurements(of: subject) {
      repeats[record.repetition] = Self.measurement(record)
    }
    return repeats
  }

  /// How many repeats of an allocator on a trace the notebook has.
  public func count(of contender: Contender, trace: String, options: String) throws -> Int {
    try notebook.measurementCount(of: subject(trace, options, contender))
  }

  private func subject(
    _ trace: String, _ options: String, _ contender: Contender
  ) throws -> Subject {
    try subject(trace, options, allocator: contender.name, library: contender.library)
  }

  /// What ran is known by the content of the allocator's library and of the player.
  private func subject(
    _ trace: String, _ options: String, allocator: String, library: URL?
  ) throws -> Subject {
    let library = try library.map { try hash($0.path) } ?? "preinstalled"
    return Subject(
      trace: trace, options: options, allocator: allocator,
      build: "\(library) \(try hash(player.executable.path))")
  }

  private func hash(_ path: String) throws -> String {
    if let known = hashes[path] { return known }
    let hash = try SHA256.hexadecimal(ofFile: path)
    hashes[path] = hash
    return hash
  }

  private func record(
    _ measurement: ReplayMeasurement, of subject: Subject, repetition: Int
  ) throws -> MeasurementRecord {
    var detail = measurement
    detail.windowNanoseconds = []
    return MeasurementRecord(
      subject: subject, session: session, repetition: repetition, seed: seed,
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
