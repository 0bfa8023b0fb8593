import Designs
import Foundation
import Platform

/// Steps that cost less, or more, in place than alone by much the same factor.
///
/// Alone a locked instruction waits for the store of the round before it; in place other work goes on
/// meanwhile. How much of its latency is hidden is much the same for all of them, so that the locks
/// of one family tell what to expect of the atomic counters of another that no run has: the factor is
/// one more thing that is not known, and their priors are correlated through it.
enum CommonFactor {
  /// Standard deviation of the factor around 1.
  static let deviation = 1.0

  /// What the factor adds to the priors' precision matrix, which is diagonal without it: by Sherman
  /// and Morrison, −v vᵀ ÷ (1/deviation² + mᵀ v) with v the means times their precisions.
  /// - Parameter priors: of the steps that share a factor, each with its own deviation.
  static func correction(_ priors: [Prior]) -> [[Double]] {
    let scaled = priors.map { $0.mean * $0.precision }
    let sum = zip(priors, scaled).reduce(1 / (deviation * deviation)) { $0 + $1.0.mean * $1.1 }
    return scaled.map { row in scaled.map { -row * $0 / sum } }
  }
}

extension TrainingSet {
  /// The means of all priors, drawn from their distributions, none negative; 0 without a prior.
  func drawnMeans(_ random: inout SeededGenerator) -> [Double] {
    func normal() -> Double {
      (-2 * log(random.unit() + 0x1p-53)).squareRoot() * cos(2 * .pi * random.unit())
    }
    let factor = CommonFactor.deviation * normal()
    return (0..<Column.count).map { column in
      let own = normal()
      guard let prior = priors[column] else { return 0 }
      let common = Self.sharesFactor.contains(column) ? factor * prior.mean : 0
      return max(0, prior.mean + common + own * prior.deviation)
    }
  }
}
