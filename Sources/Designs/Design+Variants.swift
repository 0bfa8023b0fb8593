extension Design {
  /// The family as it comes and every design that differs from it in one toggle and in what that
  /// toggle requires to have an effect, in the order in which the family declares them.
  public static func singleToggleVariants(of family: Family) -> [Design] {
    var variants = [Design(family: family)]
    for toggle in family.toggles {
      for value in toggle.values where value != toggle.defaultValue {
        variants.append(
          Design(family: family, changes: family.completed([toggle.name: value])))
      }
    }
    return variants
  }

  /// Every design that differs from one in a single toggle and in what that toggle requires to have
  /// an effect, in the order in which the family declares them; contradictory ones are left out.
  public static func singleChanges(of design: Design) -> [Design] {
    let family = design.family
    let values = design.values
    var designs: [Design] = []
    for toggle in family.toggles {
      for value in toggle.values where value != design[toggle.name] {
        var changes = values.merging([toggle.name: value]) { $1 }
        if let unmet = family.contradiction(in: changes), unmet.setting.toggle == toggle.name {
          changes[unmet.requirement.toggle] = unmet.requirement.values[0]
        }
        guard family.contradiction(in: changes) == nil else { continue }
        designs.append(Design(family: family, changes: changes))
      }
    }
    return designs
  }

  /// Every design without contradictions that differs from the family's defaults in exactly so many
  /// toggles: the same list on every run. It grows fast with `toggles`; pairs are what interactions
  /// are found with.
  public static func variants(of family: Family, changing toggles: Int) -> [Design] {
    let changes = family.toggles.enumerated().flatMap { index, toggle in
      toggle.values.filter { $0 != toggle.defaultValue }
        .map { (toggle: index, name: toggle.name, value: $0) }
    }
    var combinations = [[(toggle: Int, name: String, value: String)]]()
    combinations.append([])
    for _ in 0..<toggles {
      combinations = combinations.flatMap { combination in
        changes.filter { $0.toggle > combination.last?.toggle ?? -1 }.map { combination + [$0] }
      }
    }
    return combinations.compactMap { combination in
      let changes = Dictionary(uniqueKeysWithValues: combination.map { ($0.name, $0.value) })
      guard family.contradiction(in: changes) == nil else { return nil }
      return Design(family: family, changes: changes)
    }
  }

  /// All single-toggle variants, however many, then pairs up to `limit` in all, spread evenly over
  /// their list, so that a short selection combines many different toggles.
  public static func variants(of family: Family, limit: Int) -> [Design] {
    let single = singleToggleVariants(of: family)
    guard limit > single.count else { return single }
    let known = Set(single)
    let pairs = variants(of: family, changing: 2).filter { !known.contains($0) }
    let wanted = min(limit - single.count, pairs.count)
    return single + (0..<wanted).map { pairs[$0 * pairs.count / wanted] }
  }
}

extension Allocator: CustomStringConvertible {
  /// Canonical, as `--design` takes it.
  public var description: String {
    switch self {
    case .own(let design): design.description
    case .system(let name): name
    case .preload(let path): "preload:\(path)"
    }
  }
}
