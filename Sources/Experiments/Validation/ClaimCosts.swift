import Costs
import Designs
import Hypotheses
import Platform

/// What components cost by one fit, on the workloads of claims.
struct ClaimCosts {
  let model: CostModel

  /// From this part of a cost on that data don't tell, it counts as unknown.
  private static let mostUnknown = 0.5

  /// How often a component's steps are executed per execution of its `per` step; nil where that one
  /// or all of them never are.
  /// - Parameter mean: executions per operation.
  static func weights(_ component: Component, _ mean: [Double]) -> [Double]? {
    let per = mean[Int(component.per.rawValue)]
    guard per > 0 else { return nil }
    var weights = [Double](repeating: 0, count: mean.count)
    for step in component.steps { weights[Int(step.rawValue)] = mean[Int(step.rawValue)] / per }
    return weights.contains { $0 > 0 } ? weights : nil
  }

  /// What executions of steps cost together.
  /// - Parameters:
  ///   - weights: executions by step; negative ones where a cost is saved.
  ///   - most: what they can't exceed, because nothing costs less than nothing: all of a design's time.
  func evidence(_ weights: [Double], most: Double?) -> Evidence {
    let found = model.sum(weights)
    let isCost = !weights.contains { $0 < 0 }
    guard let obstacle = obstacle(weights) else {
      guard isCost else { return .known(found) }
      let high = found.high.map { high in most.map { max(min(high, $0), found.value) } ?? high }
      return .known(Estimate(value: found.value, low: max(0, found.low ?? 0), high: high))
    }
    guard isCost else {
      return .unidentifiable(Estimate(unbounded: found.value), reason: obstacle.reason)
    }
    // What takes so long alone, give or take as much again, is drawn from that.
    let alone = obstacle.columns.allSatisfy(model.wasTimedAlone) ? found.high : nil
    let most = [most.map { max($0, 0) }, together(weights)].compactMap { $0 }.min()
    func upTo(_ high: Double?) -> Estimate {
      Estimate(value: min(found.value, high ?? found.value), low: 0, high: high)
    }
    return .unidentifiable(
      upTo(most), alone: alone.flatMap { $0 < most ?? .infinity ? upTo($0) : nil },
      reason: obstacle.reason)
  }

  /// The most that a step and those that no data tell it from may cost together, at one execution
  /// of each; nil where the data don't know that either.
  private func together(_ weights: [Double]) -> Double? {
    let executed = weights.indices.filter { weights[$0] > 0 }
    guard executed.count == 1, let step = executed.first else { return nil }
    let companions = model.companions(of: step)
    let all = [step] + companions
    guard !companions.isEmpty,
      all.allSatisfy({ model.priorShares[$0] <= CostModel.mostPriorShare })
    else { return nil }
    var together = [Double](repeating: 0, count: Column.count)
    for column in all { together[column] = weights[step] }
    return model.sum(together).high
  }

  /// Why the data don't tell a sum of costs, and which of them; nil if they do.
  private func obstacle(_ weights: [Double]) -> (reason: String, columns: [Int])? {
    let executed = weights.indices.filter { weights[$0] != 0 }
    let unknown = executed.filter { column in
      guard !model.isIdentifiable(column) else { return false }
      // What always comes together is told as one: only the division isn't.
      let companions = model.companions(of: column)
      let isWhole = companions.allSatisfy(executed.contains)
      return companions.isEmpty || !isWhole
        || model.priorShares[column] > CostModel.mostPriorShare
    }
    func gross(_ columns: [Int]) -> Double {
      columns.reduce(0) { $0 + weights[$1].magnitude * model.costs[$1] }
    }
    let all = gross(executed)
    guard unknown.count == executed.count || gross(unknown) > Self.mostUnknown * all,
      let worst = unknown.max(by: { gross([$0]) < gross([$1]) })
    else { return nil }
    return (reason(worst), unknown)
  }

  private func reason(_ worst: Int) -> String {
    let name = Column.name(worst)
    let companions = model.companions(of: worst)
    if !companions.isEmpty {
      return "\(name) can't be told from \(companions.map(Column.name).joined(separator: ", "))"
    }
    if let remark = model.remark(worst) {
      return "no data in place tell what \(name) costs: it is \(remark)"
    }
    return "\(name) is almost a sum of other steps' counts in all runs"
  }
}

/// Why there are no costs.
struct ClaimCostsError: Error {
  let reason: String
}
