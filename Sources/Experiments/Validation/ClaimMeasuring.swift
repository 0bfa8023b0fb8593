import Designs
import Foundation
import Hypotheses
import Notebook
import Platform
import Replay

/// Counts and measures what claims need of workloads, and the notebook lacks.
struct ClaimMeasuring {
  let bench: ClaimBench
  let repeats: Int

  /// Of a workload shorter than a window: every repeat is a fresh process.
  private static let shortRepeats = 30
  /// The range of six runs holds their median at 95 %.
  private static let concurrentRuns = 6

  /// What was found on every workload. One that can't be run says why; only an interruption and a
  /// broken notebook end it all.
  /// - Parameters:
  ///   - known: the speed that times are brought to; nil is what the sessions on these workloads say.
  ///   - unopened: gets the workloads that there are no facts of, each with the reason.
  func facts(
    _ needs: [ClaimNeeds], at known: Slowness?, unopened: inout [ClaimWorkload: String]
  ) throws -> (facts: [WorkloadFacts], speed: MachineSpeed) {
    var facts: [WorkloadFacts] = []
    for need in needs {
      let failure = try Self.tolerating {
        facts.append(WorkloadFacts(needs: need, setting: try bench.open(need.workload)))
      }
      if let failure { unopened[need.workload] = failure }
    }
    try count(&facts)
    for index in facts.indices {
      try tolerating(&facts[index]) { try measure(&$0) }
      try tolerating(&facts[index]) { try measureOnOneThread(&$0) }
      try tolerating(&facts[index]) { try countConcurrently(&$0) }
      for allocator in facts[index].needs.traced {
        facts[index].systemCalls[allocator] = try SystemCallCount.evidence(
          allocator, on: facts[index].setting)
      }
    }
    let speed = MachineSpeed(facts.compactMap { $0.measured?.speed }, known: known)
    for index in facts.indices { facts[index].summarize(at: speed) }
    return (facts, speed)
  }

  /// All workloads' designs at once, so that no processor waits.
  private func count(_ facts: inout [WorkloadFacts]) throws {
    var laboratories: [Laboratory] = []
    for one in facts where !laboratories.contains(where: { $0 === one.setting.laboratory }) {
      laboratories.append(one.setting.laboratory)
    }
    for laboratory in laboratories {
      let pairs = facts.indices.filter { facts[$0].setting.laboratory === laboratory }
        .flatMap { index in facts[index].needs.counted.map { (index: index, design: $0) } }
      let counted = try laboratory.count(
        pairs.map { (facts[$0.index].setting.sample, $0.design) })
      for (pair, run) in zip(pairs, counted) { facts[pair.index].counts[pair.design] = run }
      let designs = facts.filter { $0.setting.laboratory === laboratory }.flatMap(\.needs.timed)
        .compactMap { if case .own(let design) = $0 { design } else { nil } }
      // All at once; what doesn't compile says so where it is replayed.
      do { try laboratory.compile(Array(Set(designs))) } catch is any UserFacingError {}
    }
    for index in facts.indices {
      let workload = facts[index].setting.sample.workload
      facts[index].operations = Double(workload.operationCount)
      var allocations = 0
      try workload.forEachBlock { events in
        for event in events where event.kind.allocates { allocations += 1 }
      }
      facts[index].allocations = Double(allocations)
    }
  }

  private func measure(_ facts: inout WorkloadFacts) throws {
    let setting = facts.setting
    let laboratory = setting.laboratory
    var present: [Allocator] = []
    for allocator in facts.needs.timed {
      if case .own = allocator {
        present.append(allocator)
        continue
      }
      do {
        _ = try Contender(
          allocator, compiler: laboratory.compiler, libraries: laboratory.systemLibraries)
        present.append(allocator)
      } catch let error as SystemLibraryError {
        facts.failures[allocator] = (.notTestableHere, error.message)
      }
    }
    let isShort = setting.sample.workload.operationCount < setting.options.windowEvents
    let repeats = isShort ? max(repeats, Self.shortRepeats) : repeats
    let record = ReplayFailures(setting)
    for (allocator, reason) in try record.known(among: present) {
      facts.failures[allocator] = (.inconclusive, reason)
      present.removeAll { $0 == allocator }
    }
    while !present.isEmpty {
      try laboratory.announce(
        "replaying \(setting.sample.name)", present, repeats: repeats, twin: true)
      do {
        facts.measured = try laboratory.measure(
          setting.sample, present, repeats: repeats, twin: true)
        return
      } catch let error as PlayerError {
        // The others can do without it.
        guard let failed = try record.note(error, among: present) else { throw error }
        facts.failures[failed] = (.inconclusive, error.message)
        present.removeAll { $0 == failed }
      }
    }
  }

  private func measureOnOneThread(_ facts: inout WorkloadFacts) throws {
    let scaled = facts.needs.scaled.filter { facts.place($0) != nil }
    guard !scaled.isEmpty else { return }
    let setting = try bench.open(facts.needs.workload, threads: .one)
    try setting.laboratory.announce(
      "replaying \(setting.sample.name) on one thread", scaled, repeats: repeats, twin: false)
    facts.onOneThread = try setting.laboratory.measure(
      setting.sample, scaled, repeats: repeats, twin: false)
  }

  private func countConcurrently(_ facts: inout WorkloadFacts) throws {
    for design in facts.needs.concurrent {
      facts.concurrent[design] = try facts.setting.laboratory.countConcurrently(
        facts.setting.sample, design, runs: Self.concurrentRuns)
    }
  }

  /// What goes wrong with one workload is no reason to stop judging the claims on others.
  private func tolerating(
    _ facts: inout WorkloadFacts, _ body: (inout WorkloadFacts) throws -> Void
  ) throws {
    let failure = try Self.tolerating { try body(&facts) }
    facts.failure = facts.failure ?? failure
  }

  /// What went wrong, unless it ends everything.
  private static func tolerating(_ body: () throws -> Void) throws -> String? {
    do {
      try body()
      return nil
    } catch PlayerError.interrupted {
      throw PlayerError.interrupted
    } catch let error as NotebookError {
      throw error
    } catch let error as any UserFacingError {
      return error.message
    }
  }
}
