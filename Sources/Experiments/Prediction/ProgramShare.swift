import Designs
import Foundation
import Platform
import Replay
import Traces

/// A payoff as a share of the recorded process's own processor time.
///
/// A trace knows the processor time of the recorded run, in which the program ran over glibc and
/// under the recorder. Under the design in question it takes that less the recorder's and glibc's
/// share, plus the design's.
public struct ProgramShare: Sendable, Equatable {
  /// Of the process's time before the change, percent.
  public let percent: Estimate
  /// Processor seconds of the process under the design before the change.
  public let secondsBefore: Estimate
  /// Processor seconds that the change saves.
  public let secondsSaved: Estimate

  /// - Parameters:
  ///   - secondsBefore: their errors are independent of those of what is saved.
  init(secondsSaved: Estimate, secondsBefore: Estimate) {
    self.secondsSaved = secondsSaved
    self.secondsBefore = secondsBefore
    percent = secondsSaved.divided(by: secondsBefore).scaled(by: 100)
  }

  /// Of several processes together: what they save of what they all take. Their savings follow from
  /// the same costs, so that the ends of intervals add up.
  public static func sum(_ shares: [ProgramShare]) -> ProgramShare? {
    guard !shares.isEmpty else { return nil }
    func sum(_ estimates: [Estimate]) -> Estimate {
      let lows = estimates.compactMap(\.low)
      let highs = estimates.compactMap(\.high)
      return Estimate(
        value: estimates.reduce(0) { $0 + $1.value },
        low: lows.count == estimates.count ? lows.reduce(0, +) : nil,
        high: highs.count == estimates.count ? highs.reduce(0, +) : nil)
    }
    return ProgramShare(
      secondsSaved: sum(shares.map(\.secondsSaved)),
      secondsBefore: sum(shares.map(\.secondsBefore)))
  }

  /// The same saving as a share of a command that takes longer than the processes that were traced.
  public func scaled(toSeconds seconds: Double) -> ProgramShare {
    ProgramShare(
      secondsSaved: secondsSaved,
      secondsBefore: Estimate(value: seconds, low: seconds, high: seconds))
  }
}

extension ProgramShare {
  /// What the recorder adds to a call, nanoseconds: what Benchmarks/recorder measures with one
  /// thread, which a busy or slow machine may double.
  static let recorderNs = Estimate(value: 25, low: 12, high: 50)
  /// The least share of the recorded time that the process must have had without recorder and
  /// glibc's part replaced: below it the answer is nothing but their errors.
  static let leastShare = 0.1

  /// Nil where the recorder's and the allocator's parts leave nothing of the process's time.
  /// - Parameters:
  ///   - recorded: processor seconds of the recorded run.
  ///   - glibcNs: what glibc takes of an event, measured here.
  ///   - before: what the design takes of an event before the change.
  ///   - payoff: amid the program's own work (`ProgramPlace`).
  init?(recorded: Double, events: Int, glibcNs: Estimate, before: Estimate, payoff: Estimate) {
    let seconds = Double(events) * 1e-9
    let least = Self.leastShare * recorded
    let base = before.less(glibcNs).less(Self.recorderNs).scaled(by: seconds)
      .plus(Estimate(exactly: recorded))
    guard base.value > least else { return nil }
    self.init(
      secondsSaved: payoff.scaled(by: seconds),
      secondsBefore: Estimate(
        value: base.value, low: base.low.map { max($0, least) }, high: base.high))
  }
}

/// A process's share of a payoff, or why there is none.
public enum ProgramFinding: Sendable, Equatable {
  case share(ProgramShare)
  case unknown(reason: String)
  /// Nobody asked.
  case notAsked

  public var share: ProgramShare? {
    if case .share(let share) = self { share } else { nil }
  }

  public var reason: String? {
    if case .unknown(let reason) = self { reason } else { nil }
  }
}

extension TraceReader {
  /// Processor seconds of the recorded run, all of whose calls the trace has.
  /// - Throws: `MissingProgramTime` where it doesn't know them or lacks some of the calls.
  func wholeRunSeconds() throws(MissingProgramTime) -> Double {
    if header.origin != nil { throw MissingProgramTime("a generated trace has no program") }
    if header.transforms != nil {
      throw MissingProgramTime("its time was recorded before it was transformed")
    }
    guard completeness.isComplete else {
      throw MissingProgramTime("a part of the trace is lost, and the time is the whole run's")
    }
    let recorder = footer?.recorder
    if recorder?.counters["stoppedAtMaximum"] ?? 0 > 0 {
      throw MissingProgramTime("recording stopped at --max-events, and the time is the whole run's")
    }
    if let dropped = recorder?.dropped, dropped > 0 {
      throw MissingProgramTime("\(dropped) calls were dropped, and the time is the whole run's")
    }
    guard let user = footer?.userSeconds, let system = footer?.systemSeconds, user + system > 0
    else { throw MissingProgramTime("the trace doesn't know the process's time") }
    return user + system
  }
}

/// Why a trace can't tell what its program took.
struct MissingProgramTime: Error, Equatable {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}

extension PredictExperiment {
  /// Replays of glibc for a trace's share of the program's time.
  private static let glibcRepeats = 3

  func program(
    _ sample: Laboratory.Sample, before: Estimate?, payoff: Estimate
  ) throws -> ProgramFinding {
    guard asksProgram else { return .notAsked }
    let recorded: Double
    do throws(MissingProgramTime) {
      recorded = try sample.workload.trace.wholeRunSeconds()
    } catch {
      return .unknown(reason: error.reason)
    }
    guard let before else {
      return .unknown(reason: "too little was measured to know what the design takes")
    }
    let glibc = [Allocator.system("glibc")]
    try laboratory.announce("replaying glibc", glibc, repeats: Self.glibcRepeats, twin: false)
    let runs = try laboratory.measure(
      sample, glibc, repeats: Self.glibcRepeats, twin: false
    ).at(speed)
    let share = ProgramShare(
      recorded: recorded, events: sample.workload.trace.operationCount,
      glibcNs: runs.result.ns(0), before: before, payoff: payoff)
    return share.map(ProgramFinding.share)
      ?? .unknown(reason: "the recorder and glibc leave nothing of the process's time")
  }
}
