import Costs
import Designs
import Experiments
import Reports

/// What `check --instructions` finds.
struct InstructionReport: Encodable {
  /// Operations of each trace.
  let first: Int
  let schemes: [Scheme]
  let perStep: [StepInstructions]
  let runs: [Run]

  struct Scheme: Encodable {
    let scheme: String
    let runs: Int
    /// Mean absolute error of the runs' instructions.
    let errorPercent: Double
    /// Runs of which the others tell what their steps are worth, and the mean error of these.
    let determinedRuns: Int
    let determinedErrorPercent: Double
    /// Of those.
    @Nullable var worst: Run?
  }

  struct StepInstructions: Encodable {
    let family: String
    let step: String
    let instructions: Double
  }

  /// A run, by the fit of all or by one that did not see it.
  struct Run: Encodable {
    let trace: String
    let design: String
    let instructions: UInt64
    let errorPercent: Double
    /// What the runs that were fitted on leave open.
    let standardErrorPercent: Double
    /// Those that the model counted, by name: what an error is looked for with.
    let steps: [String: UInt64]

    init(_ held: InstructionFit.HeldOut) {
      trace = held.trace
      design = held.design
      instructions = held.instructions
      errorPercent = held.errorPercent
      standardErrorPercent = held.standardErrorPercent
      let counted = zip(Step.allCases, held.steps).filter { $1 > 0 && !$0.isMachineStep }
      steps = Dictionary(uniqueKeysWithValues: counted.map { ($0.name, $1) })
    }
  }

  init(_ outcome: InstructionExperiment.Outcome) {
    first = outcome.first
    func scheme(_ name: String, _ held: [InstructionFit.HeldOut]) -> Scheme? {
      guard !held.isEmpty else { return nil }
      let determined = held.filter(\.isDetermined)
      return Scheme(
        scheme: name, runs: held.count, errorPercent: held.errorPercent,
        determinedRuns: determined.count, determinedErrorPercent: determined.errorPercent,
        worst: determined.worst.map(Run.init))
    }
    let heldOut = InstructionExperiment.Outcome.schemes.map {
      scheme($0.rawValue, outcome.heldOut($0))
    }
    let fitted = outcome.fits.flatMap(\.fit.fitted)
    schemes = (heldOut + [scheme(Self.allSeen, fitted)]).compactMap { $0 }
    perStep = outcome.fits.flatMap { one in
      zip(Step.allCases, one.fit.perStep).filter { $0.1 > 0 }.map {
        StepInstructions(family: one.family, step: $0.name, instructions: $1)
      }
    }
    runs = fitted.map(Run.init)
  }

  private static let allSeen = "all-seen"

  var text: String {
    var steps = Table(["family", "step", "instructions"], align: [.left, .left, .right])
    for step in perStep { steps.add([step.family, step.step, Text.number(step.instructions)]) }
    var table = Table(
      ["left out", "runs", "mean error %", "determined", "mean error %", "worst %", "worst run"])
    for scheme in schemes {
      table.add([
        scheme.scheme, "\(scheme.runs)", Text.number(scheme.errorPercent),
        "\(scheme.determinedRuns)", Text.number(scheme.determinedErrorPercent),
        scheme.worst.map { Text.number($0.errorPercent) } ?? "",
        scheme.worst.map { "\($0.design) on \($0.trace)" } ?? "",
      ])
    }
    return "instructions of the first \(Text.count(first)) operations, by valgrind\n\n"
      + steps.text + "\n" + table.text
  }
}
