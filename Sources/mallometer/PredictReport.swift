import Costs
import Experiments
import Platform
import Reports

/// What `predict` prints.
struct PredictReport: Report {
  struct Prediction: Encodable {
    let trace: String
    let design: String
    let with: String
    let events: Int
    let payoffNs: Estimate
    /// Of what the allocator takes before the change.
    @Nullable var payoffPercent: Double?
    /// In core cycles per event, as `payoffNs`.
    @Nullable var payoffCycles: Estimate?
    /// Of the recorded process's processor time; null where the trace doesn't tell.
    @Nullable var programPercent: Estimate?
    /// Why it is null.
    @Nullable var programReason: String?
    let peakMappedBytesChange: Int64
    let peakResidentBytesChange: Int64
    /// What a transformation changed; null where none was asked.
    @Nullable var transform: Transformed?
    let terms: [CostModel.Term]
    /// Measured; null without --verify, as all that follow.
    @Nullable var measuredNs: Estimate?
    @Nullable var measuredPeakResidentBytesChange: Int64?
    @Nullable var noiseFloorNs: Double?
    /// In the predicted interval, widened by the measurement's own.
    @Nullable var inInterval: Bool?
    /// In the predicted interval alone.
    @Nullable var inPredictedInterval: Bool?
    @Nullable var program: MeasuredProgram?
  }

  struct Transformed: Encodable {
    let sites: Int
    let objects: UInt64
    let operationsBefore: UInt64
    let operationsAfter: UInt64
  }

  struct MeasuredProgram: Encodable {
    let measuredPercent: Estimate
    let pairs: Int
    let secondsBefore: Double
  }

  /// A change of the command that was run, over all traces.
  struct Program: Encodable {
    let with: String
    @Nullable var predictedPercent: Estimate?
    /// Why nothing is predicted.
    @Nullable var reason: String?
    let measuredPercent: Estimate
    let pairs: Int
    /// Processor seconds of the command before the change.
    let secondsBefore: Double
    @Nullable var noiseFloorPercent: Double?
    /// What the traced processes take of that, by their traces.
    @Nullable var tracedShare: Double?
    /// Whether the prediction is a share of what the command was measured to take.
    let scaled: Bool
    @Nullable var errorPoints: Double?
    let barPoints: Double
    @Nullable var inInterval: Bool?
    @Nullable var meetsBar: Bool?
    /// About how many pairs would tell, where so many didn't.
    @Nullable var pairsToTell: Int?
  }

  /// Over all traces of one change, signs kept apart.
  struct Summary: Encodable {
    let with: String
    /// Traces on which it pays, costs, and on which the interval holds zero.
    let pays: Int
    let costs: Int
    let undecided: Int
    let leastNs: Double
    let mostNs: Double
    /// Of all programs together; null where a trace doesn't know its program's time.
    @Nullable var programPercent: Estimate?
  }

  struct Order: Encodable {
    struct Step: Encodable {
      let with: String
      let addsNs: Estimate
      let totalNs: Estimate
      let leastNs: Double
      let mostNs: Double
    }

    struct Contradiction: Encodable {
      let with: String
      let besides: String
    }

    /// "all" for the order that is best over all traces.
    let trace: String
    let steps: [Step]
    /// Changes that contradict those before.
    let impossible: [String]
    /// Pairs that no design can have both of.
    let contradictions: [Contradiction]
  }

  struct Site: Encodable {
    let trace: String
    let site: UInt32
    let symbol: String
    let events: UInt64
    let ns: Double
    let share: Double
  }

  /// How all predictions that were measured compare: see `VerificationSummary`.
  struct Verification: Encodable {
    let compared: Int
    let overNoise: Int
    let pay: Int
    let cost: Int
    @Nullable var rightSignPercent: Double?
    @Nullable var medianErrorPercent: Double?
    @Nullable var overNoiseInIntervalPercent: Double?
    @Nullable var overNoiseHalfWidthPercent: Double?
    @Nullable var inIntervalPercent: Double?
    @Nullable var inPredictedIntervalPercent: Double?
    @Nullable var medianHalfWidthPercent: Double?
  }

  let predictions: [Prediction]
  @Nullable var noiseFloorNs: Double?
  let summary: [Summary]
  let orders: [Order]
  let programs: [Program]
  let sites: [Site]
  @Nullable var verification: Verification?

  init(
    predictions found: [PredictExperiment.Prediction], programs verdicts: [ProgramVerdict],
    orders: [OptimisationOrder], sites: [SiteCost], coreGHz: Double
  ) {
    predictions = found.map { one in
      Prediction(
        one, coreGHz: coreGHz, verdict: verdicts.first { $0.name == one.question.name })
    }
    noiseFloorNs = found.compactMap { $0.measured?.noiseFloorNs }.max()
    var names: [String] = []
    for one in found where !names.contains(one.question.name) { names.append(one.question.name) }
    summary = names.map { name in Summary(name, found.filter { $0.question.name == name }) }
    self.orders = orders.map(Order.init)
    programs = verdicts.map(Program.init)
    self.sites = sites.map {
      Site(
        trace: $0.trace, site: $0.site, symbol: $0.symbol, events: $0.events, ns: $0.ns,
        share: $0.share)
    }
    verification = VerificationSummary(found).map(Verification.init)
  }
}

extension PredictReport.Prediction {
  init(
    _ one: PredictExperiment.Prediction, coreGHz: Double, verdict: ProgramVerdict?
  ) {
    self.init(
      trace: one.trace, design: one.question.before.description, with: one.question.name,
      events: one.events, payoffNs: one.payoffNs, payoffPercent: one.payoffPercent,
      payoffCycles: coreGHz > 0 ? one.payoffNs.cycles(at: coreGHz) : nil,
      programPercent: one.program.share?.percent, programReason: one.program.reason,
      peakMappedBytesChange: one.peakMappedBytesChange,
      peakResidentBytesChange: one.peakResidentBytesChange,
      transform: one.rewriting.map {
        PredictReport.Transformed(
          sites: $0.sites, objects: $0.objects, operationsBefore: $0.operationsBefore,
          operationsAfter: $0.operationsAfter)
      },
      terms: one.terms, measuredNs: one.measured?.payoffNs,
      measuredPeakResidentBytesChange: one.measured?.peakResidentBytesChange,
      noiseFloorNs: one.measured?.noiseFloorNs, inInterval: one.agreement?.isInside,
      inPredictedInterval: one.agreement?.isInsideAlone,
      program: verdict.map {
        PredictReport.MeasuredProgram(
          measuredPercent: $0.measuredPercent, pairs: $0.pairs, secondsBefore: $0.secondsBefore)
      })
  }
}

extension PredictReport.Program {
  init(_ verdict: ProgramVerdict) {
    self.init(
      with: verdict.name, predictedPercent: verdict.predictedPercent, reason: verdict.reason,
      measuredPercent: verdict.measuredPercent, pairs: verdict.pairs,
      secondsBefore: verdict.secondsBefore, noiseFloorPercent: verdict.noiseFloorPercent,
      tracedShare: verdict.tracedShare, scaled: verdict.isScaled,
      errorPoints: verdict.errorPoints, barPoints: verdict.barPoints,
      inInterval: verdict.isInInterval, meetsBar: verdict.meetsBar,
      pairsToTell: verdict.pairsToTell)
  }
}

extension PredictReport.Verification {
  init(_ summary: VerificationSummary) {
    self.init(
      compared: summary.compared, overNoise: summary.overNoise, pay: summary.pay,
      cost: summary.cost, rightSignPercent: summary.rightSignPercent,
      medianErrorPercent: summary.medianErrorPercent,
      overNoiseInIntervalPercent: summary.overNoiseInsidePercent,
      overNoiseHalfWidthPercent: summary.overNoiseHalfWidthPercent,
      inIntervalPercent: summary.insidePercent,
      inPredictedIntervalPercent: summary.insideAlonePercent,
      medianHalfWidthPercent: summary.medianHalfWidthPercent)
  }
}

extension PredictReport.Summary {
  init(_ name: String, _ found: [PredictExperiment.Prediction]) {
    with = name
    pays = found.count { $0.payoffNs.low ?? -.infinity > 0 }
    costs = found.count { $0.payoffNs.high ?? .infinity < 0 }
    undecided = found.count - pays - costs
    leastNs = found.map(\.payoffNs.value).min() ?? 0
    mostNs = found.map(\.payoffNs.value).max() ?? 0
    let programs = found.compactMap(\.program.share)
    programPercent =
      programs.count == found.count ? ProgramShare.sum(programs)?.percent : nil
  }
}

extension PredictReport.Order {
  init(_ order: OptimisationOrder) {
    trace = order.traces.count == 1 ? order.traces[0] : "all"
    steps = order.steps.map {
      Step(
        with: $0.name, addsNs: $0.addsNs, totalNs: $0.totalNs, leastNs: $0.leastNs,
        mostNs: $0.mostNs)
    }
    impossible = order.impossible
    contradictions = order.contradictions.map {
      Contradiction(with: $0.first, besides: $0.second)
    }
  }
}

extension Estimate {
  /// Nanoseconds as core cycles.
  fileprivate func cycles(at gigahertz: Double) -> Estimate {
    Estimate(
      value: value * gigahertz, low: low.map { $0 * gigahertz },
      high: high.map { $0 * gigahertz })
  }
}
