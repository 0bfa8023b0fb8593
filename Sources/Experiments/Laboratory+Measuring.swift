import Designs
import Foundation
import Notebook
import Platform
import Replay

/// Repeats of some allocators on one trace, from the notebook or just made.
public struct MeasuredRuns: Sendable {
  public let allocators: [Allocator]
  public let result: CampaignResult
  /// The core clock, GHz: the median over the replays.
  public let coreGHz: Double
}

extension Laboratory {
  /// Measures allocators on a trace, alternating, `repeats` times each; what the notebook has of
  /// them isn't measured again, and what is measured is kept at once.
  public func measure(
    _ sample: Sample, _ allocators: [Allocator], repeats: Int, twin: Bool
  ) throws -> MeasuredRuns {
    let contenders = try allocators.map {
      try Contender($0, compiler: compiler, libraries: libraries)
    }
    let campaign = ReplayCampaign(
      contenders: contenders, nullLibrary: nullLibrary, repeats: repeats, seed: seed,
      hasTwin: twin)
    let subject = { (key: ReplayCampaign.Key) throws -> Subject in
      switch key.subject {
      case .null: try self.subject(sample, "null", self.nullLibrary)
      case .twin: try self.subject(sample, contenders[0].name, contenders[0].library)
      case .contender(let index):
        try self.subject(sample, contenders[index].name, contenders[index].library)
      }
    }
    var known: [String: [MeasurementRecord]] = [:]
    func records(_ key: ReplayCampaign.Key) throws -> [MeasurementRecord] {
      let subject = try subject(key)
      if let found = known[subject.allocator] { return found }
      let found = try notebook.measurements(of: subject).sorted { $0.time < $1.time }
      known[subject.allocator] = found
      return found
    }
    let store = ReplayCampaign.Store(
      find: { key in
        // The twin is the same allocator's later repeats.
        let found = try records(key)
        let place = key.subject == .twin ? repeats + key.round : key.round
        return place < found.count ? Self.measurement(found[place]) : nil
      },
      keep: { key, measurement in
        try self.notebook.add(
          self.record(measurement, of: try subject(key), key: key))
      })
    let result = try campaign.run(try plan(for: sample), player: player, store: store) {
      self.progress("\($0) on \(sample.name)")
    }
    let replays = result.contenders.flatMap { $0 } + result.null
    let clocks = replays.map { $0.coreGHz }
      .filter { $0 > 0 }
    return MeasuredRuns(
      allocators: allocators, result: result, coreGHz: RepeatStatistics.median(clocks))
  }

  /// Whether the notebook has enough repeats of an allocator on a trace.
  public func hasMeasured(_ sample: Sample, _ allocator: Allocator, repeats: Int) throws -> Bool {
    let contender = try Contender(allocator, compiler: compiler, libraries: libraries)
    let subject = try subject(sample, contender.name, contender.library)
    return try notebook.measurementCount(of: subject) >= repeats
  }

  private func plan(for sample: Sample) throws -> Plan {
    if let plan, plan.hash == sample.hash { return plan.plan }
    let made = try Plan.compile(sample.workload)
    plan = (sample.hash, made)
    return made
  }

  private func subject(_ sample: Sample, _ allocator: String, _ library: URL?) throws -> Subject {
    Subject(
      trace: sample.hash, options: optionsText, allocator: allocator,
      build: "\(try hash(library?.path)) \(try hash(player.executable.path))")
  }

  private func hash(_ path: String?) throws -> String {
    guard let path else { return "preinstalled" }
    if let known = hashes[path] { return known }
    let hash = try SHA256.hexadecimal(ofFile: path)
    hashes[path] = hash
    return hash
  }

  private func record(
    _ measurement: ReplayMeasurement, of subject: Subject, key: ReplayCampaign.Key
  ) -> MeasurementRecord {
    MeasurementRecord(
      subject: subject, session: "fit", repetition: key.round, seed: seed,
      windowNanoseconds: measurement.windowNanoseconds.map(Double.init),
      nanoseconds: measurement.nanoseconds, operations: measurement.calls,
      pageFaults: measurement.pageFaults, peakResidentBytes: measurement.peakResidentBytes,
      coreGHz: measurement.coreGHz)
  }

  private static func measurement(_ record: MeasurementRecord) -> ReplayMeasurement {
    ReplayMeasurement(
      stored: record.windowNanoseconds.map { Float($0) }, calls: record.operations,
      coreGHz: record.coreGHz, pageFaults: record.pageFaults,
      peakResidentBytes: record.peakResidentBytes)
  }
}
