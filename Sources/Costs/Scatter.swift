import Platform

/// Costs, and joint draws of them over the same columns: how far any sum of them scatters.
struct Scatter: Sendable {
  let costs: [Double]
  /// By way of drawing and draw (`CostDraws`).
  let draws: [[[Double]]]

  /// How far a sum of costs scatters over the draws, around the sum of the costs.
  /// - Parameter counts: by column.
  func deviation(_ counts: [Double]) -> Double {
    let value = LinearAlgebra.product(counts, costs)
    return CostDraws.deviation(
      draws.map { way in
        Self.meanSquare(way.lazy.map { LinearAlgebra.product(counts, $0) - value }, way.count)
      })
  }

  /// A sum of costs that can't be negative. Each side of its interval is by the draws that lie on
  /// it: at the bound of zero all lie above.
  /// - Parameter quantile: in standard deviations, of each side.
  func bounded(_ counts: [Double], quantile: Double) -> (value: Double, low: Double, high: Double) {
    let value = LinearAlgebra.product(counts, costs)
    let distances = draws.map { way in way.map { LinearAlgebra.product(counts, $0) - value } }
    func reach(_ isOnSide: (Double) -> Bool) -> Double {
      quantile
        * CostDraws.deviation(
          distances.map { way in
            let side = way.filter(isOnSide)
            return Self.meanSquare(side, side.count)
          })
    }
    return (value, max(0, value - reach { $0 < 0 }), value + reach { $0 > 0 })
  }

  private static func meanSquare(_ distances: some Sequence<Double>, _ count: Int) -> Double {
    distances.reduce(0) { $0 + $1 * $1 } / Double(max(count, 1))
  }
}
