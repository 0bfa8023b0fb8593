import Costs
import Designs
import Foundation
import Platform
import Replay

/// The gap of two allocators on one trace: measured, and taken apart where both are modelled.
public struct ExplainExperiment {
  public struct Outcome: Sendable {
    public let gapNs: Estimate
    public let noiseFloorNs: Double
    /// Nil where one of the two has no model.
    public let explanation: Explanation?
    /// Per operation and window: measured and explained gap. Empty without an explanation.
    public let phases: [Phase]
  }

  /// A tenth of the trace's operations.
  public struct Phase: Sendable, Equatable {
    public let gapNs: Double
    public let explainedNs: Double
    /// Half of the measured gap's 95 % interval, by the farther end; nil with a single repeat.
    public let noiseNs: Double?
  }

  public let laboratory: Laboratory
  public let repeats: Int
  public let fitOptions: FitOptions

  public init(laboratory: Laboratory, repeats: Int = 9, fitOptions: FitOptions = FitOptions()) {
    self.laboratory = laboratory
    self.repeats = repeats
    self.fitOptions = fitOptions
  }

  /// - Parameter training: runs of other traces, from which the costs come; those of this trace are
  ///   ignored. Nil where one of the two has no model.
  public func run(
    _ sample: Laboratory.Sample, from: Allocator, to: Allocator, training: FitExperiment.Gathered?
  ) throws -> Outcome {
    try laboratory.announce("replaying both", [from, to], repeats: repeats, twin: true)
    var measured = try laboratory.measure(sample, [from, to], repeats: repeats, twin: true)
    if let training { measured = measured.at(training.speed) }
    let gap = measured.result.windowGapNs(0, less: 1)
    let floor = measured.result.windowNoiseFloorNs ?? 0
    guard case .own(let first) = from, case .own(let second) = to, first.isWhollyModelled,
      second.isWhollyModelled, let training
    else {
      return Outcome(gapNs: gap, noiseFloorNs: floor, explanation: nil, phases: [])
    }
    let errors = measured.result.standardErrors
    let counted = try laboratory.count([(sample, first), (sample, second)])
    let one = try counted[0]
      .timed(
        measured.result.windowNanoseconds(0), standardError: errors[0],
        nullStandardError: measured.result.nullStandardError)
    let other = try counted[1]
      .timed(
        measured.result.windowNanoseconds(1), standardError: errors[1],
        nullStandardError: measured.result.nullStandardError)
    let isolated = try laboratory.isolatedCosts()
    let model = try TrainingSet(
      runs: training.runs.filter { $0.trace != sample.name }, priors: Priors(isolated: isolated),
      options: fitOptions
    ).model(isolated: isolated)
    let explanation = Explanation(model, from: one, to: other, gap: gap, noiseFloorNs: floor)
    return Outcome(
      gapNs: gap, noiseFloorNs: floor, explanation: explanation,
      phases: try model.phases(one, other).map { phase in
        let calls = one.operations[phase.windows].reduce(0) { $0 + Double($1) }
        let gap = measured.result.windowGapNs(
          0, less: 1, windows: phase.windows, calls: UInt64(calls))
        let ends = [gap.low, gap.high].compactMap { $0.map { ($0 - gap.value).magnitude } }
        return Phase(
          gapNs: phase.gap, explainedNs: phase.explained,
          noiseNs: ends.count == 2 ? ends.max() : nil)
      })
  }
}
