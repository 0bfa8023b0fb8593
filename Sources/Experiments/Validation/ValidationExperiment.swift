import Costs
import Designs
import Foundation
import Hypotheses
import Notebook
import Platform
import Traces

/// Judges claims, counting and measuring what the notebook lacks for them: workload by workload,
/// with all designs of one in turns.
public struct ValidationExperiment {
  /// Where claims are tried.
  public let bench: ClaimBench
  /// Optimisations that claims name.
  public let catalogue: DesignCatalogue
  /// The folder of the bundled traces.
  public let traces: URL
  /// Paths of the traces that costs are fitted on besides the claims' own workloads.
  public let training: [String]
  /// Seconds for measuring what the notebook lacks of those traces.
  public let budget: Double
  /// Replays of each allocator on each workload.
  public let repeats: Int
  /// Of the fit.
  public let fitOptions: FitOptions
  /// Runs the study of score caching on these populations.
  public let study: ([Int]) throws -> ScoreCaching.Findings

  /// Replays of each allocator unless something else is asked for.
  public static let usualRepeats = 18

  /// An experiment that has not begun.
  public init(
    bench: ClaimBench, catalogue: DesignCatalogue, traces: URL, training: [String],
    budget: Double, repeats: Int = Self.usualRepeats, fitOptions: FitOptions = FitOptions(),
    study: @escaping ([Int]) throws -> ScoreCaching.Findings
  ) {
    self.bench = bench
    self.catalogue = catalogue
    self.traces = traces
    self.training = training
    self.budget = budget
    self.repeats = repeats
    self.fitOptions = fitOptions
    self.study = study
  }

  /// The verdict on every claim, in their order. Each is kept in the notebook.
  public func run(_ claims: [Claim]) throws -> [ClaimVerdict] {
    let needs = try ClaimNeeds.all(claims, catalogue: catalogue)
    let isMeasured = claims.contains {
      if case .experiment = $0.trial { return true }
      return false
    }
    let calibration = isMeasured ? try bench.laboratory().calibration() : nil
    let facts = try ClaimMeasuring(bench: bench, repeats: repeats).facts(needs)
    let isolated = calibration?.isolated ?? [:]
    let costs = try ClaimFitting(
      bench: bench, training: training, budget: budget, options: fitOptions
    ).costs(facts, isolated: isolated.mapValues(\.value))
    let (study, studyFailure) = try self.study(claims)
    let evidence = ClaimEvidence(
      facts: Dictionary(uniqueKeysWithValues: facts.map { ($0.needs.workload, $0) }),
      costs: costs, isolated: isolated, study: study, studyFailure: studyFailure,
      catalogue: catalogue)
    let clock = calibration?.coreGHz ?? 1
    let verdicts = claims.map { claim in
      ClaimVerdict(
        claim, judgement: Self.judge(claim, evidence, coreGHz: clock),
        command: ClaimCommand(traces: traces, catalogue: catalogue, repeats: repeats).text(claim))
    }
    try keep(verdicts)
    return verdicts
  }

  private static func judge(
    _ claim: Claim, _ evidence: ClaimEvidence, coreGHz: Double
  ) -> Judgement {
    guard case .experiment(let experiment) = claim.trial else {
      return Judge(QuantityInterval(coreGHz: coreGHz)).judge(claim) { _ in
        .missing(.inconclusive, reason: "nothing is measured for arithmetic")
      }
    }
    var found: [Measure: Evidence] = [:]
    for measure in experiment.quantity.measures {
      found[measure] = evidence.evidence(measure, experiment)
    }
    // Costs that the data tell come from one fit, and err together.
    let interval = QuantityInterval(
      coreGHz: coreGHz,
      isJoint: { measure in
        if case .cost = measure, case .known = found[measure] { return true }
        return false
      },
      joint: { weights in evidence.halfWidth(weights, experiment) })
    return Judge(interval).judge(
      claim,
      evidence: { found[$0] ?? .missing(.inconclusive, reason: "\($0) wasn't measured") },
      assumptions: evidence.assumptions(experiment))
  }

  private func study(_ claims: [Claim]) throws -> (ClaimStudy?, String?) {
    var populations: Set<Int> = []
    for claim in claims {
      guard case .experiment(let experiment) = claim.trial,
        case .scoreCaching(let population)? = experiment.workload?.origin
      else { continue }
      populations.insert(population)
    }
    guard !populations.isEmpty else { return (nil, nil) }
    do {
      return (ClaimStudy(findings: try study(populations.sorted())), nil)
    } catch let error as NotebookError {
      throw error
    } catch let error as any UserFacingError {
      return (nil, error.message)
    }
  }

  private func keep(_ verdicts: [ClaimVerdict]) throws {
    let laboratory = try bench.laboratory()
    for verdict in verdicts {
      let known = try laboratory.notebook.latest(
        .verdict, subject: verdict.id, as: ClaimVerdict.self)
      if known?.content == verdict { continue }
      try laboratory.notebook.add(
        .verdict, subject: verdict.id, seed: fitOptions.seed, content: verdict)
    }
  }
}

/// A claim with its verdict. Kept in the notebook.
public struct ClaimVerdict: Codable, Equatable, Sendable {
  /// Of the claim.
  public let id: String
  /// The claim in one sentence.
  public let claim: String
  /// What the data say of it.
  public let verdict: Verdict
  /// What its file says is to be expected.
  public let expected: Verdict
  /// As the file has it, with its unit.
  public let claimed: String
  /// In the unit of the claim; nil where nothing was measured.
  public let measured: Estimate?
  /// What claimed and measured are counted in.
  public let unit: String
  /// In one sentence.
  public let reason: String
  /// Where the claim was made.
  public let source: String
  /// The other place that the source contradicts.
  public let against: String?
  /// What our own design stands in for.
  public let standIn: String?
  /// Shows what the verdict rests on.
  public let command: String

  init(_ claim: Claim, judgement: Judgement, command: String) {
    id = claim.id
    self.claim = claim.claim
    verdict = judgement.verdict
    expected = claim.expectedVerdict
    claimed = claim.claimed.description
    measured = judgement.measured
    unit = claim.claimed.unit.rawValue
    reason = judgement.reason
    source = claim.source.description
    against = claim.against?.description
    if case .experiment(let experiment) = claim.trial {
      standIn = experiment.standIn
    } else {
      standIn = nil
    }
    self.command = command
  }

  /// Whether it is the one that its file says is to be expected.
  public var isExpected: Bool { verdict == expected }
}

extension ClaimEvidence {
  /// Half of the interval of a weighted sum of costs, which come from one fit.
  func halfWidth(_ measures: [Measure: Double], _ experiment: Claim.Experiment) -> Double? {
    guard case .success(let costs) = costs else { return nil }
    var sum = [Double](repeating: 0, count: Step.count)
    for (measure, weight) in measures {
      guard let weights = weights(measure, experiment) else { return nil }
      for step in sum.indices { sum[step] += weight * weights[step] }
    }
    return costs.model.halfWidth(sum)
  }
}
