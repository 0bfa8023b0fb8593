import Designs
import Hypotheses
import Platform
import Replay

extension ClaimEvidence {
  func gap(_ from: Allocator, _ to: Allocator, _ facts: WorkloadFacts) -> Evidence {
    for allocator in [from, to] where facts.place(allocator) == nil {
      return facts.lack(allocator)
    }
    return facts.gap(from, to).map { .known($0) } ?? facts.lack(from)
  }

  func payoff(
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

  func scaling(_ allocator: Allocator?, _ facts: WorkloadFacts) -> Evidence {
    guard let allocator else { return Self.unnamed }
    guard let runs = facts.onOneThread, let index = runs.allocators.firstIndex(of: allocator),
      let beside = facts.time(allocator)
    else {
      return facts.lack(allocator)
    }
    guard (beside.low ?? 0) > 0 else {
      return .missing(.inconclusive, reason: "the time beside other threads is not over the noise")
    }
    // The threads' times are added up, of which as many pass at once as there are threads.
    let threads = Double(facts.setting.sample.workload.threads)
    let alone = runs.result.ns(index)
    return .known(alone.divided(by: beside).scaled(by: threads))
  }

  func perReplay(
    _ allocator: Allocator?, _ facts: WorkloadFacts, _ value: (ReplayMeasurement) -> Double
  ) -> Evidence {
    guard let allocator else { return Self.unnamed }
    return facts.perReplay(allocator, value).map { .known($0) } ?? facts.lack(allocator)
  }
}
