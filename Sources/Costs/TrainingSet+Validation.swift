import Designs
import Platform

extension TrainingSet {
  /// A set of runs that are predicted together by a fit that saw none of them.
  struct Fold: Sendable {
    let name: String
    /// What is left out, as errors are known by it.
    let keys: [String]
    /// What is predicted.
    let heldOut: [Int]
    /// What the fit sees.
    let training: [Int]
    /// What it doesn't: what is predicted, and other traces of the same program.
    let left: [Int]
  }

  /// Validates by one scheme. Folds with fewer than two training runs are left out.
  func validate(_ scheme: ValidationScheme, _ whole: Fitted) -> Validation {
    Validation(examine([scheme], whole)[0])
  }

  /// A fold with its fit.
  private struct FittedFold: Sendable {
    let fold: Fold
    let costs: FoldCosts
  }

  /// Holds out by each scheme. With a trace goes what else there is of its program.
  ///
  /// A fold's sums are those of all runs less its own: a fit costs one solution, not a pass over all
  /// rows. Huber's weights stay those of the whole, but where a trace or a family is held out they
  /// are found anew.
  func examine(_ schemes: [ValidationScheme], _ whole: Fitted) -> [Examination] {
    let noise = RunNoise(self, whole.runs)
    let places = Dictionary(uniqueKeysWithValues: zip(whole.runs, whole.runs.indices))
    var known: [ValidationScheme: [FittedFold]] = [:]
    func fitted(_ scheme: ValidationScheme) -> [FittedFold] {
      if let folds = known[scheme] { return folds }
      let folds = folds(scheme, among: whole.runs).filter {
        $0.training.count >= 2 && !$0.heldOut.isEmpty
      }
      let made = ConcurrentWork.map(folds) {
        FittedFold(fold: $0, costs: costs($0, scheme, whole, places))
      }
      known[scheme] = made
      return made
    }
    return schemes.map { scheme in
      let found: [(held: [Examination.Raw], gaps: [Examination.RawGap])]
      if let besides = scheme.besidesTrace {
        let others = fitted(besides)
        found = ConcurrentWork.map(fitted(.leaveOneTraceOut)) { trace in
          (crossed(trace, others, scheme, whole, places, noise), [])
        }
      } else {
        found = ConcurrentWork.map(fitted(scheme)) { one in
          (
            evaluate(one.fold, scheme, one.costs, noise),
            scheme == .leaveOneTraceOut ? gaps(one.fold, one.costs, noise) : []
          )
        }
      }
      return Examination(
        scheme: scheme, held: found.flatMap(\.held), gaps: found.flatMap(\.gaps),
        folds: found.count { !$0.held.isEmpty }, quantile: whole.model.quantile,
        level: options.level)
    }
  }

  /// Of each run on a trace: predicted without that trace and without what another fold leaves out.
  ///
  /// Drawing all costs again for every pair of folds would cost more than all else. How far they
  /// scatter without both follows from either: what one leaves open adds to what the other does.
  private func crossed(
    _ trace: FittedFold, _ others: [FittedFold], _ scheme: ValidationScheme, _ whole: Fitted,
    _ places: [Int: Int], _ noise: RunNoise
  ) -> [Examination.Raw] {
    let onTrace = Set(trace.fold.heldOut)
    let ofProgram = Set(trace.fold.left)
    let rest = whole.robust.leaving(
      out: trace.fold.left.compactMap { places[$0] }, of: whole.robust.data)
    let all = Scatter(costs: whole.robust.costs, draws: whole.draws.kept.map { $0.map(\.costs) })
    var result: [Examination.Raw] = []
    for other in others {
      let cell = other.fold.heldOut.filter(onTrace.contains)
      guard !cell.isEmpty else { continue }
      let left = other.fold.left.filter { !ofProgram.contains($0) }
      let training = other.fold.training.filter { !ofProgram.contains($0) }
      guard training.count >= 2 else { continue }
      var sums = whole.robust.leaving(out: left.compactMap { places[$0] }, of: rest)
      sums.add(priorSums(sums))
      let costs = sums.solveNonNegative(start: trace.costs.costs)
      let fold = Fold(
        name: trace.fold.name, keys: trace.fold.keys + other.fold.keys, heldOut: cell,
        training: training, left: trace.fold.left + left)
      result += evaluate(
        fold, scheme,
        FoldCosts(
          costs: costs, expanded: expanded(costs),
          scatters: [trace.costs.scatters[0], other.costs.scatters[0], all]), noise)
    }
    return result
  }

  /// What a fold's fit found.
  struct FoldCosts: Sendable {
    /// By column of the set.
    let costs: [Double]
    /// All columns.
    let expanded: [Double]
    /// Its own; or of two folds that are left out together each one's, and that of all runs.
    let scatters: [Scatter]

    /// How far a sum of costs scatters.
    func deviation(_ change: [Double]) -> Double {
      let squares = scatters.map { scatter in
        let deviation = scatter.deviation(change)
        return deviation * deviation
      }
      return CostDraws.deviation(squares)
    }
  }

  private func costs(
    _ fold: Fold, _ scheme: ValidationScheme, _ whole: Fitted, _ places: [Int: Int]
  ) -> FoldCosts {
    let left = fold.left.compactMap { places[$0] }
    let costs: [Double]
    if scheme == .leaveOneTraceOut || scheme == .leaveOneAllocatorOut {
      costs = RobustFit(self, runs: fold.training).costs
    } else {
      var sums = whole.robust.leaving(out: left, of: whole.robust.data)
      sums.add(priorSums(sums))
      costs = sums.solveNonNegative(start: whole.robust.costs)
    }
    let draws = whole.draws.kept.map { way in
      way.map { draw -> [Double] in
        var sums = whole.robust.leaving(out: left, of: draw.data, weights: draw.weights)
        sums.add(priorSums(sums, means: draw.means))
        return sums.solveNonNegative(start: draw.costs)
      }
    }
    return FoldCosts(
      costs: costs, expanded: expanded(costs), scatters: [Scatter(costs: costs, draws: draws)])
  }

  /// What a scheme leaves out together; of those that leave out a trace besides, the other part.
  /// - Parameter subset: indices into `runs`; all of them when nil.
  func folds(_ scheme: ValidationScheme, among subset: [Int]? = nil) -> [Fold] {
    let all = subset ?? Array(runs.indices)
    func fold(_ name: String, _ isHeldOut: (Int) -> Bool) -> Fold {
      let heldOut = all.filter(isHeldOut)
      return Fold(
        name: name, keys: [Examination.fold(scheme, name)], heldOut: heldOut,
        training: all.filter { !isHeldOut($0) }, left: heldOut)
    }
    switch scheme.besidesTrace ?? scheme {
    case .leaveOneTraceOut, .leaveOneTraceAndVariantOut, .leaveOneTraceAndToggleOut:
      return traces.indices.map { trace in
        let isLeft = { programs[rows[$0].trace] == programs[trace] }
        return Fold(
          name: traces[trace], keys: [Examination.fold(scheme, traces[trace])],
          heldOut: all.filter { rows[$0].trace == trace }, training: all.filter { !isLeft($0) },
          left: all.filter(isLeft))
      }
    case .leaveOneVariantOut:
      return designs.indices.map { variant in
        fold(designs[variant].description) { rows[$0].variant == variant }
      }
    case .leaveOneToggleOut:
      var seen: Set<String> = []
      var result: [Fold] = []
      for design in designs {
        for setting in design.changes {
          let name = Self.name(setting, of: design.family)
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
      var families: [Family] = []
      for design in designs where !families.contains(design.family) {
        families.append(design.family)
      }
      return families.map { family in fold(family.name) { runs[$0].design.family == family } }
    }
  }

  /// What a fold without one value of a toggle is called.
  static func name(_ setting: Design.Setting, of family: Family) -> String {
    "\(family),\(setting.toggle)=\(setting.value)"
  }
}
