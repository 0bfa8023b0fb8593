import Foundation

/// How far above zero the data and the prior let a cost be that the fit puts at zero.
///
/// Resampling says nothing there: where every draw lies at the bound, its interval has no width. The
/// weighted rows and the prior do: with all other costs free that the fit has above zero, the cost's
/// posterior is normal with a mean below zero, of which what lies above is left.
struct BoundedPosterior {
  private let sums: NormalEquations
  private let scale: [Double]
  private let positive: [Int]
  private let costs: [Double]
  private let level: Double

  /// - Parameter prior: the priors' part of the sums.
  init(_ fit: RobustFit, prior: NormalEquations, _ options: FitOptions) {
    var sums = fit.data
    sums.add(prior)
    self.sums = sums
    let costs = fit.costs
    let scale = (0..<sums.size).map { column in
      let square = sums.gram[column * sums.size + column]
      return square > 0 ? 1 / square.squareRoot() : 0
    }
    positive = costs.indices.filter { costs[$0] > 0 && scale[$0] > 0 }
    self.costs = costs
    self.scale = scale
    level = options.level
  }

  /// The upper end of the one-sided interval of a column at zero; 0 for one above zero.
  func reach(_ column: Int) -> Double {
    guard costs[column] <= 0, scale[column] > 0 else { return 0 }
    let set = positive + [column]
    let scratch = CholeskyScratch(capacity: sums.size)
    guard scratch.solve(sums, scale, set) == nil else { return 0 }
    let mean = scratch.solution[set.count - 1] * scale[column]
    var unit = sums
    for place in 0..<sums.size { unit.setRight(place, place == column ? 1 : 0) }
    guard scratch.solve(unit, scale, set) == nil else { return 0 }
    let variance = scratch.solution[set.count - 1] * scale[column]
    guard variance > 0 else { return 0 }
    return Self.upper(mean: min(mean, 0), deviation: variance.squareRoot(), level: level)
  }

  /// The quantile of a normal distribution of which only what is above zero is left.
  static func upper(mean: Double, deviation: Double, level: Double) -> Double {
    let start = -mean / deviation
    // Far out what is left falls exponentially, and its tail is no longer a number.
    guard start < 20 else { return -log(1 - level) / start * deviation }
    let tail = (1 - level) * erfc(start / 2.0.squareRoot())
    var (low, high) = (start, start + 10)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if erfc(middle / 2.0.squareRoot()) > tail { low = middle } else { high = middle }
    }
    return (low - start) * deviation
  }
}
