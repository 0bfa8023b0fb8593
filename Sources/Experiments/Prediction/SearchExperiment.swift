import Costs
import Designs
import Foundation
import Platform
import Replay

/// Looks for the variants of a family that take least time, least memory, or are best at both:
/// by the model, and the best few by measurement.
public struct SearchExperiment {
  public enum Objective: String, Sendable, CaseIterable {
    case time, memory, both
  }

  /// A variant over all traces of the search.
  public struct Candidate: Sendable {
    public let design: Design
    /// Predicted nanoseconds per event, traces weighing the same.
    public let ns: Estimate
    /// The largest of all traces.
    public let peakMappedBytes: UInt64
    /// Measured, as `ns`; nil where it was not.
    public var measuredNs: Estimate?

    /// Whether it is no worse at both and better at one.
    func dominates(_ other: Candidate) -> Bool {
      ns.value <= other.ns.value && peakMappedBytes <= other.peakMappedBytes
        && (ns.value < other.ns.value || peakMappedBytes < other.peakMappedBytes)
    }
  }

  public struct Outcome: Sendable {
    /// Not dominated by any other, fastest first.
    public let front: [Candidate]
    /// Variants that were simulated.
    public let explored: Int
    /// Whether nothing that was worth a try was left when the search ended.
    public let isExhausted: Bool
  }

  public let laboratory: Laboratory
  let costs: HeldOutCosts
  public let objective: Objective
  /// Seconds of simulating.
  public let budget: Double
  /// How many of the front are measured.
  public let verified: Int
  public let repeats: Int

  public init(
    laboratory: Laboratory, runs: [Run], fitOptions: FitOptions, objective: Objective,
    budget: Double, verified: Int = 3, repeats: Int = 6
  ) throws {
    self.laboratory = laboratory
    costs = try HeldOutCosts(
      runs: runs, isolated: try laboratory.isolatedCosts(), options: fitOptions)
    self.objective = objective
    self.budget = budget
    self.verified = verified
    self.repeats = repeats
  }

  /// Searches from a design on.
  ///
  /// Every single change of a design on the front that hasn't been followed yet is tried, the most
  /// promising first, and their changes after them: combinations of toggles are reached through
  /// those that are good themselves.
  public func run(_ samples: [Laboratory.Sample], from start: Design) throws -> Outcome {
    let deadline = Date(timeIntervalSinceNow: budget)
    var candidates = [try candidate(start, samples, seen: start)]
    var known: Set<Design> = [start]
    var followed: Set<Design> = []
    while let next = next(among: candidates, followed: followed), Date() < deadline {
      followed.insert(next.design)
      let changes = Design.singleChanges(of: next.design)
        .filter { $0.isWhollyModelled && !known.contains($0) }
      for change in changes where Date() < deadline {
        known.insert(change)
        candidates.append(try candidate(change, samples, seen: start))
      }
    }
    var front = Self.front(candidates)
    front = order(front)
    for index in front.indices.prefix(verified) {
      front[index].measuredNs = try measure(front[index].design, samples)
    }
    return Outcome(
      front: front.sorted { $0.ns.value < $1.ns.value }, explored: candidates.count,
      isExhausted: self.next(among: candidates, followed: followed) == nil)
  }

  static func front(_ candidates: [Candidate]) -> [Candidate] {
    candidates.filter { one in !candidates.contains { $0.dominates(one) } }
  }

  /// Best first by the objective; where both count, the fastest and the smallest by turns.
  private func order(_ front: [Candidate]) -> [Candidate] {
    let fast = front.sorted { $0.ns.value < $1.ns.value }
    let small = front.sorted { $0.peakMappedBytes < $1.peakMappedBytes }
    switch objective {
    case .time: return fast
    case .memory: return small
    case .both:
      var result: [Candidate] = []
      for pair in zip(fast, small) {
        for one in [pair.0, pair.1] where !result.contains(where: { $0.design == one.design }) {
          result.append(one)
        }
      }
      return result
    }
  }

  /// The most promising design whose changes haven't been tried.
  private func next(among candidates: [Candidate], followed: Set<Design>) -> Candidate? {
    order(Self.front(candidates)).first { !followed.contains($0.design) }
  }

  private func candidate(
    _ design: Design, _ samples: [Laboratory.Sample], seen: Design
  ) throws -> Candidate {
    var estimates: [Estimate] = []
    var peak: UInt64 = 0
    for run in try laboratory.count(samples.map { ($0, design) }) {
      let model = try costs.model(trace: run.trace, hiding: seen, before: seen)
      if let time = model.time(run.meanCounts, seenDesign: design == seen) {
        estimates.append(time)
      }
      peak = max(peak, run.totals.peakMappedBytes)
    }
    return Candidate(
      design: design, ns: Self.mean(estimates), peakMappedBytes: peak, measuredNs: nil)
  }

  private func measure(_ design: Design, _ samples: [Laboratory.Sample]) throws -> Estimate {
    laboratory.stage("verifying \(design)", samples.count * 2 * repeats)
    return Self.mean(
      try samples.map {
        try laboratory.measure($0, [.own(design)], repeats: repeats, twin: false).result.ns(0)
      })
  }

  private static func mean(_ estimates: [Estimate]) -> Estimate {
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }
    let lows = estimates.compactMap(\.low)
    let highs = estimates.compactMap(\.high)
    return Estimate(
      value: mean(estimates.map(\.value)),
      low: lows.count == estimates.count ? mean(lows) : nil,
      high: highs.count == estimates.count ? mean(highs) : nil)
  }
}
