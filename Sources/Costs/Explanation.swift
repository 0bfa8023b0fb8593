import Designs
import Platform

/// The gap between two designs on a trace, taken apart by a fit that did not see the trace.
public struct Explanation: Sendable, Codable, Equatable {
  /// What one step, or a group of steps that can't be told apart, contributes.
  public struct Term: Sendable, Codable, Equatable {
    /// The step's name, or the group's names joined by +.
    public let step: String
    /// Occurrences per operation in `from` less those in `to`; for a group, of its first step.
    public let countDifferencePerEvent: Double
    /// What that costs; positive where it makes `from` slower.
    public let ns: Estimate
    /// Whether the training data tell this cost from others'.
    public let identifiable: Bool
  }

  /// `from` − `to`, measured, nanoseconds per operation.
  public let gapNs: Estimate
  /// Largest first.
  public let terms: [Term]
  /// The gap less all terms of steps. A constant is unexplained, and so is what no step caught.
  public let unexplainedNs: Double
  /// |unexplained| ÷ |gap|; nil when there is no gap to speak of.
  public let unexplainedShare: Double?
  public let noiseFloorNs: Double

  /// - Parameters:
  ///   - set: may hold runs on the trace; they are not used for the costs.
  ///   - from, to: the two runs on the trace.
  ///   - gap: the measured gap with its interval.
  /// - Throws: `CostsError`, `.tooFewRuns` when fewer than two runs are on other traces.
  public init(
    _ set: TrainingSet, from: Run, to: Run, gap: Estimate, noiseFloorNs: Double
  ) throws(CostsError) {
    let training = set.runs.indices.filter { set.runs[$0].trace != from.trace }
    let (table, known) = try set.costTable(runs: training)
    let fit = RobustFit(set, runs: training, rounds: set.options.rounds)
    let difference = zip(from.meanCounts, to.meanCounts).map { $0 - $1 }
    var terms: [Term] = []
    var explained = 0.0
    var told: Set<Int> = []
    for group in known.groups {
      told.formUnion(group.columns)
      let ns = Self.contribution(group, difference, fit.costs, table)
      let steps = group.columns.filter { $0 != Column.intercept }
      guard !steps.isEmpty, steps.contains(where: { difference[$0] != 0 }) else { continue }
      explained += ns.value
      terms.append(
        Term(
          step: steps.map(Column.name).joined(separator: "+"),
          countDifferencePerEvent: difference[steps[0]], ns: ns,
          identifiable: known.isSeparable(group.leader)))
    }
    // Steps that no training run took: only a prior can price them.
    for column in 0..<Step.count where !told.contains(column) && difference[column] != 0 {
      let prior = set.priors[column]
      let cost = Estimate(
        value: fit.costs[column], low: 0,
        high: prior.map { $0.mean + 2 * $0.deviation })
      let ns = cost.times(difference[column])
      explained += ns.value
      terms.append(
        Term(
          step: Column.name(column), countDifferencePerEvent: difference[column], ns: ns,
          identifiable: false))
    }
    self.terms = terms.sorted { $0.ns.value.magnitude > $1.ns.value.magnitude }
    gapNs = gap
    unexplainedNs = gap.value - explained
    unexplainedShare =
      gap.value.magnitude > noiseFloorNs
      ? (gap.value - explained).magnitude / gap.value.magnitude : nil
    self.noiseFloorNs = noiseFloorNs
  }

  /// Where the group's steps differ in their usual proportion, its cost and interval apply. Where
  /// not, the training data say nothing about how its cost divides: the interval goes from none of
  /// it to all of it at each step.
  private static func contribution(
    _ group: Identifiability.Group, _ difference: [Double], _ costs: [Double], _ table: CostTable
  ) -> Estimate {
    guard let estimate = table.line(group.leader)?.ns else {
      return Estimate(value: 0, low: nil, high: nil)
    }
    let perLeader = zip(group.columns, group.ratios).map { difference[$0] / $1 }
    let spread = (perLeader.max() ?? 0) - (perLeader.min() ?? 0)
    let largest = perLeader.map(\.magnitude).max() ?? 0
    if spread <= 0.05 * largest { return estimate.times(perLeader[0]) }
    let value = group.columns.reduce(0.0) { $0 + difference[$1] * costs[$1] }
    let ends = perLeader.flatMap { factor -> [Estimate] in [estimate.times(factor)] }
    let lows = ends.map(\.low)
    let highs = ends.map(\.high)
    return Estimate(
      value: value,
      low: lows.contains { $0 == nil } ? nil : min(value, lows.compactMap { $0 }.min() ?? value),
      high: highs.contains { $0 == nil }
        ? nil : max(value, highs.compactMap { $0 }.max() ?? value))
  }
}
