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
  /// Words of a command line that runs this experiment again, to which `--only ID` is added.
  public let command: [String]
  /// Those of its options that any command takes, to find the same notebook.
  public let sharedOptions: [String]

  /// Replays of each allocator unless something else is asked for.
  public static let usualRepeats = 18

  /// An experiment that has not begun.
  public init(
    bench: ClaimBench, catalogue: DesignCatalogue, traces: URL, training: [String],
    budget: Double, repeats: Int = Self.usualRepeats, fitOptions: FitOptions = FitOptions(),
    command: [String] = ["mallometer", "validate"], sharedOptions: [String] = [],
    study: @escaping ([Int]) throws -> ScoreCaching.Findings
  ) {
    self.bench = bench
    self.catalogue = catalogue
    self.traces = traces
    self.training = training
    self.budget = budget
    self.repeats = repeats
    self.fitOptions = fitOptions
    self.command = command
    self.sharedOptions = sharedOptions
    self.study = study
  }

  /// Verdicts, and what they rest on together.
  public struct Outcome: Sendable {
    public let verdicts: [ClaimVerdict]
    /// When the costs were fitted; nil where none were needed or could be had.
    public let fitted: Date?
  }

  /// The verdicts on some of the claims, in their order. Each is kept in the notebook.
  ///
  /// A claim's verdict is the same whichever others are chosen: everything that is measured beside
  /// it is what all the claims need, costs are fitted on the workloads of all of them, and times are
  /// brought to the speed that the machine had for all of them, as far as they were judged before.
  /// Only what no chosen claim rests on is left out.
  /// - Parameter isChosen: whether a claim is to be judged.
  public func run(
    _ claims: [Claim], choosing isChosen: (Claim) -> Bool = { _ in true }
  ) throws -> Outcome {
    let chosen = claims.filter(isChosen)
    let needsCosts = chosen.contains { $0.experiment?.needsCosts == true }
    let workloads = Set(chosen.compactMap { $0.experiment?.workload })
    let all = ClaimNeeds.all(claims, catalogue: catalogue)
    let needs = all.filter { needsCosts || workloads.contains($0.workload) }
    let isCalibrated = needsCosts || chosen.contains { $0.needsCalibration }
    let calibration = isCalibrated ? try bench.laboratory().calibration() : nil
    let isolated = calibration?.isolated ?? [:]
    var unopened: [ClaimWorkload: String] = [:]
    let isWhole = needs.count == all.count
    let (facts, speed) = try ClaimMeasuring(bench: bench, repeats: repeats)
      .facts(needs, at: isWhole ? nil : knownSpeed(of: claims), unopened: &unopened)
    if isWhole, let usual = speed.usual { try keep(usual, of: claims) }
    let fitted = try needsCosts ? fit(facts, isolated, at: speed) : nil
    let studied = try study(chosen.contains { $0.experiment?.isStudied == true } ? claims : [])
    let evidence = ClaimEvidence(
      facts: Dictionary(uniqueKeysWithValues: facts.map { ($0.needs.workload, $0) }),
      unopened: unopened,
      costs: fitted?.map(\.costs) ?? .failure(ClaimCostsError(reason: "no claim needs costs")),
      isolated: isolated, study: studied.findings, studyFailure: studied.failure,
      catalogue: catalogue)
    let command = ClaimCommand(
      traces: traces, catalogue: catalogue, repeats: repeats, validate: command,
      shared: sharedOptions)
    let verdicts = chosen.map { claim in
      // A claim without cycles is the same at any clock.
      ClaimVerdict(
        claim, judgement: Self.judge(claim, evidence, coreGHz: calibration?.coreGHz ?? 1),
        command: command.validate(claim), inspect: command.inspect(claim))
    }
    try keep(verdicts)
    return Outcome(verdicts: verdicts, fitted: try? fitted?.get().date)
  }

  private func fit(
    _ facts: [WorkloadFacts], _ isolated: [Step: Estimate], at speed: MachineSpeed
  ) throws -> Result<(costs: ClaimCosts, date: Date), ClaimCostsError> {
    try ClaimFitting(bench: bench, training: training, budget: budget, options: fitOptions)
      .costs(facts, isolated: isolated.mapValues(\.value), at: speed)
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

  private func study(
    _ claims: [Claim]
  ) throws -> (findings: ClaimStudy?, failure: String?) {
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

  /// The speed of the machine when all of some claims were judged; nil where they never were.
  private func knownSpeed(of claims: [Claim]) throws -> Slowness? {
    try bench.laboratory().notebook
      .latest(.observation, subject: speedSubject(of: claims), as: Slowness.self)?.content
  }

  private func keep(_ speed: Slowness, of claims: [Claim]) throws {
    guard try knownSpeed(of: claims) != speed else { return }
    try bench.laboratory().notebook.add(
      .observation, subject: speedSubject(of: claims), seed: fitOptions.seed, content: speed)
  }

  private func speedSubject(of claims: [Claim]) throws -> String {
    try Subject.canonical(["speed for claims", "\(repeats)"] + claims.map(\.id).sorted())
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
