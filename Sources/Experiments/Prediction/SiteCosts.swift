import Costs
import Designs
import Models
import Platform
import Traces

/// What the calls of one site cost under a design.
public struct SiteCost: Sendable, Equatable {
  public let trace: String
  /// Its number in the trace.
  public let site: UInt32
  public let symbol: String
  public let events: UInt64
  /// Of all events of the trace: nanoseconds per event, by the costs alone.
  public let ns: Double
  /// Of what the allocator takes, from 0 to 1.
  public let share: Double
}

extension SiteCost {
  /// The call sites that cost most under a design, dearest first. A free counts for the site that
  /// frees.
  /// - Parameter costs: nanoseconds by step.
  /// - Complexity: one simulation, and some 150 ns for each event.
  static func all(
    of trace: String, _ workload: Workload, under design: Design, costs: [Double]
  ) throws -> [SiteCost] {
    var nanoseconds = [Double](repeating: 0, count: workload.sites.count)
    var events = [UInt64](repeating: 0, count: workload.sites.count)
    var before = [UInt64](repeating: 0, count: Step.count)
    _ = try Simulation(design: design, machine: .current()).run(
      workload,
      onOperation: { _, event, _, counts in
        var cost = 0.0
        for step in 0..<Step.count where counts[step] != before[step] {
          cost += Double(counts[step] &- before[step]) * costs[step]
          before[step] = counts[step]
        }
        nanoseconds[Int(event.site)] += cost
        events[Int(event.site)] += 1
      })
    let total = max(nanoseconds.reduce(0, +), .leastNonzeroMagnitude)
    let operations = Double(max(workload.operationCount, 1))
    var symboliser = Symboliser(workload.trace)
    return nanoseconds.indices.filter { events[$0] > 0 }
      .sorted { (nanoseconds[$0], $1) > (nanoseconds[$1], $0) }
      .map { site in
        SiteCost(
          trace: trace, site: UInt32(site), symbol: symboliser.name(ofSite: UInt32(site)),
          events: events[site], ns: nanoseconds[site] / operations,
          share: nanoseconds[site] / total)
      }
  }
}

extension PredictExperiment {
  /// What the call sites of a trace cost under a design, dearest first.
  public func sites(_ sample: Laboratory.Sample, of design: Design) throws -> [SiteCost] {
    let model = try costs.model(trace: sample.name, hiding: design, before: design)
    return try SiteCost.all(
      of: sample.name, sample.workload, under: design, costs: Array(model.costs.prefix(Step.count)))
  }
}
