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
  /// Operations per window.
  public let operations: [Float]
  /// Counts per operation, window × `Step.count`.
  public let counts: [Float]

  /// With the times of a replay, nanoseconds per window.
  func timed(_ windowNanoseconds: [Float]) throws(CostsError) -> Run {
    guard windowNanoseconds.count == operations.count else {
      throw .shape(
        what: "windows of \(design) on \(trace)", have: windowNanoseconds.count,
        expected: operations.count)
    }
    return try Run(
      trace: trace, design: design, operations: operations, counts: counts,
      nanoseconds: zip(windowNanoseconds, operations).map { $0 / max($1, 1) })
  }

  /// With the same time per operation everywhere: a guess, for planning.
  func guessed(nanoseconds: Double) throws(CostsError) -> Run {
    try Run(
      trace: trace, design: design, operations: operations, counts: counts,
      nanoseconds: operations.map { _ in Float(nanoseconds) })
  }
}

extension Laboratory {
  /// What was counted depends on the models, on what they are compiled from and on the machine
  /// that is simulated: counts of another build of mallometer are left aside.
  private var modelVersion: String {
    get throws { "\(try Self.executable.get());\(try Subject.canonical(machine))" }
  }

  /// The hash of this program, which its models are part of.
  private static let executable = Result { try SHA256.hexadecimal(ofFile: "/proc/self/exe") }

  /// Counts a design's steps on a trace, memory included, unless the notebook has them.
  public func count(_ sample: Sample, _ design: Design) throws -> CountedRun {
    let subject = Subject(
      trace: sample.hash, options: optionsText, allocator: design.description,
      build: try modelVersion)
    let windowEvents = options.windowEvents
    let total = sample.workload.operationCount
    if let record = try notebook.simulation(of: subject), record.stepCount == Step.count {
      return counted(sample, design, record.counts, windowEvents: windowEvents, total: total)
    }
    var counts: [UInt64] = []
    counts.reserveCapacity(sample.workload.windowCount * Step.count)
    _ = try Simulation(design: design, machine: machine).run(sample.workload) { window in
      counts.append(contentsOf: window.counts)
    }
    try notebook.add(SimulationRecord(subject: subject, stepCount: Step.count, counts: counts))
    return counted(sample, design, counts, windowEvents: windowEvents, total: total)
  }

  private func counted(
    _ sample: Sample, _ design: Design, _ counts: [UInt64], windowEvents: Int, total: Int
  ) -> CountedRun {
    let windows = counts.count / Step.count
    let operations = (0..<windows).map { Float(min(windowEvents, total - $0 * windowEvents)) }
    var perOperation = [Float](repeating: 0, count: counts.count)
    for window in 0..<windows {
      let factor = 1 / max(operations[window], 1)
      for step in 0..<Step.count {
        let index = window * Step.count + step
        perOperation[index] = Float(counts[index]) * factor
      }
    }
    return CountedRun(
      trace: sample.name, design: design, operations: operations, counts: perOperation)
  }
}
