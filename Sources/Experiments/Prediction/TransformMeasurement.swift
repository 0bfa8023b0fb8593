import Costs
import Designs
import Foundation
import Platform
import Replay
import Traces

extension PredictExperiment {
  /// One replay of a round.
  private enum Part: CaseIterable {
    case before, twin, nullBefore, after, nullAfter
  }

  /// Measures a trace and what it was rewritten to by turns: in every round each is replayed once,
  /// the old one twice, and both over the null allocator, in a random order. What the machine does
  /// meanwhile it does to both; the old one's two replays tell how much of it is left.
  ///
  /// Nothing of it is kept: what is compared was replayed together.
  func measure(
    _ sample: Laboratory.Sample, _ rewritten: Laboratory.Sample, _ question: Question,
    _ summary: TransformSummary
  ) throws -> Measured {
    let plans = [try laboratory.plan(for: sample), try laboratory.plan(for: rewritten)]
    let contenders = try laboratory.contenders([question.before, question.after])
    let null = Contender(name: "the null allocator", library: laboratory.nullLibrary)
    var random = SeededGenerator(seed: laboratory.seed)
    var found: [Part: [ReplayMeasurement]] = [:]
    laboratory.stage("replaying both by turns", Part.allCases.count * repeats)
    for round in 0..<repeats {
      for part in Part.allCases.shuffled(using: &random) {
        let (plan, contender) =
          switch part {
          case .before, .twin: (plans[0], contenders[0])
          case .nullBefore: (plans[0], null)
          case .after: (plans[1], contenders[1])
          case .nullAfter: (plans[1], null)
          }
        found[part, default: []].append(
          try laboratory.player.time(
            plan, allocator: contender.name, library: contender.build(inRound: round)))
        laboratory.progress("\(contender.name) on \(sample.name)")
      }
    }
    func result(_ plan: Plan, _ own: Part, _ null: Part, _ twin: Part?) -> CampaignResult {
      let result = CampaignResult(
        calls: plan.calls, contenders: [found[own] ?? []], null: found[null] ?? [],
        twin: twin.flatMap { found[$0] } ?? [], seed: laboratory.seed, builds: laboratory.builds)
      let session = SessionSpeed(result)
      return session.leveled(result).scaled(by: speed.factor(session))
    }
    let first = result(plans[0], .before, .nullBefore, .twin)
    let second = result(plans[1], .after, .nullAfter, nil)
    return Measured(
      payoffNs: first.meanNs(0).less(second.meanNs(0).scaled(by: summary.operationsLeft)),
      noiseFloorNs: first.windowNoiseFloorNs,
      peakResidentBytesChange: Int64(
        second.medianPeakResidentBytes(0) - first.medianPeakResidentBytes(0)))
  }
}

extension CampaignResult {
  /// Nanoseconds per event of an allocator as costs are fitted to them: the windows' lower
  /// quartiles, the null allocator's taken off. The error of these is in the interval: two plans
  /// share no null replays.
  func meanNs(_ index: Int) -> Estimate {
    let value =
      windowNanoseconds(index).reduce(0) { $0 + Double($1) } / Double(max(calls, 1))
    let repeats = contenders[index].count
    guard repeats > 1, let error = standardErrors[index] else {
      return Estimate(unbounded: value)
    }
    let null = nullStandardError ?? 0
    let half =
      (error * error + null * null).squareRoot()
      * RepeatStatistics.studentQuantile(degreesOfFreedom: repeats - 1)
    return Estimate(value: value, low: value - half, high: value + half)
  }

  /// The median over the repeats.
  func medianPeakResidentBytes(_ index: Int) -> Double {
    contenders[index].map { Double($0.peakResidentBytes) }.median()
  }
}
