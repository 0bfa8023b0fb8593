extension Design {
  /// The family as it comes and every design that differs from it in one toggle, in the order in
  /// which the family declares them.
  public static func singleToggleVariants(of family: Family) -> [Design] {
    var variants = [Design(family: family)]
    for toggle in family.toggles {
      for value in toggle.values where value != toggle.defaultValue {
        variants.append(Design(family: family, changes: [toggle.name: value]))
      }
    }
    return variants
  }

  /// Designs that differ from the family's defaults in two toggles (every pair of changes), then
  /// in three, and so on: the same list on every run.
  public static func multiToggleVariants(of family: Family) -> [Design] {
    let changes = family.toggles.enumerated().flatMap { index, toggle in
      toggle.values.filter { $0 != toggle.defaultValue }
        .map { (toggle: index, name: toggle.name, value: $0) }
    }
    var variants: [Design] = []
    var combinations = changes.map { [$0] }
    while !combinations.isEmpty {
      combinations = combinations.flatMap { combination in
        changes.filter { $0.toggle > combination[combination.count - 1].toggle }
          .map { combination + [$0] }
      }
      variants += combinations.map { combination in
        Design(
          family: family,
          changes: Dictionary(uniqueKeysWithValues: combination.map { ($0.name, $0.value) }))
      }
    }
    return variants
  }

  /// Single-toggle variants first, then multi-toggle ones up to `limit` in all, spread evenly over
  /// their list, so that a short selection combines many different toggles.
  public static func variants(of family: Family, limit: Int) -> [Design] {
    let single = singleToggleVariants(of: family)
    guard limit > single.count else { return Array(single.prefix(limit)) }
    let multi = multiToggleVariants(of: family)
    let wanted = min(limit - single.count, multi.count)
    return single + (0..<wanted).map { multi[$0 * multi.count / wanted] }
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
