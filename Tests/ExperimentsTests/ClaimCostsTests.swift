import Designs
import Hypotheses
import Platform
import Testing

@testable import Costs
@testable import Experiments

/// Costs of 1 ns but for a few steps, each scattered by a tenth of itself.
private func model(
  _ costs: [Step: Double], groups: [[Step]] = [], assumed: Set<Step> = [],
  timedAlone: Set<Step> = []
) -> CostModel {
  var values = [Double](repeating: 1, count: Column.count)
  for (step, cost) in costs { values[Int(step.rawValue)] = cost }
  var shares = [Double](repeating: 0, count: Column.count)
  for step in assumed { shares[Int(step.rawValue)] = 1 }
  let grouped = Set(groups.joined().map { Int($0.rawValue) })
  let draws = [0.9, 1.1].map { factor in values.map { $0 * factor } }
  return CostModel(
    costs: values, draws: [draws], reaches: values.map { _ in 0 }, priorShares: shares,
    groups: groups.map { $0.map { Int($0.rawValue) } }
      + (0..<Column.count).filter { !grouped.contains($0) }.map { [$0] },
    separable: Set(0..<Column.count).subtracting(grouped),
    isolated: Dictionary(uniqueKeysWithValues: timedAlone.map { (Int($0.rawValue), 1) }),
    degreesOfFreedom: 1000, level: 0.95, error: .unknown)
}

private func weights(_ steps: [Step: Double]) -> [Double] {
  var weights = [Double](repeating: 0, count: Step.count)
  for (step, weight) in steps { weights[Int(step.rawValue)] = weight }
  return weights
}

@Suite struct ClaimCostsTests {
  @Test func aCostThatTheDataTellHasTheScatterOfItsDraws() throws {
    let costs = ClaimCosts(model: model([.headerRead: 10]))
    let found = costs.evidence(weights([.headerRead: 2]), most: nil)
    guard case .known(let estimate) = found else {
      Issue.record("\(found)")
      return
    }
    #expect(estimate.value == 20)
    #expect(abs((estimate.high ?? 0) - 23.92) < 0.05 && abs((estimate.low ?? 0) - 16.08) < 0.05)
    let bounded = costs.evidence(weights([.headerRead: 2]), most: 21)
    #expect(bounded.estimate?.high == 21)
  }

  @Test func companionsAreToldTogetherOnly() throws {
    let costs = ClaimCosts(
      model: model([.headerRead: 6, .magicCheck: 4], groups: [[.headerRead, .magicCheck]]))
    let alone = costs.evidence(weights([.magicCheck: 1]), most: nil)
    guard case .unidentifiable(let estimate, _, let reason) = alone else {
      Issue.record("\(alone)")
      return
    }
    #expect(reason == "magic-check can't be told from header-read")
    #expect(estimate.low == 0 && abs((estimate.high ?? 0) - 11.96) < 0.05)
    let both = costs.evidence(weights([.magicCheck: 1, .headerRead: 1]), most: nil)
    guard case .known(let sum) = both else {
      Issue.record("\(both)")
      return
    }
    #expect(sum.value == 10)
  }

  @Test func anAssumedCostIsBoundedByAllTheTimeThereIs() throws {
    let costs = ClaimCosts(model: model([.policyUpdate: 2000], assumed: [.policyUpdate]))
    let found = costs.evidence(weights([.policyUpdate: 1]), most: 300)
    guard case .unidentifiable(let estimate, nil, let reason) = found else {
      Issue.record("\(found)")
      return
    }
    #expect(estimate == Estimate(value: 300, low: 0, high: 300))
    #expect(reason.contains("policy-update") && reason.contains("assumed"))
    // A sum that is mostly known is known.
    let mostly = costs.evidence(weights([.policyUpdate: 0.0001, .mallocCall: 1]), most: nil)
    guard case .known = mostly else {
      Issue.record("\(mostly)")
      return
    }
  }

  @Test func aCostTimedAloneIsBoundedByThat() throws {
    let costs = ClaimCosts(
      model: model([.headerRead: 10], assumed: [.headerRead], timedAlone: [.headerRead]))
    let found = costs.evidence(weights([.headerRead: 1]), most: 300)
    guard case .unidentifiable(let estimate, let alone?, let reason) = found else {
      Issue.record("\(found)")
      return
    }
    #expect(estimate == Estimate(value: 10, low: 0, high: 300), "by the data in place")
    #expect(alone.low == 0 && abs((alone.high ?? 0) - 11.96) < 0.05)
    #expect(costs.evidence(weights([.headerRead: 1]), most: 8).estimate?.high == 8)
    #expect(reason.contains("isolated"))
  }

  @Test func weightsArePerExecutionOfWhatIsCounted() throws {
    let mean = weights([.mallocCall: 0.5, .headerRead: 0.25, .magicCheck: 0.75])
    let component = Component(.magicCheck)
    #expect(ClaimCosts.weights(component, mean)?[Int(Step.magicCheck.rawValue)] == 1)
    #expect(ClaimCosts.weights(Component(.cacheHit), mean) == nil)
  }

  @Test func callsAreAddedUp() {
    let summary = """
      % time     seconds  usecs/call     calls    errors syscall
      ------ ----------- ----------- --------- --------- ----------------
       70.00    0.000100           2      1017         3 mmap
       30.00    0.000000           0         5           munmap
        0.00    0.000000           0         7           brk
      ------ ----------- ----------- --------- --------- ----------------
      100.00    0.000100           0      1029           total
      """
    #expect(Laboratory.sum(summary, of: ["mmap", "munmap", "madvise"]) == 1022)
    #expect(Laboratory.sum("", of: ["mmap"]) == 0)
  }
}
