import Designs
import Platform

/// In which order several optimisations of one design should be done: each time the one that pays
/// most on top of those before it.
public struct OptimisationOrder: Sendable {
  public struct Step: Sendable {
    /// As the user wrote it.
    public let name: String
    /// What it adds to those before it, nanoseconds per event.
    public let addsNs: Estimate
    /// Of the design as it comes, after it and those before.
    public let totalNs: Estimate
    public let design: Design
  }

  public let trace: String
  public let steps: [Step]
  /// Optimisations that contradict those chosen before.
  public let impossible: [String]
}

extension PredictExperiment {
  /// Orders optimisations for one trace.
  /// - Parameters:
  ///   - names: of at least two.
  ///   - apply: an optimisation applied to a design; throws where the two contradict each other.
  /// - Complexity: n (n + 1) / 2 simulations for n optimisations.
  public func order(
    _ sample: Laboratory.Sample, of design: Design, _ names: [String],
    apply: (String, Design) throws(DesignError) -> Design
  ) throws -> OptimisationOrder {
    var open = names
    var current = design
    var steps: [OptimisationOrder.Step] = []
    while !open.isEmpty {
      var best: (name: String, design: Design, adds: Estimate)?
      for name in open {
        guard let changed = try? apply(name, current) else { continue }
        let adds = try payoff(sample, from: current, to: changed, seen: design)
        if adds.value > best?.adds.value ?? -.infinity { best = (name, changed, adds) }
      }
      guard let best else { break }
      current = best.design
      open.removeAll { $0 == best.name }
      steps.append(
        OptimisationOrder.Step(
          name: best.name, addsNs: best.adds,
          totalNs: try payoff(sample, from: design, to: current, seen: design), design: current))
    }
    return OptimisationOrder(trace: sample.name, steps: steps, impossible: open)
  }

  /// What one design pays over another on a trace.
  private func payoff(
    _ sample: Laboratory.Sample, from: Design, to: Design, seen: Design
  ) throws -> Estimate {
    let counted = try laboratory.count([(sample, from), (sample, to)])
    let model = try costs.model(trace: sample.name, hiding: to, before: seen)
    return model.payoff(from: counted[0].meanCounts, to: counted[1].meanCounts)
  }
}
