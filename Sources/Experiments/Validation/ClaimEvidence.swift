import Designs
import Hypotheses
import Platform
import Replay

/// Answers what is known of the measures of claims.
struct ClaimEvidence {
  let facts: [ClaimWorkload: WorkloadFacts]
  /// Workloads that there are no facts of, with the reasons.
  let unopened: [ClaimWorkload: String]
  /// Nil where no claim needs costs, or why there are none.
  let costs: Result<ClaimCosts, ClaimCostsError>
  let isolated: [Step: Estimate]
  let study: ClaimStudy?
  /// Why the study was not run.
  let studyFailure: String?
  let catalogue: DesignCatalogue

  /// What is known already: claims ask for the same again and again, and gaps are resampled.
  private let memo = Memo()

  private final class Memo {
    struct Key: Hashable {
      let measure: Measure
      let workload: ClaimWorkload?
      let designs: [NamedAllocator]
    }

    var known: [Key: Evidence] = [:]
  }

  init(
    facts: [ClaimWorkload: WorkloadFacts], unopened: [ClaimWorkload: String],
    costs: Result<ClaimCosts, ClaimCostsError>, isolated: [Step: Estimate], study: ClaimStudy?,
    studyFailure: String?, catalogue: DesignCatalogue
  ) {
    self.facts = facts
    self.unopened = unopened
    self.costs = costs
    self.isolated = isolated
    self.study = study
    self.studyFailure = studyFailure
    self.catalogue = catalogue
  }

  func evidence(_ measure: Measure, _ experiment: Claim.Experiment) -> Evidence {
    let key = Memo.Key(
      measure: measure, workload: experiment.workload, designs: experiment.designs)
    if let known = memo.known[key] { return known }
    let found = find(measure, experiment)
    memo.known[key] = found
    return found
  }

  private func find(_ measure: Measure, _ experiment: Claim.Experiment) -> Evidence {
    if case .isolatedCost(let step) = measure {
      return isolated[step].map { .known($0) }
        ?? .missing(.inconclusive, reason: "calibrate can't time \(step.name) alone")
    }
    guard let workload = experiment.workload else {
      return .missing(.inconclusive, reason: "\(measure) needs a workload")
    }
    if case .study(let observable) = measure, case .scoreCaching(let population) = workload.origin {
      return study?.evidence(observable, population: population)
        ?? .missing(
          .inconclusive,
          reason: studyFailure ?? "the study has not been run: mallometer study score-caching")
    }
    guard let facts = facts[workload] else {
      return .missing(
        .inconclusive, reason: unopened[workload] ?? "the workload wasn't run")
    }
    return evidence(measure, experiment, facts)
  }

  private func evidence(
    _ measure: Measure, _ experiment: Claim.Experiment, _ facts: WorkloadFacts
  ) -> Evidence {
    func allocator(_ side: Side) -> Allocator? { experiment.design(side)?.allocator }
    switch measure {
    case .events: return .known(exactly: facts.operations)
    case .allocations: return .known(exactly: facts.allocations)
    case .cost(let component, let side): return cost(component, allocator(side), facts)
    case .shareOfTime(let component): return shareOfTime(component, allocator(.first), facts)
    case .shareOfGap(let component):
      return shareOfGap(component, allocator(.first), allocator(.second), facts)
    case .count(let step, let side): return count(step, allocator(side), facts)
    case .time(let side):
      guard let allocator = allocator(side) else { return Self.unnamed }
      return facts.time(allocator).map { .known($0) } ?? facts.lack(allocator)
    case .gap(let from, let to):
      guard let from = allocator(from), let to = allocator(to) else { return Self.unnamed }
      return gap(from, to, facts)
    case .payoff(let side, let change): return payoff(change, allocator(side), facts)
    case .pageFaults(let side):
      return perReplay(allocator(side), facts) { Double($0.pageFaults) }
    case .bytes(.peakResident, let side):
      return perReplay(allocator(side), facts) { Double($0.peakResidentBytes) }
    case .bytes(let kind, let side): return bytes(kind, allocator(side), facts)
    case .systemCalls(let side): return systemCalls(allocator(side), facts)
    case .scaling(let side): return scaling(allocator(side), facts)
    case .isolatedCost, .study: return Self.unnamed
    }
  }

  static let unnamed = Evidence.missing(
    .inconclusive, reason: "the claim names no design for it")

  static func notModelled(_ allocator: Allocator) -> Evidence {
    .missing(.inconclusive, reason: "\(allocator) was not counted: there is no whole model of it")
  }
}
