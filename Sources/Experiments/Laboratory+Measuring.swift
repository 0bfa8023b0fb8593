import Designs
import Foundation
import Notebook
import Platform
import Replay

/// Repeats of some allocators on one trace, from the notebook or just made.
public struct MeasuredRuns: Sendable {
  public let allocators: [Allocator]
  public let result: CampaignResult
  /// The core clock, GHz: the median over the replays.
  public let coreGHz: Double
}

extension Laboratory {
  /// Measures allocators on a trace, alternating, `repeats` times each; what the notebook has of
  /// them isn't measured again, and what is measured is kept at once.
  public func measure(
    _ sample: Sample, _ allocators: [Allocator], repeats: Int, twin: Bool
  ) throws -> MeasuredRuns {
    let contenders = try allocators.map {
      try Contender($0, compiler: compiler, libraries: libraries)
    }
    let campaign = ReplayCampaign(
      contenders: contenders, nullLibrary: nullLibrary, repeats: repeats, seed: seed,
      hasTwin: twin)
    let kept = store.store(for: campaign, trace: sample.hash, options: optionsText)
    let result = try campaign.run(try plan(for: sample), player: player, store: kept) {
      self.progress("\($0) on \(sample.name)")
    }
    let replays = result.contenders.flatMap { $0 } + result.null
    let clocks = replays.map { $0.coreGHz }
      .filter { $0 > 0 }
    return MeasuredRuns(
      allocators: allocators, result: result, coreGHz: RepeatStatistics.median(clocks))
  }

  /// Whether the notebook has enough repeats of an allocator on a trace.
  public func hasMeasured(_ sample: Sample, _ allocator: Allocator, repeats: Int) throws -> Bool {
    let contender = try Contender(allocator, compiler: compiler, libraries: libraries)
    return try store.count(of: contender, trace: sample.hash, options: optionsText) >= repeats
  }

  private func plan(for sample: Sample) throws -> Plan {
    if let plan, plan.hash == sample.hash { return plan.plan }
    let made = try Plan.compile(workload: sample.workload)
    plan = (sample.hash, made)
    return made
  }
}
