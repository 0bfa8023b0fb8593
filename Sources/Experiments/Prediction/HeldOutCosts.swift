import Costs
import Designs

/// Costs for one prediction at a time, each fitted without what is to be predicted.
final class HeldOutCosts {
  private struct Key: Hashable {
    let trace: String
    let design: Design
    let before: Design
  }

  private let set: TrainingSet
  private let isolated: [Step: Double]
  /// How far predictions of held-out variants and traces were off.
  private let backTest: BackTest
  /// Whether every variant that has one of the changed toggles' values is left out too, as if
  /// nobody had written it yet.
  private let hidesToggles: Bool
  private var models: [Key: CostModel] = [:]

  /// - Throws: `CostsError.tooFewRuns`.
  init(
    runs: [Run], isolated: [Step: Double], options: FitOptions, hidesToggles: Bool = false
  ) throws {
    set = try TrainingSet(runs: runs, priors: Priors(isolated: isolated), options: options)
    self.isolated = isolated
    self.hidesToggles = hidesToggles
    backTest = try set.backTest(isolated: isolated)
  }

  /// A model whose error is that of predictions on other traces and of other designs.
  /// - Parameters:
  ///   - trace: whose runs are left out.
  ///   - design: whose runs are left out on every trace, unless it is the same as `before`.
  ///   - before: the design before the change.
  func model(trace: String, hiding design: Design, before: Design) throws -> CostModel {
    let key = Key(trace: trace, design: design, before: before)
    if let known = models[key] { return known }
    let changed = Set(design.settings).subtracting(before.settings)
    let training = set.runs.indices.filter { index in
      let run = set.runs[index]
      if run.trace == trace || (run.design == design && design != before) { return false }
      guard hidesToggles, run.design.family == design.family else { return true }
      return changed.isDisjoint(with: run.design.settings)
    }
    // What was found on this trace, and of this design, has the answer in it.
    let error = backTest.error(
      withoutTrace: trace, design: design == before ? nil : design,
      hiding: hidesToggles ? changed.map { (design.family, $0) } : [])
    let model = try set.model(
      runs: training, isolated: isolated, error: hidesToggles ? error.ofUnseenToggles : error)
    models[key] = model
    return model
  }
}
