import Designs
import Platform

extension TrainingSet {
  /// A set of runs that are predicted together by a fit that saw none of them.
  struct Fold: Sendable {
    let name: String
    /// What is predicted.
    let heldOut: [Int]
    /// What the fit sees.
    let training: [Int]
  }

  /// Validates by one scheme. Folds with fewer than two training runs are left out.
  ///
  /// A fold's sums are those of all runs less its own: a fit costs one solution, not a pass over all
  /// rows. Huber's weights stay those of the whole, but where a trace or a family is held out they
  /// are found anew.
  func validate(_ scheme: ValidationScheme, _ whole: Fitted) -> Validation {
    let folds = folds(scheme, among: whole.runs).filter {
      $0.training.count >= 2 && !$0.heldOut.isEmpty
    }
    let noise = RunNoise(self, whole.runs)
    let places = Dictionary(uniqueKeysWithValues: zip(whole.runs, whole.runs.indices))
    let held = ConcurrentWork.map(folds) { fold -> ([Validation.Raw], [Validation.Gap]) in
      let costs = costs(fold, scheme, whole, places)
      return (
        evaluate(fold, scheme, costs, noise),
        scheme == .leaveOneTraceOut
          ? gaps(fold, costs, noise) : []
      )
    }
    return Validation(
      scheme: scheme, held: held.flatMap(\.0), gaps: held.flatMap(\.1), folds: folds.count,
      quantile: whole.model.quantile, level: options.level)
  }

  /// What a fold's fit found.
  struct FoldCosts: Sendable {
    /// By column of the set.
    let costs: [Double]
    /// Joint draws, by way of drawing, draw and column of the set.
    let draws: [[[Double]]]
    /// All columns.
    let expanded: [Double]
  }

  private func costs(
    _ fold: Fold, _ scheme: ValidationScheme, _ whole: Fitted, _ places: [Int: Int]
  ) -> FoldCosts {
    let heldOut = fold.heldOut.compactMap { places[$0] }
    let costs: [Double]
    switch scheme {
    case .leaveOneTraceOut, .leaveOneAllocatorOut:
      costs = RobustFit(self, runs: fold.training).costs
    case .leaveOneVariantOut, .leaveOneToggleOut:
      var sums = whole.robust.leaving(out: heldOut, of: whole.robust.data)
      sums.add(priorSums(sums))
      costs = sums.solveNonNegative(start: whole.robust.costs)
    }
    let draws = whole.draws.kept.map { way in
      way.map { draw -> [Double] in
        var sums = whole.robust.leaving(out: heldOut, of: draw.data, weights: draw.weights)
        sums.add(priorSums(sums, means: draw.means))
        return sums.solveNonNegative(start: draw.costs)
      }
    }
    return FoldCosts(costs: costs, draws: draws, expanded: expanded(costs))
  }

  /// - Parameter subset: indices into `runs`; all of them when nil.
  func folds(_ scheme: ValidationScheme, among subset: [Int]? = nil) -> [Fold] {
    let all = subset ?? Array(runs.indices)
    func fold(_ name: String, _ isHeldOut: (Int) -> Bool) -> Fold {
      Fold(
        name: name, heldOut: all.filter(isHeldOut), training: all.filter { !isHeldOut($0) })
    }
    switch scheme {
    case .leaveOneTraceOut:
      return traces.indices.map { trace in fold(traces[trace]) { rows[$0].trace == trace } }
    case .leaveOneVariantOut:
      return designs.indices.map { variant in
        fold(designs[variant].description) { rows[$0].variant == variant }
      }
    case .leaveOneToggleOut:
      var seen: Set<String> = []
      var result: [Fold] = []
      for design in designs {
        for setting in design.settings where !Self.isDefault(setting, of: design.family) {
          let name = "\(design.family),\(setting.toggle)=\(setting.value)"
          guard seen.insert(name).inserted else { continue }
          result.append(
            fold(name) {
              runs[$0].design.family == design.family
                && runs[$0].design.settings.contains(setting)
            })
        }
      }
      return result
    case .leaveOneAllocatorOut:
      var families: [String] = []
      for design in designs where !families.contains(design.family) {
        families.append(design.family)
      }
      return families.map { family in fold(family) { runs[$0].design.family == family } }
    }
  }

  static func isDefault(_ setting: Design.Setting, of family: String) -> Bool {
    let toggles = Family.all.first { $0.name == family }?.toggles ?? []
    return toggles.first { $0.name == setting.toggle }?.defaultValue == setting.value
  }
}
