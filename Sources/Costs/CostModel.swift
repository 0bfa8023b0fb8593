import Designs
import Platform

/// What steps cost, how surely, and how far predictions from it were off where they could be
/// checked: everything that predicts goes through one of these. Kept in the notebook with its fit.
///
/// All counts are per operation, one per column (`Run.meanCounts`); one without the last column,
/// the constant, does as well. Times are nanoseconds per operation.
public struct CostModel: Sendable, Equatable {
  /// Nanoseconds per occurrence, by column; steps that no run has cost what is assumed of them.
  public let costs: [Double]
  /// Joint draws of all costs: by way of drawing, draw and column (`CostDraws`).
  let draws: [[[Double]]]
  /// How far above zero a cost that the fit puts at zero may be, by column; 0 for all others.
  let reaches: [Double]
  /// By column, which part of the cost the prior decides, from 0 to 1.
  public let priorShares: [Double]
  /// Columns that are told as one term, in ascending order of their first.
  let groups: [[Int]]
  /// Columns whose cost the data tell from others'.
  let separable: Set<Int>
  /// `calibrate`'s costs, by column.
  let isolated: [Int: Double]
  public let degreesOfFreedom: Double
  public let level: Double
  /// Found by predicting what was held out.
  public let error: ModelError

  /// Half an interval's width, in standard deviations.
  var quantile: Double {
    LinearAlgebra.studentQuantile(0.5 + level / 2, degreesOfFreedom: degreesOfFreedom)
  }

  /// Whether the data, rather than an assumption, decide a column's cost, and tell it from others'.
  public func isIdentifiable(_ column: Int) -> Bool {
    separable.contains(column) && priorShares[column] <= Self.mostPriorShare
  }

  /// From this share of a prior on a cost counts as assumed.
  public static let mostPriorShare = 0.5

  /// Where a column's cost comes from if not from the data in place; nil if it does.
  public func remark(_ column: Int) -> String? {
    guard priorShares[column] > Self.mostPriorShare else { return nil }
    return isolated[column] == nil ? "assumed, not measured" : "isolated, not measured in place"
  }

  func with(error: ModelError) -> CostModel {
    CostModel(
      costs: costs, draws: draws, reaches: reaches, priorShares: priorShares, groups: groups,
      separable: separable, isolated: isolated, degreesOfFreedom: degreesOfFreedom, level: level,
      error: error)
  }
}

/// How far predictions are off beyond what the scatter of the costs explains: found by
/// back-testing, on what the fits behind the predictions did not see.
public struct ModelError: Sendable, Codable, Equatable {
  /// Standard deviation of a payoff as a share of its gross change, Σ |count difference| × cost,
  /// where neither the trace nor the variant was seen.
  public var payoffShare: Double
  /// The same where besides the trace no variant with the changed value of a toggle was seen.
  public var unseenPayoffShare: Double
  /// The same of the gap of two families that were seen, on a trace that was not.
  public var gapShare: Double
  /// Typical ln(predicted / measured) of a time on a trace that was not seen, and of how many folds.
  public var traceMisfit: Double?
  public var traceFolds: Int
  /// The same of a design that was not seen.
  public var variantMisfit: Double?
  public var variantFolds: Int

  /// As if every payoff were of a toggle that nobody has set before.
  public var ofUnseenToggles: ModelError {
    var error = self
    error.payoffShare = unseenPayoffShare
    return error
  }

  /// Before anything was held out.
  public static let unknown = ModelError(
    payoffShare: 0.3, unseenPayoffShare: 0.3, gapShare: 0.3, traceMisfit: nil, traceFolds: 0,
    variantMisfit: nil, variantFolds: 0)
}

extension CostModel: Codable {
  private enum CodingKeys: String, CodingKey {
    case steps, costs, draws, reaches, priorShares, groups, separable, isolatedNs, degreesOfFreedom
    case level, error
  }

  /// By names of steps: numbers change between versions.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode((0..<Column.count).map(Column.name), forKey: .steps)
    try container.encode(costs, forKey: .costs)
    try container.encode(draws.map { $0.map { $0.map(Float.init) } }, forKey: .draws)
    try container.encode(reaches, forKey: .reaches)
    try container.encode(priorShares, forKey: .priorShares)
    try container.encode(groups.map { $0.map(Column.name) }, forKey: .groups)
    try container.encode(separable.sorted().map(Column.name), forKey: .separable)
    try container.encode(
      Dictionary(uniqueKeysWithValues: isolated.map { (Column.name($0.key), $0.value) }),
      forKey: .isolatedNs)
    try container.encode(degreesOfFreedom, forKey: .degreesOfFreedom)
    try container.encode(level, forKey: .level)
    try container.encode(error, forKey: .error)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let steps = try container.decode([String].self, forKey: .steps)
    func placed(_ values: [Double]) -> [Double] {
      var result = [Double](repeating: 0, count: Column.count)
      for (step, value) in zip(steps, values) {
        if let column = Column.number(step) { result[column] = value }
      }
      return result
    }
    costs = placed(try container.decode([Double].self, forKey: .costs))
    draws = try container.decode([[[Float]]].self, forKey: .draws).map {
      $0.map { placed($0.map(Double.init)) }
    }
    reaches = placed(try container.decode([Double].self, forKey: .reaches))
    priorShares = placed(try container.decode([Double].self, forKey: .priorShares))
    groups = try container.decode([[String]].self, forKey: .groups).map {
      $0.compactMap(Column.number)
    }
    separable = Set(
      try container.decode([String].self, forKey: .separable).compactMap(Column.number))
    let isolated = try container.decode([String: Double].self, forKey: .isolatedNs)
    self.isolated = Dictionary(
      isolated.compactMap { step, ns in Column.number(step).map { ($0, ns) } },
      uniquingKeysWith: { first, _ in first })
    degreesOfFreedom = try container.decode(Double.self, forKey: .degreesOfFreedom)
    level = try container.decode(Double.self, forKey: .level)
    error = try container.decode(ModelError.self, forKey: .error)
  }
}
