import Designs
import Hypotheses
import Platform

extension ClaimEvidence {
  /// The weights by which a cost measure enters a sum of costs; nil where it is none.
  func weights(_ measure: Measure, _ experiment: Claim.Experiment) -> [Double]? {
    guard case .cost(let component, let side) = measure, let workload = experiment.workload,
      let design = experiment.design(side)?.design, let mean = facts[workload]?.mean(design)
    else { return nil }
    return ClaimCosts.weights(component, mean)
  }

  func cost(
    _ component: Component, _ allocator: Allocator?, _ facts: WorkloadFacts
  ) -> Evidence {
    guard case .own(let design)? = allocator, let mean = facts.mean(design) else {
      return allocator.map(Self.notModelled) ?? Self.unnamed
    }
    guard let weights = ClaimCosts.weights(component, mean) else {
      return .neverExecuted(
        reason: "\(design) never executes \(component.name) on \(facts.setting.sample.name)")
    }
    let per = mean[Int(component.per.rawValue)]
    return withCosts { $0.evidence(weights, most: facts.time(.own(design))?.high.map { $0 / per }) }
  }

  private func withCosts(_ body: (ClaimCosts) -> Evidence) -> Evidence {
    switch costs {
    case .success(let costs): body(costs)
    case .failure(let error): .missing(.inconclusive, reason: error.reason)
    }
  }

  func shareOfTime(
    _ component: Component, _ allocator: Allocator?, _ facts: WorkloadFacts
  ) -> Evidence {
    guard case .own(let design)? = allocator, let mean = facts.mean(design) else {
      return allocator.map(Self.notModelled) ?? Self.unnamed
    }
    let weights = Self.selected(component, mean)
    guard weights.contains(where: { $0 > 0 }) else {
      return .neverExecuted(
        reason: "\(design) never executes \(component.name) on \(facts.setting.sample.name)")
    }
    guard let time = facts.time(.own(design)) else { return facts.lack(.own(design)) }
    return withCosts { costs in
      let ns = costs.evidence(weights, most: time.high)
      return switch ns {
      case .known(let ns): .known(ns.divided(by: time).within(0...1))
      case .unidentifiable(let ns, let alone, let reason):
        .unidentifiable(
          ns.divided(by: time).within(0...1), alone: alone?.divided(by: time).within(0...1),
          reason: reason)
      case .neverExecuted, .missing: ns
      }
    }
  }

  func shareOfGap(
    _ component: Component, _ from: Allocator?, _ to: Allocator?, _ facts: WorkloadFacts
  ) -> Evidence {
    guard case .own(let first)? = from, case .own(let second)? = to, let one = facts.mean(first),
      let other = facts.mean(second)
    else { return from.map(Self.notModelled) ?? Self.unnamed }
    let before = Self.selected(component, one)
    let after = Self.selected(component, other)
    guard (before + after).contains(where: { $0 > 0 }) else {
      return .neverExecuted(
        reason: "neither design executes \(component.name) on \(facts.setting.sample.name)")
    }
    guard let gap = facts.gap(.own(first), .own(second)) else { return facts.lack(.own(first)) }
    if gap.contains(0) {
      return .missing(.inconclusive, reason: "the gap itself is not over the noise")
    }
    let weights = zip(before, after).map { $0 - $1 }
    // As often in both: it explains nothing, whatever it costs.
    if !weights.contains(where: { $0 != 0 }) { return .known(exactly: 0) }
    return withCosts { costs in
      let ns = costs.evidence(weights, most: nil)
      return switch ns {
      case .known(let ns): .known(ns.divided(by: gap))
      case .unidentifiable(let ns, let alone, let reason):
        .unidentifiable(
          ns.divided(by: gap), alone: alone?.divided(by: gap), reason: reason)
      case .neverExecuted, .missing: ns
      }
    }
  }

  private static func selected(_ component: Component, _ mean: [Double]) -> [Double] {
    var weights = [Double](repeating: 0, count: mean.count)
    for step in component.steps { weights[Int(step.rawValue)] = mean[Int(step.rawValue)] }
    return weights
  }

  /// Half of the interval of a weighted sum of costs, which come from one fit.
  func halfWidth(_ measures: [Measure: Double], _ experiment: Claim.Experiment) -> Double? {
    guard case .success(let costs) = costs else { return nil }
    var sum = [Double](repeating: 0, count: Step.count)
    for (measure, weight) in measures {
      guard let weights = weights(measure, experiment) else { return nil }
      for step in sum.indices { sum[step] += weight * weights[step] }
    }
    return costs.model.halfWidth(sum)
  }
}

extension Estimate {
  /// What can't be outside of a range isn't.
  fileprivate func within(_ range: ClosedRange<Double>) -> Estimate {
    func clamped(_ value: Double) -> Double {
      min(max(value, range.lowerBound), range.upperBound)
    }
    return Estimate(value: clamped(value), low: low.map(clamped), high: high.map(clamped))
  }
}
