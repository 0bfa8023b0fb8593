import Designs
import Platform

/// In which order several optimisations of one design should be done: each time the one that pays
/// most on top of those before it.
public struct OptimisationOrder: Sendable {
  public struct Step: Sendable {
    /// As the user wrote it.
    public let name: String
    /// What it adds to those before it, nanoseconds per event: the mean over the traces.
    public let addsNs: Estimate
    /// Of the design as it comes, after it and those before: the mean over the traces.
    public let totalNs: Estimate
    /// The least and the most that it adds on a trace.
    public let leastNs: Double
    public let mostNs: Double
    public let design: Design
  }

  /// Two optimisations that no design can have both of.
  public struct Contradiction: Sendable, Equatable {
    public let first: String
    public let second: String
  }

  /// Those that the order is best for, weighing the same.
  public let traces: [String]
  public let steps: [Step]
  /// Optimisations that contradict those chosen before.
  public let impossible: [String]
  public let contradictions: [Contradiction]
}

extension OptimisationOrder.Contradiction {
  /// Every pair of which no design has both: applied one after the other they are refused in either
  /// order, or the later one undoes the earlier.
  static func all(
    of design: Design, _ names: [String],
    apply: (String, Design) throws(DesignError) -> Design
  ) -> [OptimisationOrder.Contradiction] {
    func both(_ one: String, _ other: String) -> Design? {
      (try? apply(one, design)).flatMap { try? apply(other, $0) }
    }
    return names.enumerated().flatMap { index, first in
      names.dropFirst(index + 1).compactMap { second in
        let there = both(first, second)
        let back = both(second, first)
        let isImpossible = there.map { one in back.map { $0 != one } ?? false } ?? (back == nil)
        return isImpossible ? Self(first: first, second: second) : nil
      }
    }
  }
}

extension PredictExperiment {
  /// Orders optimisations by the mean of what they add on some traces.
  /// - Parameters:
  ///   - names: of at least two.
  ///   - apply: an optimisation applied to a design; throws where the two contradict each other.
  /// - Complexity: n (n + 1) / 2 simulations of each trace for n optimisations.
  public func order(
    _ samples: [Laboratory.Sample], of design: Design, _ names: [String],
    apply: (String, Design) throws(DesignError) -> Design
  ) throws -> OptimisationOrder {
    let contradictions = OptimisationOrder.Contradiction.all(of: design, names, apply: apply)
    var open = names
    var current = design
    var steps: [OptimisationOrder.Step] = []
    while !open.isEmpty {
      let chosen = steps.map(\.name)
      let possible = open.filter { name in
        !contradictions.contains {
          ($0.first == name && chosen.contains($0.second))
            || ($0.second == name && chosen.contains($0.first))
        }
      }
      let changed = possible.compactMap { name in
        (try? apply(name, current)).map { (name: name, design: $0) }
      }
      // All at once, by all processors; each is then found in the notebook.
      _ = try laboratory.count(
        samples.flatMap { sample in (changed.map(\.design) + [current]).map { (sample, $0) } })
      var best: (name: String, design: Design, adds: [Estimate])?
      for one in changed {
        let adds = try samples.map {
          try payoff($0, from: current, to: one.design, seen: design)
        }
        if Self.mean(adds) > best.map({ Self.mean($0.adds) }) ?? -.infinity {
          best = (one.name, one.design, adds)
        }
      }
      guard let best else { break }
      current = best.design
      open.removeAll { $0 == best.name }
      let values = best.adds.map(\.value)
      steps.append(
        OptimisationOrder.Step(
          name: best.name, addsNs: .mean(of: best.adds),
          totalNs: .mean(
            of: try samples.map { try payoff($0, from: design, to: current, seen: design) }),
          leastNs: values.min() ?? 0, mostNs: values.max() ?? 0, design: current))
    }
    return OptimisationOrder(
      traces: samples.map(\.name), steps: steps, impossible: open, contradictions: contradictions)
  }

  private static func mean(_ adds: [Estimate]) -> Double { Estimate.mean(of: adds).value }

  /// What one design pays over another on a trace.
  private func payoff(
    _ sample: Laboratory.Sample, from: Design, to: Design, seen: Design
  ) throws -> Estimate {
    let counted = try laboratory.count([(sample, from), (sample, to)])
    let model = try costs.model(trace: sample.name, hiding: to, before: seen)
    return model.payoff(from: counted[0].meanCounts, to: counted[1].meanCounts)
  }
}
