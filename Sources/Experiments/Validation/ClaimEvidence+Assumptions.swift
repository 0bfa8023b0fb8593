import Designs
import Hypotheses

extension ClaimEvidence {
  /// What was found of what a claim rests on: in its design, or where a change brings the component
  /// in, in the changed one.
  func assumptions(_ experiment: Claim.Experiment) -> [AssumptionFinding] {
    guard let workload = experiment.workload, let facts = facts[workload],
      let design = experiment.design(.first)?.design
    else { return [] }
    var designs = [design]
    for case .payoff(.first, let change) in experiment.quantity.measures {
      if let changed = try? catalogue.apply(change, to: design) { designs.append(changed) }
    }
    return experiment.assumptions.compactMap { assumption in
      func times(_ design: Design) -> Double? {
        guard let mean = facts.mean(design) else { return nil }
        let per = mean[Int(assumption.per.rawValue)]
        return per > 0 ? mean[Int(assumption.component.per.rawValue)] / per : 0
      }
      let all = designs.compactMap { design in times(design).map { (design, $0) } }
      guard let found = all.first(where: { $0.1 > 0 }) ?? all.first else { return nil }
      let cost = self.cost(assumption.component, .own(found.0), facts)
      guard case .known(let estimate) = cost else {
        return AssumptionFinding(assumption, times: found.1, cost: nil)
      }
      return AssumptionFinding(assumption, times: found.1, cost: estimate)
    }
  }
}
