import Designs
import Platform

extension TrainingSet {
  func evaluate(
    _ fold: Fold, _ scheme: ValidationScheme, _ fit: FoldCosts, _ noise: RunNoise
  ) -> [Examination.Raw] {
    // What is simply taken from others is taken from their like: programs say nothing of recipes.
    let programs = fold.training.filter { !runs[$0].isGenerated }
    let recipes = fold.training.filter { runs[$0].isGenerated }
    let isTraining = Set(fold.training)
    var windows: [Int: [Double]] = [:]
    func predictedWindows(_ run: Int) -> [Double] {
      if let known = windows[run] { return known }
      let made = runs[run].predictedWindows(fit.expanded)
      windows[run] = made
      return made
    }
    return fold.heldOut.map { index in
      let run = runs[index]
      let alike = run.isGenerated ? recipes : programs
      let peers = alike.isEmpty ? fold.training : alike
      let near = anchors(index, among: fold.training)
      let anchor = Anchor(
        near.map { runs[$0] }, predicted: near.map(predictedWindows),
        means: near.map { rows[$0].sum(fit.costs) })
      let model = rows[index].sum(fit.costs)
      return Examination.Raw(
        run: Validation.HeldOut(
          fold: fold.name, trace: run.trace, design: run.design.description,
          isGenerated: run.isGenerated,
          measuredNs: rows[index].meanTime, predictedNs: anchor.predictedMean(model),
          modelNs: model,
          windowErrorPercent: run.windowErrorPercent(predictedWindows(index), anchor),
          constantNs: constant(peers), nearestVariantNs: nearest(index, among: peers, scheme),
          instructionsNs: instructionTime(index, among: peers), payoff: nil),
        folds: fold.keys,
        payoff: payoff(index, isTraining, scheme, fit, noise))
    }
  }

  /// Against the family's default on the same trace, if that is another run of the same session
  /// that was seen, or wasn't only because it is on a held-out trace.
  private func payoff(
    _ index: Int, _ isTraining: Set<Int>, _ scheme: ValidationScheme, _ fit: FoldCosts,
    _ noise: RunNoise
  ) -> Validation.RawPayoff? {
    guard let base = defaults[index], base != index,
      isTraining.contains(base) || scheme.holdsOutTraces
    else { return nil }
    return payoff(from: base, to: index, fit, noise)
  }

  /// Nil where the two are of different sessions, or nobody knows how far to trust their times.
  private func payoff(
    from: Int, to: Int, _ fit: FoldCosts, _ noise: RunNoise
  ) -> Validation.RawPayoff? {
    guard runs[from].session == runs[to].session, let error = noise.difference(from, to)
    else { return nil }
    let change = difference(from, to)
    return Validation.RawPayoff(
      measuredNs: rows[from].meanTime - rows[to].meanTime,
      predictedNs: LinearAlgebra.product(change, fit.costs), deviation: fit.deviation(change),
      gross: LinearAlgebra.product(change.map(\.magnitude), fit.costs), noise: error)
  }

  /// The gaps of the families as they come, on a trace that was held out.
  func gaps(_ fold: Fold, _ fit: FoldCosts, _ noise: RunNoise) -> [Examination.RawGap] {
    let last = Design(family: .pool)
    guard let to = fold.heldOut.first(where: { last == runs[$0].design }) else { return [] }
    return fold.heldOut.filter { defaults[$0] == $0 && $0 != to }.compactMap { from in
      payoff(from: from, to: to, fit, noise).map { payoff in
        Examination.RawGap(
          gap: Validation.RawGap(
            trace: fold.name, from: runs[from].design.family.name,
            to: runs[to].design.family.name,
            payoff: payoff, timeNs: rows[from].meanTime),
          folds: fold.keys)
      }
    }
  }

  /// Steps per operation of one run less another's, by column of the set.
  private func difference(_ first: Int, _ second: Int) -> [Double] {
    var result = [Double](repeating: 0, count: columns.count)
    for (column, mean) in zip(rows[first].columns, rows[first].means) { result[column] += mean }
    for (column, mean) in zip(rows[second].columns, rows[second].means) {
      result[column] -= mean
    }
    return result
  }
}

extension RunRows {
  /// Predicted nanoseconds per operation over the whole run, by costs of the set's columns.
  func sum(_ costs: [Double]) -> Double {
    var sum = 0.0
    for (column, mean) in zip(columns, means) { sum += mean * costs[column] }
    return sum
  }
}
