import Foundation
import Platform

/// Joint draws of all costs: each is what the costs would be, had other traces, variants or runs been
/// measured, and had something else been assumed of the steps that no data separate.
///
/// Runs share programs, of which there may be several traces, and share variants, and both make their errors alike: clusters two ways. Each
/// way is drawn by itself and single runs are as well. How far any sum of costs scatters follows from
/// the three: V(trace) + V(variant) − V(run), but no less than either way alone (A. C. Cameron,
/// J. B. Gelbach, D. L. Miller: Robust inference with multiway clustering, 2011). Clusters get
/// exponential weights (D. B. Rubin: The Bayesian bootstrap, 1981) in place of whole-number
/// multiplicities: a step that one variant alone takes would otherwise lose its column in a third of
/// the draws. The means of the priors are drawn from their distributions in every draw, so that a
/// cost which is assumed scatters as widely as the assumption.
struct CostDraws: Sendable {
  /// By way and draw: costs of the set's columns.
  let costs: [[[Double]]]
  /// By way and draw: what is assumed of steps, over all columns.
  let means: [[[Double]]]
  /// Clusters of the scarcer way, less one. Programs that weigh less count for less: as so many that
  /// weigh the same (L. Kish's effective number, (Σ w)² ÷ Σ w²).
  let degreesOfFreedom: Double
  /// The weighted sums of the first draws of each way, for folds to be taken out of.
  let kept: [[Kept]]

  struct Kept: Sendable {
    let data: NormalEquations
    /// Means of the priors of the set's columns.
    let means: [Double]
    /// By run of the fit and part.
    let weights: [[Double]]
    let costs: [Double]
  }

  /// A way of drawing: the cluster of a run's part, and how many there are.
  private struct Way: Sendable {
    let clusters: [[Int]]
    let count: Int
  }

  /// - Parameters:
  ///   - draws: of each way.
  ///   - keep: of how many of them the sums are kept.
  init(_ set: TrainingSet, _ fit: RobustFit, runs: [Int], parts: Int, draws: Int, keep: Int) {
    let stretches = Array(0..<parts)
    let traces = runs.map { run in
      stretches.map { set.programs[set.rows[run].trace] * parts + $0 }
    }
    let variants = runs.map { run in stretches.map { _ in set.rows[run].variant } }
    let single = runs.indices.map { place in stretches.map { place * parts + $0 } }
    let traceCount = Set(traces.joined()).count
    let variantCount = Set(variants.joined()).count
    var ways = [Way(clusters: traces, count: traceCount)]
    // Few variants say too little about how variants differ: only traces are drawn then.
    if variantCount >= 6 {
      ways.append(Way(clusters: variants, count: variantCount))
      ways.append(Way(clusters: single, count: runs.count * parts))
    }
    let ofPrograms = Double(traceCount) * Self.evenness(set, runs)
    degreesOfFreedom = max(
      1, (variantCount >= 6 ? min(ofPrograms, Double(variantCount)) : ofPrograms) - 1)
    let seed = set.options.seed
    let results = ways.enumerated().map { number, way in
      ConcurrentWork.map(Array(0..<draws)) { draw in
        Self.draw(
          set, fit, way, keep: draw < keep,
          seed: seed &* 1_000_003 &+ UInt64(number * 100_003 + draw))
      }
    }
    costs = results.map { $0.map(\.costs) }
    means = results.map { $0.map(\.means) }
    kept = results.map { $0.compactMap(\.kept) }
  }

  /// How many programs there would be, did all weigh the same, in those that there are.
  private static func evenness(_ set: TrainingSet, _ runs: [Int]) -> Double {
    var weights: [Int: Double] = [:]
    for run in runs { weights[set.programs[set.rows[run].trace]] = set.rows[run].weight }
    // In the order of the programs: sums of the same numbers are the same every time.
    let all = weights.sorted { $0.key < $1.key }.map(\.value)
    let sum = all.reduce(0, +)
    return sum * sum / (Double(all.count) * all.reduce(0) { $0 + $1 * $1 })
  }

  private struct Result: Sendable {
    let costs: [Double]
    let means: [Double]
    let kept: Kept?
  }

  private static func draw(
    _ set: TrainingSet, _ fit: RobustFit, _ way: Way, keep: Bool, seed: UInt64
  ) -> Result {
    var random = SeededGenerator(seed: seed)
    let all = weights((way.clusters.joined().max() ?? 0) + 1, among: way.count, &random)
    let weights = way.clusters.map { $0.map { all[$0] } }
    let means = set.drawnMeans(&random)
    let mine = set.columns.map { means[$0] }
    var data = NormalEquations(size: set.columns.count)
    for (run, weights) in zip(fit.sums, weights) {
      for (sums, weight) in zip(run, weights) { sums.add(toUpper: &data, times: weight) }
    }
    data.symmetrize()
    var whole = data
    whole.add(set.priorSums(data, means: mine))
    let costs = whole.solveNonNegative(start: fit.costs)
    return Result(
      costs: costs, means: means,
      kept: keep ? Kept(data: data, means: mine, weights: weights, costs: costs) : nil)
  }

  /// Exponential weights. Among n clusters the mean of such draws varies n / (n + 1) as much as
  /// that of multinomial ones, and these (n − 1) / n as much as they should: the weights' distance
  /// from 1 is stretched, never below 0.
  private static func weights(
    _ count: Int, among clusters: Int, _ random: inout SeededGenerator
  ) -> [Double] {
    let n = Double(clusters)
    let stretch = clusters > 1 ? ((n + 1) / (n - 1)).squareRoot() : 1
    return (0..<count).map { _ in
      max(0, 1 + stretch * (-log(random.unit() + 0x1p-53) - 1))
    }
  }

  /// The deviation of what the ways' mean squares are given for: V(trace) + V(variant) − V(run), no
  /// less than either way alone. The same holds of two folds that are left out together: each one's
  /// square, then that of all runs.
  static func deviation(_ squares: [Double]) -> Double {
    let most = squares.prefix(2).max() ?? 0
    let together = squares.count == 3 ? squares[0] + squares[1] - squares[2] : 0
    return max(most, together, 0).squareRoot()
  }
}
