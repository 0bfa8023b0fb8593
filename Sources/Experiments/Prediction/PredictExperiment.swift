import Costs
import Designs
import Foundation
import Platform
import Replay
import Traces

/// What a change would pay on a trace: from counted steps and from costs that were fitted on other
/// traces and without the changed variant; measured besides where that is wanted.
public struct PredictExperiment {
  /// What is asked: a design changed, or the program's trace, or both.
  public struct Question: Sendable, Equatable {
    /// As the user wrote it.
    public let name: String
    public let before: Design
    public let after: Design
    /// Nil where the trace stays as it is.
    public let transform: Transform?

    public init(name: String, before: Design, after: Design, transform: Transform? = nil) {
      self.name = name
      self.before = before
      self.after = after
      self.transform = transform
    }
  }

  /// What a measurement of the same change found.
  public struct Measured: Sendable, Equatable {
    /// Nanoseconds per event of the trace, before less after.
    public let payoffNs: Estimate
    /// How far two replays of the same allocator differ; nil where the trace was rewritten, which
    /// leaves no pair to compare.
    public let noiseFloorNs: Double?
    /// Of peak resident memory, the medians over repeats: after less before.
    public let peakResidentBytesChange: Int64
  }

  /// An answer, per event of the trace as it was recorded.
  public struct Prediction: Sendable {
    public let trace: String
    public let question: Question
    /// Events of the trace.
    public let events: Int
    /// Before less after: positive where it pays.
    public let payoffNs: Estimate
    /// What the allocator takes before, by the same costs.
    /// Nil where nothing was held out to know its interval from.
    public let beforeNs: Estimate?
    /// Of the recorded program's own time; nil where the trace doesn't know it.
    public let program: ProgramShare?
    /// Largest first.
    public let terms: [CostModel.Term]
    /// After less before.
    public let peakMappedBytesChange: Int64
    /// Operations that the transformation left, for each one that there was.
    public let operationsLeft: Double
    public let measured: Measured?

    /// Of what the allocator takes before, in percent; nil where that is nothing.
    public var payoffPercent: Double? {
      beforeNs.flatMap { $0.value > 0 ? 100 * payoffNs.value / $0.value : nil }
    }

    /// Whether the measurement lies in the predicted interval, widened by the measurement's own; nil
    /// without a measurement.
    ///
    /// The two errors are independent, so half their widths add up in squares. A change that
    /// exchanges no step is predicted as nothing at all, and no measurement is exactly that.
    public var isInInterval: Bool? {
      measured.map { measured in
        let payoff = measured.payoffNs
        let isLower = payoff.value < payoffNs.value
        guard let end = isLower ? payoffNs.low : payoffNs.high,
          let other = isLower ? payoff.high : payoff.low
        else { return true }
        let predicted = end - payoffNs.value
        let noise = other - payoff.value
        let distance = payoff.value - payoffNs.value
        return distance * distance <= predicted * predicted + noise * noise
      }
    }
  }

  public let laboratory: Laboratory
  let costs: HeldOutCosts
  /// Replays of either side where the change is measured; 0 where it isn't.
  public let repeats: Int
  let asksProgram: Bool

  /// - Parameters:
  ///   - runs: what costs are fitted on; those of the trace in question and of the changed design
  ///     are left out each time.
  ///   - repeats: 0 where nothing is to be measured.
  ///   - asksProgram: whether the share of the program's time is wanted: the replay of glibc that
  ///     it needs is made.
  public init(
    laboratory: Laboratory, runs: [Run], fitOptions: FitOptions, hidesToggles: Bool = false,
    repeats: Int = 0, asksProgram: Bool = true
  ) throws {
    self.laboratory = laboratory
    costs = try HeldOutCosts(
      runs: runs, isolated: try laboratory.isolatedCosts(), options: fitOptions,
      hidesToggles: hidesToggles)
    self.repeats = repeats
    self.asksProgram = asksProgram
  }

  /// Answers a question for a trace.
  public func predict(_ sample: Laboratory.Sample, _ question: Question) throws -> Prediction {
    guard let transform = question.transform else {
      return try predict(sample, sample, question, operationsLeft: 1)
    }
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("mallometer-transform-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("\(sample.name).mlt").path
    let summary = try transform.apply(to: sample.workload.trace, writing: path)
    let rewritten = try laboratory.open(path)
    return try predict(
      sample, rewritten, question,
      operationsLeft: Double(summary.operationsAfter) / Double(max(summary.operationsBefore, 1)))
  }

  private func predict(
    _ sample: Laboratory.Sample, _ rewritten: Laboratory.Sample, _ question: Question,
    operationsLeft: Double
  ) throws -> Prediction {
    let counted = try laboratory.count([
      (sample, question.before), (rewritten, question.after),
    ])
    let model = try costs.model(trace: sample.name, hiding: question.after, before: question.before)
    let from = counted[0].meanCounts
    let to = counted[1].meanCounts.map { $0 * operationsLeft }
    let payoff = model.payoff(from: from, to: to)
    let before = model.time(from, seenDesign: true)
    return Prediction(
      trace: sample.name, question: question, events: Int(counted[0].totals.operations),
      payoffNs: payoff, beforeNs: before,
      program: try before.flatMap {
        try programShare(sample, before: $0, payoff: payoff)
      },
      terms: model.terms(from: from, to: to),
      peakMappedBytesChange: Int64(counted[1].totals.peakMappedBytes)
        - Int64(counted[0].totals.peakMappedBytes),
      operationsLeft: operationsLeft,
      measured: try repeats > 0
        ? measure(sample, rewritten, question, operationsLeft: operationsLeft) : nil)
  }

  private func measure(
    _ sample: Laboratory.Sample, _ rewritten: Laboratory.Sample, _ question: Question,
    operationsLeft: Double
  ) throws -> Measured {
    func resident(_ runs: MeasuredRuns, _ index: Int) -> Double {
      RepeatStatistics.median(runs.result.contenders[index].map { Double($0.peakResidentBytes) })
    }
    if question.transform == nil {
      laboratory.stage("replaying both", 4 * repeats)
      let runs = try laboratory.measure(
        sample, [.own(question.before), .own(question.after)], repeats: repeats, twin: true)
      return Measured(
        payoffNs: runs.result.windowGapNs(0, less: 1),
        noiseFloorNs: runs.result.windowNoiseFloorNs,
        peakResidentBytesChange: Int64(resident(runs, 1) - resident(runs, 0)))
    }
    laboratory.stage("replaying both", 4 * repeats)
    let first = try laboratory.measure(
      sample, [.own(question.before)], repeats: repeats, twin: false)
    let second = try laboratory.measure(
      rewritten, [.own(question.after)], repeats: repeats, twin: false)
    return Measured(
      payoffNs: Self.difference(first.result.ns(0), second.result.ns(0), times: operationsLeft),
      noiseFloorNs: nil,
      peakResidentBytesChange: Int64(resident(second, 0) - resident(first, 0)))
  }

  /// One estimate less a multiple of another: their errors are independent.
  private static func difference(
    _ first: Estimate, _ second: Estimate, times factor: Double
  ) -> Estimate {
    let value = first.value - factor * second.value
    func end(_ one: Double?, _ other: Double?) -> Double? {
      guard let one, let other else { return nil }
      return
        ((one - first.value) * (one - first.value)
        + factor * factor * (other - second.value) * (other - second.value)).squareRoot()
    }
    return Estimate(
      value: value, low: end(first.low, second.high).map { value - $0 },
      high: end(first.high, second.low).map { value + $0 })
  }
}
