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
  private static let concurrentRuns = 3

  /// What was found on every workload. One that can't be run says why; only an interruption and a
  /// broken notebook end it all.
  func facts(_ needs: [ClaimNeeds]) throws -> [WorkloadFacts] {
    var facts: [WorkloadFacts] = []
    for need in needs {
      facts.append(WorkloadFacts(needs: need, setting: try bench.open(need.workload)))
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
    return facts
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
    let libraries = SystemLibraries()
    var present: [Allocator] = []
    for allocator in facts.needs.timed {
      if case .system(let name) = allocator {
        do throws(SystemLibraryError) {
          _ = try libraries.find(name)
        } catch {
          facts.failures[allocator] = (.notTestableHere, error.message)
          continue
        }
      }
      present.append(allocator)
    }
    guard !present.isEmpty else { return }
    let isShort = setting.sample.workload.operationCount < setting.options.windowEvents
    let repeats = isShort ? max(repeats, Self.shortRepeats) : repeats
    setting.laboratory.stage(
      "replaying \(setting.sample.name)",
      Laboratory.replays(of: present.count, repeats: repeats))
    facts.measured = try setting.laboratory.measure(
      setting.sample, present, repeats: repeats, twin: true)
  }

  private func measureOnOneThread(_ facts: inout WorkloadFacts) throws {
    let scaled = facts.needs.scaled.filter { facts.place($0) != nil }
    guard !scaled.isEmpty else { return }
    let setting = try bench.open(facts.needs.workload, threads: .one)
    setting.laboratory.stage(
      "replaying \(setting.sample.name) on one thread", (scaled.count + 1) * repeats)
    let runs = try setting.laboratory.measure(
      setting.sample, scaled, repeats: repeats, twin: false)
    for (index, allocator) in scaled.enumerated() {
      facts.onOneThread[allocator] = runs.result.ns(index)
    }
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
    do {
      try body(&facts)
    } catch PlayerError.interrupted {
      throw PlayerError.interrupted
    } catch let error as NotebookError {
      throw error
    } catch let error as any UserFacingError {
      facts.failure = facts.failure ?? error.message
    }
  }
}
