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
    case .cachingOverhead: return .known(row.overheadNs)
    case .allocationTime: return .known(row.allocationNs)
    case .copyingTime: return .known(copying(row))
    }
  }

  private var atomicLoad: Estimate {
    cost(.atomicLoad)
  }

  private func cost(_ cost: ScoreCaching.Cost) -> Estimate {
    findings.costs.first { $0.cost == cost }?.ns ?? Estimate(unbounded: 0)
  }

  /// What the cached form moves and copies besides sorting, by its fitted costs.
  private func copying(_ row: ScoreCaching.Findings.Row) -> Estimate {
    let parts: [(ScoreCaching.Step, ScoreCaching.Cost)] = [
      (.elementMoves, .elementMove), (.bytesMoved, .byteMoved), (.bytesCopied, .byteCopied),
    ]
    return parts.reduce(Estimate(exactly: 0)) {
      $0.plus(cost($1.1).scaled(by: row.overhead[$1.0.rawValue]))
    }
  }

  /// As a share, no more surely than the same form measured twice agrees with itself.
  private static func change(_ row: ScoreCaching.Findings.Row) -> Estimate {
    let floor = row.noiseFloorPercent ?? 0
    return Estimate(
      value: row.measured.value / 100,
      low: row.measured.low.map { min($0, row.measured.value - floor) / 100 },
      high: row.measured.high.map { max($0, row.measured.value + floor) / 100 })
  }
}

extension Evidence {
  /// Counted.
  static func known(exactly value: Double) -> Evidence {
    .known(Estimate(exactly: value))
  }
}
