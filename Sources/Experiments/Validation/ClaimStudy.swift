import Hypotheses
import Platform

/// What the study of score caching says of its observables.
struct ClaimStudy {
  let findings: ScoreCaching.Findings

  func evidence(_ observable: StudyObservable, population: Int) -> Evidence {
    guard let row = findings.rows.first(where: { $0.population == population }) else {
      return .missing(
        .inconclusive,
        reason: "the study has not been run for \(population): mallometer study score-caching")
    }
    func steps(_ counts: [Double], _ steps: ScoreCaching.Step...) -> Evidence {
      .known(exactly: steps.reduce(0) { $0 + counts[$1.rawValue] })
    }
    switch observable {
    case .change: return .known(Self.change(row))
    case .sortingTime: return .known(row.loadsNs)
    case .cachingTime: return .known(row.cachingNs)
    case .comparisons: return steps(row.loads, .comparisons)
    case .atomicLoads: return steps(row.loads, .atomicLoads)
    case .cachedLoads: return steps(row.caching, .atomicLoads)
    case .allocations: return steps(row.caching, .allocations)
    // Every byte that is allocated is filled once; what sorting moves isn't caching's.
    case .bytesCopied: return steps(row.caching, .bytesAllocated)
    case .referenceCountUpdates:
      return steps(row.caching, .referenceIncrements, .referenceDecrements)
    case .atomicLoadCost: return .known(atomicLoad)
    case .allocationCost:
      return .missing(
        .inconclusive, reason: "the study times its allocations together with their frees")
    case .cachingOverhead: return .known(overhead(row))
    }
  }

  private var atomicLoad: Estimate {
    findings.costs.first { $0.cost == .atomicLoad }?.ns ?? Estimate(unbounded: 0)
  }

  /// As a share, no more surely than the same form measured twice agrees with itself.
  private static func change(_ row: ScoreCaching.Findings.Row) -> Estimate {
    let floor = row.noiseFloorPercent ?? 0
    return Estimate(
      value: row.measured.value / 100,
      low: row.measured.low.map { min($0, row.measured.value - floor) / 100 },
      high: row.measured.high.map { max($0, row.measured.value + floor) / 100 })
  }

  /// The cached form's time less the other's, and the loads back that only the other one makes at
  /// its comparisons.
  private func overhead(_ row: ScoreCaching.Findings.Row) -> Estimate {
    let loads =
      row.loads[ScoreCaching.Step.atomicLoads.rawValue]
    let load = atomicLoad
    let value = row.cachingNs.value - row.loadsNs.value + loads * load.value
    func reach(_ end: (Estimate) -> Double?, _ other: (Estimate) -> Double?) -> Double? {
      guard let caching = end(row.cachingNs), let sorting = other(row.loadsNs),
        let cost = end(load)
      else { return nil }
      let parts = [
        caching - row.cachingNs.value, sorting - row.loadsNs.value, loads * (cost - load.value),
      ]
      return parts.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    return Estimate(
      value: value, low: reach(\.low, \.high).map { value - $0 },
      high: reach(\.high, \.low).map { value + $0 })
  }
}

extension Evidence {
  /// Counted.
  static func known(exactly value: Double) -> Evidence {
    .known(Estimate(value: value, low: value, high: value))
  }
}
