extension Transform {
  /// Call sites that an error names at most.
  private static let sitesNamed = 5

  /// Why nothing of a trace changed: as a rule, because a call site was named that reallocates what
  /// is born elsewhere.
  func unchanged(_ trace: TraceReader, _ chosen: [Bool], objects: UInt64) throws -> TraceError {
    let list = "list its call sites with: mallometer info \(trace.path) --sites"
    if objects > 0 {
      let reason =
        switch kind {
        case .preallocate: "none of them is ever reallocated"
        case .reuseBuffer: "none of them is asked for after another was freed"
        case .arena: "no two of them are in a chunk together"
        case .drop: "none of their calls is left out"
        }
      return TraceError(
        .recipe, path: trace.path,
        "\(description) changes none of the \(objects) objects born at \"\(site)\": \(reason)",
        remedy: list)
    }
    let births = try Self.births(trace, reallocatedAt: chosen)
      .sorted { ($0.value, $1.key) > ($1.value, $0.key) }
    guard let first = births.first else {
      return TraceError(
        .recipe, path: trace.path,
        "\(description) changes nothing: no object is born at \"\(site)\"", remedy: list)
    }
    var symboliser = Symboliser(trace)
    let named = births.prefix(Self.sitesNamed).map {
      "\($0.key) (\(symboliser.name(ofSite: $0.key)), \($0.value) times)"
    }
    return TraceError(
      .recipe, path: trace.path,
      "\(description) changes nothing: no object is born at \"\(site)\"; what is reallocated there "
        + "is born at \(named.joined(separator: ", "))",
      remedy: "name the call site of the birth, as in \(kind.rawValue)(\(first.key))")
  }

  /// How many reallocations at the chosen sites are of objects born at each site.
  private static func births(
    _ trace: TraceReader, reallocatedAt chosen: [Bool]
  ) throws -> [UInt32: Int] {
    var births: [UInt32: Int] = [:]
    // The site of the birth plus one, 0 for a dead slot.
    var live = [UInt32](repeating: 0, count: trace.slots)
    try trace.forEachBlock { events in
      for event in events {
        let slot = Int(event.slot)
        if event.kind.frees {
          live[slot] = 0
        } else if event.kind.allocates {
          if live[slot] == 0 {
            live[slot] = event.site + 1
          } else if chosen[Int(event.site)] {
            births[live[slot] - 1, default: 0] += 1
          }
        }
      }
    }
    return births
  }
}
