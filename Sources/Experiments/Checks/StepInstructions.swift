import Costs
import Designs
import Notebook

/// How many instructions each step is worth, as `check --instructions` found it. Kept in the notebook,
/// so that a fit knows of every run how many it takes without having valgrind run each.
public struct StepInstructions: Sendable, Codable {
  /// SHA-256 of the steps' names.
  let steps: String
  /// By family and step: those that occurred.
  let perStep: [String: [String: Double]]

  public init(_ outcome: InstructionExperiment.Outcome) throws {
    steps = try ModelVersion.current().steps
    perStep = Dictionary(
      outcome.fits.map { family in
        let known = zip(Step.allCases, family.fit.perStep).filter { family.fit.hasSeen($0.0) }
        return (
          family.family,
          Dictionary(uniqueKeysWithValues: known.map { ($0.0.name, $0.1) })
        )
      }, uniquingKeysWith: { first, _ in first })
  }

  private static let subject = "instructions per step"

  /// Leaves it for the fits to come.
  public func keep(in notebook: Notebook, seed: UInt64) throws(NotebookError) {
    try notebook.add(.observation, subject: Self.subject, seed: seed, content: self)
  }

  /// The newest on this machine; nil where nobody counted, or other steps were counted.
  static func newest(in notebook: Notebook) throws -> StepInstructions? {
    let found = try notebook.latest(.observation, subject: subject, as: StepInstructions.self)
    return found?.content.steps == (try ModelVersion.current().steps) ? found?.content : nil
  }

  /// Per operation in the allocator; nil for a run with a step that no counted run had.
  func instructions(of run: Run) -> Double? {
    guard let known = perStep[run.design.family.name] else { return nil }
    var sum = 0.0
    for (step, count) in zip(Step.allCases, run.meanCounts) where count > 0 {
      if step.isMachineStep { continue }
      guard let worth = known[step.name] else { return nil }
      sum += worth * count
    }
    return sum
  }
}
