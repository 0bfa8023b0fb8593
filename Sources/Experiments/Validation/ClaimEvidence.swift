import Costs
import Designs
import Hypotheses
import Platform
import Replay

/// Answers what is known of the measures of claims.
struct ClaimEvidence {
  let facts: [ClaimWorkload: WorkloadFacts]
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
    facts: [ClaimWorkload: WorkloadFacts], costs: Result<ClaimCosts, ClaimCostsError>,
    isolated: [Step: Estimate], study: ClaimStudy?, studyFailure: String?,
    catalogue: DesignCatalogue
  ) {
    self.facts = facts
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
      return .missing(.inconclusive, reason: "the workload wasn't run")
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

  private static let unnamed = Evidence.missing(
    .inconclusive, reason: "the claim names no design for it")

  private static func notModelled(_ allocator: Allocator) -> Evidence {
    .missing(.inconclusive, reason: "\(allocator) was not counted: there is no whole model of it")
  }

  // MARK: Costs

  /// The weights by which a cost measure enters a sum of costs; nil where it is none.
  func weights(_ measure: Measure, _ experiment: Claim.Experiment) -> [Double]? {
    guard case .cost(let component, let side) = measure, let workload = experiment.workload,
      let design = experiment.design(side)?.design, let mean = facts[workload]?.mean(design)
    else { return nil }
    return ClaimCosts.weights(component, mean)
  }

  private func cost(
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

  private func shareOfTime(
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
      switch costs.evidence(weights, most: time.high) {
      case .known(let ns): .known(Self.share(ns, time).within(0...1))
      case .unidentifiable(let ns, let reason):
        .unidentifiable(Self.share(ns, time).within(0...1), reason: reason)
      case let other: other
      }
    }
  }

  private func shareOfGap(
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
      switch costs.evidence(weights, most: nil) {
      case .known(let ns): .known(Self.share(ns, gap))
      case .unidentifiable(let ns, let reason):
        .unidentifiable(Self.share(ns, gap), reason: reason)
      case let other: other
      }
    }
  }

  private static func selected(_ component: Component, _ mean: [Double]) -> [Double] {
    var weights = [Double](repeating: 0, count: mean.count)
    for step in component.steps { weights[Int(step.rawValue)] = mean[Int(step.rawValue)] }
    return weights
  }

  /// One estimate as a part of another, which is not zero.
  private static func share(_ part: Estimate, _ whole: Estimate) -> Estimate {
    let value = part.value / whole.value
    func reach(_ end: Double?, _ other: Double?) -> Double? {
      guard let end, let other else { return nil }
      let one = (end - part.value) / whole.value
      let two = value * (other - whole.value) / whole.value
      return (one * one + two * two).squareRoot()
    }
    let ends = [reach(part.low, whole.high), reach(part.high, whole.low)]
    let (down, up) = whole.value > 0 ? (ends[0], ends[1]) : (ends[1], ends[0])
    return Estimate(value: value, low: down.map { value - $0 }, high: up.map { value + $0 })
  }

  // MARK: Times

  private func gap(_ from: Allocator, _ to: Allocator, _ facts: WorkloadFacts) -> Evidence {
    for allocator in [from, to] where facts.place(allocator) == nil {
      return facts.lack(allocator)
    }
    return facts.gap(from, to).map { .known($0) } ?? facts.lack(from)
  }

  private func payoff(
    _ change: String, _ allocator: Allocator?, _ facts: WorkloadFacts
  ) -> Evidence {
    guard case .own(let before)? = allocator,
      let after = try? catalogue.apply(change, to: before)
    else { return Self.unnamed }
    if let one = facts.mean(before), let other = facts.mean(after),
      zip(one, other).allSatisfy({ abs($0 - $1) < 1e-9 })
    {
      return .neverExecuted(
        reason: "\(change) changes no step of \(before) on \(facts.setting.sample.name)")
    }
    return gap(.own(before), .own(after), facts)
  }

  private func scaling(_ allocator: Allocator?, _ facts: WorkloadFacts) -> Evidence {
    guard let allocator else { return Self.unnamed }
    guard let alone = facts.onOneThread[allocator], let beside = facts.time(allocator) else {
      return facts.lack(allocator)
    }
    guard (beside.low ?? 0) > 0 else {
      return .missing(.inconclusive, reason: "the time beside other threads is not over the noise")
    }
    // The threads' times are added up, of which as many pass at once as there are threads.
    let threads = Double(facts.setting.sample.workload.threads)
    let share = Self.share(alone, beside)
    return .known(
      Estimate(
        value: share.value * threads, low: share.low.map { $0 * threads },
        high: share.high.map { $0 * threads }))
  }

  private func perReplay(
    _ allocator: Allocator?, _ facts: WorkloadFacts, _ value: (ReplayMeasurement) -> Double
  ) -> Evidence {
    guard let allocator else { return Self.unnamed }
    return facts.perReplay(allocator, value).map { .known($0) } ?? facts.lack(allocator)
  }

  // MARK: Counts

  private func count(
    _ step: Step, _ allocator: Allocator?, _ facts: WorkloadFacts
  ) -> Evidence {
    guard case .own(let design)? = allocator else { return Self.unnamed }
    if facts.needs.workload.threads == .recorded {
      guard let runs = facts.concurrent[design], !runs.isEmpty else {
        return facts.lack(.own(design))
      }
      let counts = runs.map { Double($0[Int(step.rawValue)]) }.sorted()
      return .known(
        Estimate(value: counts[counts.count / 2], low: counts.first, high: counts.last))
    }
    guard let counted = facts.counts[design] else { return Self.notModelled(.own(design)) }
    return .known(exactly: counted.total(step))
  }

  private func bytes(
    _ kind: ByteKind, _ allocator: Allocator?, _ facts: WorkloadFacts
  ) -> Evidence {
    guard case .own(let design)? = allocator else {
      return .missing(.inconclusive, reason: "only a model knows these bytes")
    }
    if kind == .header {
      guard let header = design.settings.first(where: { $0.toggle == "header" }),
        let bytes = Double(header.value)
      else { return .missing(.inconclusive, reason: "\(design) says nothing of its headers") }
      return .known(exactly: bytes)
    }
    guard let totals = facts.counts[design]?.totals else { return Self.notModelled(.own(design)) }
    return .known(
      exactly: Double(kind == .peakMapped ? totals.peakMappedBytes : totals.peakLiveBytes))
  }

  private func systemCalls(_ allocator: Allocator?, _ facts: WorkloadFacts) -> Evidence {
    guard let allocator else { return Self.unnamed }
    if case .own(let design) = allocator, let counted = facts.counts[design] {
      return .known(exactly: Step.all(.systemCall).reduce(0) { $0 + counted.total($1) })
    }
    return facts.systemCalls[allocator] ?? facts.lack(allocator)
  }

  // MARK: Assumptions

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

/// Why there are no costs.
struct ClaimCostsError: Error {
  let reason: String
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
