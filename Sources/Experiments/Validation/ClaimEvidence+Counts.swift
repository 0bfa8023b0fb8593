import Designs
import Hypotheses
import Platform
import Replay

extension ClaimEvidence {
  func count(
    _ step: Step, _ allocator: Allocator?, _ facts: WorkloadFacts
  ) -> Evidence {
    guard case .own(let design)? = allocator else { return Self.unnamed }
    if facts.needs.workload.threads == .recorded {
      guard let runs = facts.concurrent[design], !runs.isEmpty else {
        return facts.lack(.own(design))
      }
      // Of six runs the range holds the median with a certainty of 1 − 2 ÷ 2⁶, 96.9 %.
      let counts = runs.map { Double($0[Int(step.rawValue)]) }
      return .known(
        Estimate(
          value: counts.median(), low: counts.min(), high: counts.max()))
    }
    guard let counted = facts.counts[design] else { return Self.notModelled(.own(design)) }
    return .known(exactly: counted.total(step))
  }

  func bytes(
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

  func systemCalls(_ allocator: Allocator?, _ facts: WorkloadFacts) -> Evidence {
    guard let allocator else { return Self.unnamed }
    if case .own(let design) = allocator, let counted = facts.counts[design] {
      // A mapping of huge pages is a call of the kernel too.
      let calls = Set(Step.all(.systemCall)).union([.hugePageMap])
      return .known(exactly: calls.reduce(0) { $0 + counted.total($1) })
    }
    return facts.systemCalls[allocator] ?? facts.lack(allocator)
  }
}
