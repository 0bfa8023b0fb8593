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
    /// How far two replays of the same allocator differ.
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
    /// Of the recorded program's own time.
    public let program: ProgramFinding
    /// Largest first.
    public let terms: [CostModel.Term]
    /// After less before.
    public let peakMappedBytesChange: Int64
    /// Of the most that is resident at once, touched and not given back: after less before.
    public let peakResidentBytesChange: Int64
    /// What the transformation did; nil where the trace stays as it is.
    public let rewriting: TransformSummary?
    public var measured: Measured?

    /// Of what the allocator takes before, in percent; nil where that is nothing.
    public var payoffPercent: Double? {
      beforeNs.flatMap { $0.value > 0 ? 100 * payoffNs.value / $0.value : nil }
    }

    /// Prediction and measurement side by side; nil without a measurement.
    public var agreement: Agreement? {
      measured.map { Agreement(predicted: payoffNs, measured: $0.payoffNs) }
    }
  }

  public let laboratory: Laboratory
  let costs: HeldOutCosts
  let speed: MachineSpeed
  /// Replays of either side where the change is measured; 0 where it isn't.
  public let repeats: Int
  let asksProgram: Bool

  /// - Parameters:
  ///   - training: what costs are fitted on; runs of the trace in question and of the changed
  ///     design are left out each time. What is measured is brought to the same speed.
  ///   - repeats: 0 where nothing is to be measured.
  ///   - asksProgram: whether the share of the program's time is wanted: the replay of glibc that
  ///     it needs is made.
  public init(
    laboratory: Laboratory, training: FitExperiment.Gathered, fitOptions: FitOptions,
    hidesToggles: Bool = false,
    repeats: Int = 0, asksProgram: Bool = true
  ) throws {
    self.laboratory = laboratory
    costs = try HeldOutCosts(
      runs: training.runs, isolated: try laboratory.isolatedCosts(), options: fitOptions,
      hidesToggles: hidesToggles)
    speed = training.speed
    self.repeats = repeats
    self.asksProgram = asksProgram
  }

  /// Answers questions for a trace. What is measured of designs is measured by turns, all questions
  /// together; a rewritten trace by turns with the one it was made from.
  /// - Returns: in the order of the questions.
  public func predict(
    _ sample: Laboratory.Sample, _ questions: [Question]
  ) throws -> [Prediction] {
    var predictions = try questions.map { question in
      guard let transform = question.transform else {
        return try predict(sample, sample, question, rewriting: nil)
      }
      return try rewriting(sample, by: transform) { rewritten, summary in
        var found = try predict(sample, rewritten, question, rewriting: summary)
        if repeats > 0 {
          found.measured = try measure(sample, rewritten, question, summary)
        }
        return found
      }
    }
    guard repeats > 0 else { return predictions }
    let plain = questions.indices.filter { questions[$0].transform == nil }
    for before in Set(plain.map { questions[$0].before }) {
      let own = plain.filter { questions[$0].before == before }
      let measured = try measure(sample, before, own.map { questions[$0].after })
      for (index, one) in zip(own, measured) { predictions[index].measured = one }
    }
    return predictions
  }

  private func rewriting<Result>(
    _ sample: Laboratory.Sample, by transform: Transform,
    _ body: (Laboratory.Sample, TransformSummary) throws -> Result
  ) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("mallometer-transform-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("\(sample.name).mlt").path
    let summary = try transform.apply(to: sample.workload.trace, writing: path)
    return try body(try laboratory.open(path, isPassing: true), summary)
  }

  private func predict(
    _ sample: Laboratory.Sample, _ rewritten: Laboratory.Sample, _ question: Question,
    rewriting: TransformSummary?
  ) throws -> Prediction {
    let counted = try laboratory.count([
      (sample, question.before), (rewritten, question.after),
    ])
    let model = try costs.model(trace: sample.name, hiding: question.after, before: question.before)
    let from = counted[0].meanCounts
    let to = counted[1].meanCounts.map { $0 * (rewriting?.operationsLeft ?? 1) }
    let payoff = model.payoff(from: from, to: to)
    let before = model.time(from, seenDesign: true)
    func change(_ bytes: KeyPath<SimulationTotals, UInt64>) -> Int64 {
      Int64(counted[1].totals[keyPath: bytes]) - Int64(counted[0].totals[keyPath: bytes])
    }
    return Prediction(
      trace: sample.name, question: question, events: Int(counted[0].totals.operations),
      payoffNs: payoff, beforeNs: before,
      program: try program(
        sample, before: before,
        payoff: ProgramPlace(without: sample.program).payoff(by: model, from: from, to: to)),
      terms: model.terms(from: from, to: to), peakMappedBytesChange: change(\.peakMappedBytes),
      peakResidentBytesChange: change(\.peakResidentBytes), rewriting: rewriting, measured: nil)
  }

  private func measure(
    _ sample: Laboratory.Sample, _ before: Design, _ after: [Design]
  ) throws -> [Measured] {
    var designs = [before]
    for design in after where !designs.contains(design) { designs.append(design) }
    let allocators = designs.map { Allocator.own($0) }
    try laboratory.announce("replaying all by turns", allocators, repeats: repeats, twin: true)
    let runs = try laboratory.measure(sample, allocators, repeats: repeats, twin: true).at(speed)
    let resident = designs.indices.map { runs.result.medianPeakResidentBytes($0) }
    return after.map { design in
      let index = designs.firstIndex(of: design) ?? 0
      return Measured(
        payoffNs: runs.result.windowGapNs(0, less: index),
        noiseFloorNs: runs.result.windowNoiseFloorNs,
        peakResidentBytesChange: Int64(resident[index] - resident[0]))
    }
  }
}

extension TransformSummary {
  /// Operations that the transformation left, for each one that there was.
  var operationsLeft: Double { Double(operationsAfter) / Double(max(operationsBefore, 1)) }
}
