import Costs
import Designs
import Foundation
import Models
import Notebook
import Platform

/// A simulated run: what the fit needs of it, before anything is measured.
public struct CountedRun: Sendable {
  public let trace: String
  public let design: Design
  /// What was recorded.
  public let program: String
  /// Whether the trace is of a recipe and of no program.
  public let isGenerated: Bool
  /// Operations per window.
  public let operations: [Float]
  /// Counts per operation, window × `Step.count`.
  public let counts: [Float]
  public let totals: SimulationTotals

  /// Steps per operation over the whole run, one per column (the constant's is 1).
  public var meanCounts: [Double] {
    var sums = [Double](repeating: 0, count: Column.count)
    for window in operations.indices {
      let base = window * Step.count
      for step in 0..<Step.count {
        sums[step] += Double(operations[window]) * Double(counts[base + step])
      }
    }
    sums = sums.map { $0 / Double(max(totals.operations, 1)) }
    sums[Column.intercept] = 1
    return sums
  }

  /// With the times of a replay.
  /// - Parameters:
  ///   - windowNanoseconds: per window.
  ///   - standardError: of their mean, per operation, without the null replays'.
  ///   - nullStandardError: of the null replays.
  ///   - session: its place among the trace's.
  func timed(
    _ windowNanoseconds: [Float], standardError: Double? = nil, nullStandardError: Double? = nil,
    session: Int = 0
  ) throws(CostsError) -> Run {
    guard windowNanoseconds.count == operations.count else {
      throw .shape(
        what: "windows of \(design) on \(trace)", have: windowNanoseconds.count,
        expected: operations.count)
    }
    return try Run(
      trace: trace, design: design, operations: operations, counts: counts,
      nanoseconds: zip(windowNanoseconds, operations).map { $0 / max($1, 1) },
      meanStandardError: standardError, nullStandardError: nullStandardError, session: session,
      program: program, isGenerated: isGenerated)
  }

  /// With the same time per operation everywhere: a guess, for planning.
  func guessed(nanoseconds: Double) throws(CostsError) -> Run {
    try Run(
      trace: trace, design: design, operations: operations, counts: counts,
      nanoseconds: operations.map { _ in Float(nanoseconds) }, program: program,
      isGenerated: isGenerated)
  }
}

/// What a simulation finds besides the counts. Kept in the notebook with them.
public struct SimulationTotals: Sendable, Codable, Equatable {
  public let operations: UInt64
  /// The most bytes that the design had mapped at once.
  public let peakMappedBytes: UInt64
  /// The most bytes of them that had been touched and not given back at once.
  public let peakResidentBytes: UInt64
  /// The most bytes that the program had asked for and not freed at once.
  public let peakLiveBytes: UInt64
  /// Ratios from 0 to 1 by name, as `SimulationResult.metrics`.
  public let metrics: [String: Double]

  init(_ result: SimulationResult) {
    operations = result.operations
    peakMappedBytes = result.peakMappedBytes
    peakResidentBytes = result.peakResidentBytes
    peakLiveBytes = result.peakLiveBytes
    metrics = result.metrics
  }
}

extension Laboratory {
  /// What was counted depends on the models, on what they are compiled from and on the machine
  /// that is simulated: counts of another build of mallometer are left aside.
  var modelVersion: String {
    get throws { "\(try Self.executable.get());\(try Subject.canonical(machine))" }
  }

  /// The hash of this program, which its models are part of.
  static let executable = Result { try SHA256.hexadecimal(ofFile: "/proc/self/exe") }

  private func subject(_ sample: Sample, _ design: Design) throws -> Subject {
    Subject(
      trace: sample.hash, options: optionsText, allocator: design.description,
      build: try modelVersion)
  }

  /// Whether the notebook has what a design counts on a trace.
  func hasCounts(_ sample: Sample, _ design: Design) throws -> Bool {
    try notebook.hasSimulation(of: try subject(sample, design))
  }

  /// Counts a design's steps on a trace, memory included, unless the notebook has them.
  public func count(_ sample: Sample, _ design: Design) throws -> CountedRun {
    try count([(sample, design)])[0]
  }

  /// Counts several designs' steps, by all processors at once. What is counted is kept at once.
  /// - Returns: in the order of the pairs.
  public func count(_ pairs: [(sample: Sample, design: Design)]) throws -> [CountedRun] {
    let jobs = try pairs.map { pair in
      CountingJob(
        sample: pair.sample, design: pair.design, subject: try subject(pair.sample, pair.design),
        machine: machine)
    }
    // Two designs on a trace are counted while a line about them would be read.
    let isAnnounced = pairs.count > 2
    if isAnnounced { stage("counting steps", pairs.count) }
    let notebook = notebook
    return try ConcurrentWork.map(
      jobs,
      progress: {
        if isAnnounced { self.progress("counted \($0.design) on \($0.sample.name)") }
      },
      { try $0.count(keptIn: notebook) })
  }

  /// Counts the beginnings of several runs, by all processors at once. Nothing is kept.
  func preview(
    _ pairs: [(sample: Sample, design: Design)], windows: Int
  ) throws -> [CountedRun] {
    let jobs = try pairs.map { pair in
      CountingJob(
        sample: pair.sample, design: pair.design, subject: try subject(pair.sample, pair.design),
        machine: machine)
    }
    stage("planning", pairs.count)
    return try ConcurrentWork.map(
      jobs, progress: { self.progress("looked at \($0.design) on \($0.sample.name)") },
      { try $0.countBeginning(windows: windows) })
  }
}

/// One simulation, which any processor may run.
private struct CountingJob: Sendable {
  let sample: Laboratory.Sample
  let design: Design
  let subject: Subject
  let machine: MachineGeometry

  func count(keptIn notebook: Notebook) throws -> CountedRun {
    if let record = try notebook.simulation(of: subject), record.stepCount == Step.count,
      let detail = record.detail,
      let totals = try? JSONDecoder().decode(SimulationTotals.self, from: detail)
    {
      return run(record.counts, totals: totals)
    }
    let (counts, totals) = try simulate(sample.workload, windows: sample.workload.windowCount)
    try notebook.add(
      SimulationRecord(
        subject: subject, stepCount: Step.count, counts: counts,
        detail: try JSONEncoder().encode(totals)))
    return run(counts, totals: totals)
  }

  func countBeginning(windows: Int) throws -> CountedRun {
    let beginning = FirstOperations(
      sample.workload, limit: windows * sample.workload.windowEvents)
    let (counts, totals) = try simulate(beginning, windows: windows)
    return run(counts, totals: totals)
  }

  private func simulate(
    _ source: any OperationSource, windows: Int
  ) throws -> ([UInt64], SimulationTotals) {
    var counts: [UInt64] = []
    counts.reserveCapacity(windows * Step.count)
    let result = try Simulation(design: design, machine: machine).run(source) { window in
      counts.append(contentsOf: window.counts)
    }
    return (counts, SimulationTotals(result))
  }

  private func run(_ counts: [UInt64], totals: SimulationTotals) -> CountedRun {
    let windows = counts.count / Step.count
    let windowEvents = sample.workload.windowEvents
    let operations = (0..<windows).map {
      Float(min(windowEvents, Int(totals.operations) - $0 * windowEvents))
    }
    var perOperation = [Float](repeating: 0, count: counts.count)
    for window in 0..<windows {
      let factor = 1 / max(operations[window], 1)
      for step in 0..<Step.count {
        let index = window * Step.count + step
        perOperation[index] = Float(counts[index]) * factor
      }
    }
    return CountedRun(
      trace: sample.name, design: design, program: sample.program,
      isGenerated: sample.isGenerated, operations: operations, counts: perOperation,
      totals: totals)
  }
}
