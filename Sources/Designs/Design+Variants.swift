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

  /// All single-toggle variants and pairs that give every value a second variant, so that what it
  /// changes is still known with one of the two left out, however many they are; then other pairs
  /// up to `limit` in all, spread evenly over their list, so that a short selection combines many
  /// different toggles.
  public static func variants(of family: Family, limit: Int) -> [Design] {
    let single = singleToggleVariants(of: family)
    let needed = single + secondVariants(of: single)
    guard limit > needed.count else { return needed }
    let known = Set(needed)
    let pairs = variants(of: family, changing: 2).filter { !known.contains($0) }
    let wanted = min(limit - needed.count, pairs.count)
    return needed + (0..<wanted).map { pairs[$0 * pairs.count / wanted] }
  }

  /// Pairs of the changes that one variant alone has, each with the one farthest from it in the
  /// family's order that contradicts nothing: neighbours concern the same part of an allocator.
  /// With no such change left, one that has its second variant already will do; a value that
  /// leaves no other any effect has none. A change that locks comes last, and is no second variant
  /// of one that doesn't: beside it the rest costs less than alone.
  private static func secondVariants(of single: [Design]) -> [Design] {
    let changes = single.map { design in
      Dictionary(uniqueKeysWithValues: design.changes.map { ($0.toggle, $0.value) })
    }
    let lone = single.indices.filter { index in
      !changes[index].isEmpty
        && !changes.indices.contains { other in
          other != index && changes[index].allSatisfy { changes[other][$0.key] == $0.value }
        }
    }
    let locks = single.map(\.locks)
    var open = Set(lone)
    var pairs: [Design] = []
    for index in lone where open.contains(index) {
      let partners = single.indices.filter { $0 != index && !changes[$0].isEmpty }.sorted {
        (locks[$0] ? 0 : 1, open.contains($0) ? 1 : 0, abs($0 - index), $0)
          > (locks[$1] ? 0 : 1, open.contains($1) ? 1 : 0, abs($1 - index), $1)
      }
      for partner in partners {
        let family = single[index].family
        let both = changes[index].merging(changes[partner]) { $1 }
        let holdsAll = changes[index].allSatisfy { both[$0.key] == $0.value }
        guard holdsAll, family.contradiction(in: both) == nil else { continue }
        pairs.append(Design(family: family, changes: both))
        open.remove(index)
        if locks[partner] || !locks[index] { open.remove(partner) }
        break
      }
    }
    return pairs
  }
}

extension Design {
  /// Whether one of its changes adds a lock or a locked instruction to calls.
  var locks: Bool {
    family.toggles.contains { $0.lockingValues.contains(self[$0.name]) }
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
