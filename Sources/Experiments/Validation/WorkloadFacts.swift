import Costs
import Designs
import Foundation
import Hypotheses
import Platform
import Replay
import Traces

/// What was counted and measured on one workload.
struct WorkloadFacts {
  let needs: ClaimNeeds
  var setting: ClaimBench.Setting
  /// Operations, and those of them that allocate.
  var operations = 0.0
  var allocations = 0.0
  var counts: [Design: CountedRun] = [:]
  var measured: MeasuredRuns?
  /// Why an allocator was not replayed, or nothing was.
  var failures: [Allocator: (verdict: Verdict, reason: String)] = [:]
  var failure: String?
  /// All events on one thread.
  var onOneThread: MeasuredRuns?
  /// Of threads that ran beside each other, by design and step, each once a run.
  var concurrent: [Design: [[UInt64]]] = [:]
  var systemCalls: [Allocator: Evidence] = [:]

  /// Of every replayed allocator: its time, the standard error of it; and of the A/A pair.
  private var times: [Estimate] = []
  private var errors: [Double?] = []
  private var noiseFloor: Double?

  init(needs: ClaimNeeds, setting: ClaimBench.Setting) {
    self.needs = needs
    self.setting = setting
  }

  /// Executions of each step per operation.
  func mean(_ design: Design) -> [Double]? {
    counts[design]?.executions.map { $0 / max(operations, 1) }
  }

  /// Where an allocator stands among the replayed ones, or why it doesn't.
  func place(_ allocator: Allocator) -> (index: Int, runs: MeasuredRuns)? {
    guard let measured, let index = measured.allocators.firstIndex(of: allocator) else {
      return nil
    }
    return (index, measured)
  }

  /// Why there are no times of an allocator.
  func lack(_ allocator: Allocator) -> Evidence {
    if let known = failures[allocator] { return .missing(known.verdict, reason: known.reason) }
    return .missing(.inconclusive, reason: failure ?? "\(allocator) wasn't replayed")
  }

  /// Nanoseconds per operation spent in an allocator.
  func time(_ allocator: Allocator) -> Estimate? { place(allocator).map { times[$0.index] } }

  /// Brings all times to a speed of the machine, and finds what many claims ask for, once: it is
  /// resampled.
  mutating func summarize(at speed: MachineSpeed) {
    measured = measured?.at(speed)
    onOneThread = onOneThread?.at(speed)
    guard let result = measured?.result else { return }
    noiseFloor = result.windowNoiseFloorNs
    errors = result.standardErrors
    let null = result.nullStandardError ?? 0
    times = result.contenders.indices.map { index in
      if needs.workload.threads == .recorded { return result.ns(index) }
      let sum = result.windowNanoseconds(index).reduce(0) { $0 + Double($1) }
      let value = sum / Double(max(result.calls, 1))
      guard let error = errors[index] else { return Estimate(unbounded: value) }
      let half =
        (error * error + null * null).squareRoot()
        * RepeatStatistics.studentQuantile(degreesOfFreedom: Self.freedom(result, index))
      return Estimate(value: value, low: value - half, high: value + half)
    }
  }

  /// Of a standard error: what the repeats leave, or few builds whose scatter is drawn towards all
  /// designs' with the weight of four more.
  private static func freedom(_ result: CampaignResult, _ index: Int) -> Int {
    let repeats = result.contenders[index].count - 1
    return result.builds > 1 ? min(repeats, result.builds + 3) : repeats
  }

  /// One allocator's time less another's, no more surely than the same allocator measured twice
  /// agrees with itself.
  func gap(_ from: Allocator, _ to: Allocator) -> Estimate? {
    guard let (first, runs) = place(from), let (second, _) = place(to) else { return nil }
    let result = runs.result
    guard needs.workload.threads != .recorded else {
      return RepeatStatistics.difference(
        result.contenders[first].map(\.nanosecondsPerCall),
        less: result.contenders[second].map(\.nanosecondsPerCall), seed: 1)
    }
    let found = result.windowGapNs(first, less: second)
    guard let floor = noiseFloor, first != second else { return found }
    return Estimate(
      value: found.value, low: found.low.map { min($0, found.value - floor) },
      high: found.high.map { max($0, found.value + floor) })
  }

  /// Something of every replay, less the same of the null allocator's.
  func perReplay(
    _ allocator: Allocator, _ value: (ReplayMeasurement) -> Double
  ) -> Estimate? {
    guard let (index, runs) = place(allocator) else { return nil }
    return RepeatStatistics.difference(
      runs.result.contenders[index].map(value), less: runs.result.null.map(value), seed: 1)
  }

  /// Runs for a fit: own designs that were counted and timed, on one thread, for longer than a window.
  func trainingRuns() throws -> [Run] {
    guard let measured, setting.options.threads == .one,
      setting.sample.workload.windowCount > 4
    else { return [] }
    return try measured.allocators.indices.compactMap { index in
      guard case .own(let design) = measured.allocators[index], let counted = counts[design]
      else { return nil }
      return try counted.timed(
        measured.result.windowNanoseconds(index), standardError: errors[index],
        nullStandardError: measured.result.nullStandardError)
    }
  }
}
