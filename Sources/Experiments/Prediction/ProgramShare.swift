import Designs
import Foundation
import Platform
import Replay
import Traces

/// A payoff as a share of the recorded program's own processor time.
///
/// A trace knows the processor time of the recorded run, in which the program ran over glibc and
/// under the recorder. Under the design in question it takes that less the recorder's and glibc's
/// share, plus the design's.
public struct ProgramShare: Sendable, Equatable {
  /// Of the program's time before the change, percent.
  public let percent: Estimate
  /// Processor seconds of the program under the design before the change.
  public let secondsBefore: Double
  /// Processor seconds that the change saves.
  public let secondsSaved: Double
}

extension ProgramShare {
  /// What the recorder adds to a call, nanoseconds: what Benchmarks/recorder measures with one
  /// thread, which a busy or slow machine may double.
  static let recorderNs = Estimate(value: 25, low: 12, high: 50)

  /// Nil where the recorder's and the allocator's parts leave nothing of the program's time.
  /// - Parameters:
  ///   - recorded: processor seconds of the recorded run.
  ///   - glibcNs: what glibc takes of an event, measured here.
  ///   - before: what the design takes of an event before the change.
  init?(recorded: Double, events: Int, glibcNs: Double, before: Estimate, payoff: Estimate) {
    let calls = Double(events) * 1e-9
    func seconds(_ recorderNs: Double) -> Double {
      recorded + calls * (before.value - glibcNs - recorderNs)
    }
    let base = seconds(Self.recorderNs.value)
    // With the recorder at its dearest the program may have had no time of its own.
    let least = max(seconds(Self.recorderNs.high ?? 0), 0.5 * base)
    let most = seconds(Self.recorderNs.low ?? 0)
    guard base > 0.1 * recorded else { return nil }
    func percent(_ ns: Double, _ base: Double) -> Double { 100 * ns * calls / base }
    self.percent = Estimate(
      value: percent(payoff.value, base),
      low: payoff.low.map { min(percent($0, least), percent($0, most)) },
      high: payoff.high.map { max(percent($0, least), percent($0, most)) })
    secondsBefore = base
    secondsSaved = payoff.value * calls
  }
}

extension PredictExperiment {
  /// Replays of glibc for a trace's share of the program's time.
  private static let glibcRepeats = 3

  func programShare(
    _ sample: Laboratory.Sample, before: Estimate, payoff: Estimate
  ) throws -> ProgramShare? {
    let trace = sample.workload.trace
    guard asksProgram, let user = trace.footer?.userSeconds,
      let system = trace.footer?.systemSeconds,
      user + system > 0
    else { return nil }
    laboratory.stage("replaying glibc", 2 * Self.glibcRepeats)
    let runs = try laboratory.measure(
      sample, [.system("glibc")], repeats: Self.glibcRepeats, twin: false)
    return ProgramShare(
      recorded: user + system, events: trace.operationCount, glibcNs: runs.result.ns(0).value,
      before: before, payoff: payoff)
  }
}
