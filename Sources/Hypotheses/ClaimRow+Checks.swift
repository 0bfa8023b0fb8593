import Designs

extension ClaimRow {
  /// Whether a measure can be had on this workload of these designs.
  func check(
    _ measure: Measure, workload: ClaimWorkload?, designs: [NamedAllocator], at place: NamePlace
  ) throws(ClaimError) {
    try check(measure, on: workload, at: place)
    for side in measure.sides {
      guard side == .first ? designs.count >= 1 : designs.count == 2 else {
        throw .unusable(
          "\(measure)", "speaks of design \(side.rawValue), which the claim doesn't name",
          remedy: "list it: designs: [A's name, B's name]", at: place)
      }
      let named = side == .first ? designs[0] : designs[1]
      guard measure.needsModel else { continue }
      guard let design = named.design, design.isWhollyModelled else {
        throw .unusable(
          "\(measure)", "needs a whole model, and there is none of \(named.text)",
          remedy: "compare times instead, or name an own design that stands in", at: place)
      }
      if case .payoff(_, let change) = measure {
        _ = try wrapped { () throws(DesignError) in
          try vocabulary.catalogue.apply(change, to: design, at: place)
        }
      }
    }
  }

  private func check(
    _ measure: Measure, on workload: ClaimWorkload?, at place: NamePlace
  ) throws(ClaimError) {
    var isStudy = false
    if case .scoreCaching? = workload?.origin { isStudy = true }
    switch measure {
    case .isolatedCost: break
    case .study:
      if !isStudy {
        throw .unusable(
          "\(measure)", "is measured in a study only",
          remedy: "write workload: {study: score-caching, parameters: {population: 100}}",
          at: place)
      }
    case .scaling where workload?.threads != .recorded:
      throw .unusable(
        "\(measure)", "needs threads that run at once",
        remedy: "name a workload with threads: recorded", at: place)
    case .cost, .count, .shareOfGap, .shareOfTime, .time, .gap, .payoff, .pageFaults,
      .systemCalls, .bytes, .scaling, .events, .allocations:
      if isStudy {
        throw .unusable(
          "\(measure)", "is not measured in a study",
          remedy: "use study(…), or name a recipe or a trace", at: place)
      }
    }
  }

  /// What the claim's prediction rests on.
  func assumptions() throws(ClaimError) -> [Claim.Assumption] {
    var found: [Claim.Assumption] = []
    for entry in try wrapped({ () throws(DesignError) in try row.mappings("assumes") }) {
      found.append(
        try assumption(wrapped { () throws(DesignError) in try entry.get() }))
    }
    return found
  }

  private func assumption(_ entry: StrictMapping) throws(ClaimError) -> Claim.Assumption {
    let (step, per, times, cost) = try wrapped { () throws(DesignError) in
      try entry.allow(["step", "per", "times", "cost"])
      return (
        try entry.text("step"), try entry.optionalText("per"), try entry.optionalText("times"),
        try entry.optionalText("cost")
      )
    }
    let named = vocabulary.components.first { $0.name == step.text }
    let component: Component
    if let named {
      component = named
    } else {
      component = Component(try Step(claimed: step.text, at: step.place))
    }
    if times == nil && cost == nil {
      throw .unusable(
        "an assumption", "says neither how often nor how much",
        remedy: "add times: 1 count or cost: 150 ns", at: entry.place)
    }
    var counted = Step.mallocCall
    if let per { counted = try Step(claimed: per.text, at: per.place) }
    return Claim.Assumption(
      component: component, per: counted, times: try value(times, .count),
      cost: try value(cost, .time))
  }

  private func value(
    _ text: Text?, _ dimension: Dimension
  ) throws(ClaimError) -> ClaimedValue? {
    guard let text else { return nil }
    let value = try ClaimedValue(text.text, at: text.place)
    guard value.unit.dimension == dimension else {
      throw .wrongUnit(value.unit, of: dimension, at: text.place)
    }
    return value
  }
}
