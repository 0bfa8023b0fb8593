import Costs
import Designs
import Foundation
import Platform
import Replay

/// Looks for the variants of a family that take least time, least memory, or are best at both:
/// by the model, and the best few by measurement.
public struct SearchExperiment {
  public struct Outcome: Sendable {
    /// Not dominated by any other, fastest first.
    public let front: [Candidate]
    /// The design that the search started from, which may be on the front too.
    public let start: Candidate
    /// Variants that were simulated.
    public let explored: Int
    /// Whether nothing that was worth a try was left when the search ended.
    public let isExhausted: Bool
    /// How far two replays of the start differ, the mean over the traces; nil where nothing was
    /// measured.
    public let noiseFloorNs: Double?
  }

  public let laboratory: Laboratory
  let costs: HeldOutCosts
  let speed: MachineSpeed
  public let objective: Objective
  /// Seconds of simulating.
  public let budget: Double
  /// How many of the front are measured.
  public let verified: Int
  public let repeats: Int

  public init(
    laboratory: Laboratory, training: FitExperiment.Gathered, fitOptions: FitOptions,
    objective: Objective, budget: Double, verified: Int = 3, repeats: Int = 6
  ) throws {
    self.laboratory = laboratory
    costs = try HeldOutCosts(
      runs: training.runs, isolated: try laboratory.isolatedCosts(), options: fitOptions)
    speed = training.speed
    self.objective = objective
    self.budget = budget
    self.verified = verified
    self.repeats = repeats
  }

  /// Searches from a design on.
  ///
  /// Every single change of a design on the front that hasn't been followed yet is tried, the most
  /// promising first, and their changes after them: combinations of toggles are reached through
  /// those that are good themselves. The best few are then measured by turns with the start.
  /// - Throws: `PredictionError.nothingHeldOut` where nothing is known of the predictions' errors.
  public func run(_ samples: [Laboratory.Sample], from start: Design) throws -> Outcome {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(budget)
    let search = FrontSearch(
      objective: objective, atOnce: ProcessInfo.processInfo.activeProcessorCount,
      changes: { Design.singleChanges(of: $0).filter(\.isWhollyModelled) },
      evaluate: { try findings($0, samples, seen: start) }, isOver: { clock.now >= deadline })
    let found = try search.run(from: start)
    var front = Self.front(found.candidates)
    var first = found.candidates[0]
    var floor: Double?
    if verified > 0 {
      let best = Self.order(front, by: objective).prefix(verified).map(\.design)
      let measured = try measure([start] + best.filter { $0 != start }, samples)
      floor = measured.noiseFloorNs
      for index in front.indices { measured.complete(&front[index]) }
      measured.complete(&first)
    }
    return Outcome(
      front: front, start: first, explored: found.explored, isExhausted: found.isExhausted,
      noiseFloorNs: floor)
  }

  private func findings(
    _ designs: [Design], _ samples: [Laboratory.Sample], seen: Design
  ) throws -> [FrontSearch.Findings] {
    let runs = try laboratory.count(designs.flatMap { design in samples.map { ($0, design) } })
    return try designs.indices.map { index in
      let own = runs[index * samples.count..<(index + 1) * samples.count]
      let estimates = try own.map { run in
        let model = try costs.model(trace: run.trace, hiding: seen, before: seen)
        guard let time = model.time(run.meanCounts, seenDesign: run.design == seen) else {
          throw PredictionError.nothingHeldOut(
            trace: run.trace, design: run.design.description)
        }
        return time
      }
      return FrontSearch.Findings(
        counts: own.map(\.meanCounts), ns: .mean(of: estimates),
        peakMappedBytes: own.map(\.totals.peakMappedBytes).max() ?? 0)
    }
  }

  /// Some designs measured by turns, the first beside its twin.
  private struct Verification {
    let ns: [Design: Estimate]
    let payoffNs: [Design: Estimate]
    let noiseFloorNs: Double?

    func complete(_ candidate: inout Candidate) {
      candidate.measuredNs = ns[candidate.design]
      candidate.measuredPayoffNs = payoffNs[candidate.design]
    }
  }

  private func measure(
    _ designs: [Design], _ samples: [Laboratory.Sample]
  ) throws -> Verification {
    let allocators = designs.map { Allocator.own($0) }
    try laboratory.announce(
      "verifying the best", allocators, repeats: repeats, twin: true, traces: samples.count)
    let runs = try samples.map {
      try laboratory.measure($0, allocators, repeats: repeats, twin: true).at(speed)
    }
    let floors = runs.compactMap(\.result.windowNoiseFloorNs)
    func mean(_ estimate: (MeasuredRuns, Int) -> Estimate) -> [Design: Estimate] {
      Dictionary(
        designs.enumerated().map { index, design in
          (design, Estimate.mean(of: runs.map { estimate($0, index) }))
        }, uniquingKeysWith: { first, _ in first })
    }
    return Verification(
      ns: mean { $0.result.meanNs($1) },
      payoffNs: mean { $0.result.windowGapNs(0, less: $1) }.filter { $0.key != designs[0] },
      noiseFloorNs: floors.isEmpty ? nil : floors.reduce(0, +) / Double(floors.count))
  }
}

extension Estimate {
  /// The mean of values whose errors go together: the mean of the ends. An end that one of them
  /// lacks is unbounded.
  static func mean(of estimates: [Estimate]) -> Estimate {
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }
    let lows = estimates.compactMap(\.low)
    let highs = estimates.compactMap(\.high)
    return Estimate(
      value: mean(estimates.map(\.value)),
      low: lows.count == estimates.count ? mean(lows) : nil,
      high: highs.count == estimates.count ? mean(highs) : nil)
  }
}
