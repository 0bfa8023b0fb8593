import Foundation
import Platform

/// How far costs scatter when what is independent is drawn again.
///
/// Runs share traces and share variants, and both make their errors alike: clusters two ways. Each
/// way is resampled by itself and single runs are as well, and the variances are combined as
/// V(trace) + V(variant) − V(run) (A. C. Cameron, J. B. Gelbach, D. L. Miller: Robust inference
/// with multiway clustering, 2011), but no less than either way alone. Clusters get exponential
/// weights (D. B. Rubin: The Bayesian bootstrap, 1981) in place of whole-number multiplicities: a
/// step that one variant alone takes would otherwise lose its column in a third of the draws.
struct Bootstrap {
  /// Standard errors, one per column of the sums.
  let deviations: [Double]
  /// The estimates with their own bound at zero lifted: their scatter isn't piled up at the bound.
  let lifted: [Double]
  /// Clusters of the scarcer way, less one.
  let degreesOfFreedom: Double

  struct Piece: Sendable {
    let trace: Int
    let variant: Int
    let sums: NormalEquations
  }

  init(pieces: [Piece], prior: NormalEquations, estimate: [Double], resamples: Int, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let size = prior.size
    var whole = prior
    for piece in pieces { whole.add(piece.sums) }
    lifted = Self.lift(whole, estimate)
    let traces = Set(pieces.map(\.trace)).count
    let variants = Set(pieces.map(\.variant)).count
    let keys: [[Int]] = [
      pieces.map(\.trace), pieces.map(\.variant), Array(pieces.indices),
    ]
    let ways = [traces > 1, variants >= 6, traces > 1 && variants >= 6]
    var variances = [[Double]](repeating: [Double](repeating: 0, count: size), count: 3)
    for way in 0..<3 where ways[way] {
      // Pieces of one cluster always share their weight: add them up once.
      var clusters: [NormalEquations] = []
      var index: [Int: Int] = [:]
      for (piece, key) in zip(pieces, keys[way]) {
        if let known = index[key] {
          clusters[known].add(piece.sums)
        } else {
          index[key] = clusters.count
          clusters.append(piece.sums)
        }
      }
      variances[way] = Self.variance(
        clusters, prior, start: estimate, resamples: max(resamples / 2, 50), random: &random)
    }
    deviations = (0..<size).map { column in
      let (trace, variant, run) = (
        variances[0][column], variances[1][column], variances[2][column]
      )
      return max(trace, variant, trace + variant - run).squareRoot()
    }
    degreesOfFreedom = Double(max(1, min(traces, variants >= 6 ? variants : traces) - 1))
  }

  /// The estimates, those at zero solved for again without their bound.
  private static func lift(_ sums: NormalEquations, _ estimate: [Double]) -> [Double] {
    estimate.indices.map { column in
      guard estimate[column] <= 0, sums.gram[column * sums.size + column] > 0 else {
        return estimate[column]
      }
      return sums.solveNonNegative(start: estimate, free: [column])[column]
    }
  }

  private static func variance(
    _ clusters: [NormalEquations], _ prior: NormalEquations, start: [Double], resamples: Int,
    random: inout SeededGenerator
  ) -> [Double] {
    let size = prior.size
    var draws: [[Double]] = []
    for _ in 0..<resamples {
      let raw = clusters.map { _ in -log(random.unit() + 0x1p-53) }
      let mean = raw.reduce(0, +) / Double(raw.count)
      var sums = prior
      for (cluster, weight) in zip(clusters, raw) { sums.add(cluster, times: weight / mean) }
      let solved = sums.solveNonNegative(start: start)
      draws.append(lift(sums, solved))
    }
    // A weighted mean of n clusters under exponential weights varies n / (n + 1) as much as under
    // multinomial ones, and either way (n − 1) / n as much as it should.
    let count = Double(clusters.count)
    let correction = (count + 1) / max(count - 1, 1)
    return (0..<size).map { column in
      let values = draws.map { $0[column] }
      let mean = values.reduce(0, +) / Double(values.count)
      let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return correction * square / Double(max(values.count - 1, 1))
    }
  }
}
