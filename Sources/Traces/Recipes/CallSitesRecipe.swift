import Foundation

/// What programs have and tables of random cells don't: call sites that differ in all they do.
struct CallSitesRecipe: Recipe {
  static let name = "call-sites"
  static let summary =
    "every call site has sizes, lifetimes and calls in a row of its own; a few make most calls"
  static let parameters: [RecipeParameter] = [
    .events(200_000), RecipeParameter("sites", 64, 1...65536, "call sites that allocate"),
    RecipeParameter("life", 10_000, 1...100_000_000, "longest mean lifetime, in allocations"),
    .least, .most, RecipeParameter("burst", 8, 1...1_000_000, "most calls of a site in a row"),
    RecipeParameter("kept", 16, 0...65536, "one site in so many keeps its blocks; 0: none"),
    RecipeParameter("cleared", 8, 0...65536, "one site in so many calls calloc; 0: none"),
    RecipeParameter("grown", 8, 0...65536, "one site in so many doubles its blocks; 0: none"),
  ]
  static let touch = TouchPolicy.firstLine

  let values: RecipeValues

  init(_ values: RecipeValues) { self.values = values }

  func generate(into emitter: TraceEmitter) throws(TraceError) {
    let sites = try callSites(emitter)
    var calendar = DueBlocks()
    var clock: UInt64 = 0
    while !emitter.isFull {
      let draw = emitter.generator.unit() * (sites.last?.share ?? 0)
      guard let number = sites.firstIndex(where: { $0.share > draw }) else { continue }
      let site = sites[number]
      var end: UInt64?
      for _ in 0...emitter.generator.below(site.burst) {
        while let due = calendar.next(until: clock) {
          if emitter.isFull { return }
          if let later = try Self.finish(due, at: clock, of: sites[due.site], emitter) {
            calendar.add(later)
          }
        }
        if emitter.isFull { return }
        let bytes = bytes(of: site, emitter)
        let slot = try emitter.allocate(bytes, site: site.allocation, kind: site.kind)
        clock += 1
        guard let life = site.life else { continue }
        let drawn = clock + UInt64(-log(emitter.generator.unit() + 0x1p-53) * life)
        let death = site.varies ? drawn : end ?? drawn
        end = death
        // What grows does so halfway.
        calendar.add(
          DueBlocks.Block(
            time: site.grows ? (clock + death) / 2 : death, slot: slot, site: number,
            grownBytes: site.grows ? bytes * 2 : 0))
      }
    }
  }

  /// Frees a block, or grows one.
  /// - Returns: the grown one, which is still to be freed.
  private static func finish(
    _ due: DueBlocks.Block, at clock: UInt64, of site: CallSite, _ emitter: TraceEmitter
  ) throws(TraceError) -> DueBlocks.Block? {
    guard due.grownBytes > 0 else {
      try emitter.free(due.slot, site: site.release)
      return nil
    }
    try emitter.reallocate(due.slot, to: due.grownBytes, site: site.allocation)
    let rest = UInt64(-log(emitter.generator.unit() + 0x1p-53) * (site.life ?? 0) / 2)
    return DueBlocks.Block(time: clock + rest, slot: due.slot, site: due.site, grownBytes: 0)
  }

  private func bytes(of site: CallSite, _ emitter: TraceEmitter) -> UInt64 {
    guard site.varies else { return site.bytes }
    let drawn = site.bytes / 2 + emitter.generator.below(site.bytes + 1)
    return min(max(drawn, values["min"]), values["max"])
  }

  private func callSites(_ emitter: TraceEmitter) throws(TraceError) -> [CallSite] {
    let count = values["sites"]
    let (least, most) = (log(Double(max(values["min"], 1))), log(Double(values["max"])))
    var share = 0.0
    var sites: [CallSite] = []
    for number in 0..<count {
      func isOne(in parameter: String, at place: UInt64) -> Bool {
        let every = values[parameter]
        return every > 0 && number % every == place % every
      }
      // The busiest makes twice the calls of the second and thrice those of the third.
      share += 1 / Double(number + 1)
      let life = exp(emitter.generator.unit() * log(Double(values["life"])))
      sites.append(
        CallSite(
          allocation: try emitter.site(number), release: try emitter.site(count + number),
          bytes: UInt64(exp(least + emitter.generator.unit() * (most - least))),
          varies: number % 2 == 1, life: isOne(in: "kept", at: 1) ? nil : life,
          burst: 1 + emitter.generator.below(values["burst"]),
          kind: isOne(in: "cleared", at: 2) ? .calloc : .malloc, grows: isOne(in: "grown", at: 3),
          share: share))
    }
    return sites
  }

  private struct CallSite {
    let allocation: UInt32
    let release: UInt32
    let bytes: UInt64
    /// Strings and arrays rather than records: sizes scatter by half, and each block has its own
    /// end; records that are made in a row have one end.
    let varies: Bool
    /// Mean, in allocations; nil where blocks are kept.
    let life: Double?
    /// Most calls in a row.
    let burst: UInt64
    let kind: EventKind
    let grows: Bool
    /// Of all calls, unscaled, with those of the sites before it.
    let share: Double
  }
}

/// Blocks to be freed or grown at a time of theirs, the earliest first: a binary heap.
private struct DueBlocks {
  struct Block {
    /// In allocations.
    let time: UInt64
    let slot: UInt32
    /// Place among the call sites.
    let site: Int
    /// 0 for one that is freed.
    let grownBytes: UInt64
  }

  private var heap: [Block] = []

  mutating func add(_ block: Block) {
    heap.append(block)
    var child = heap.count - 1
    while child > 0, heap[child].time < heap[(child - 1) / 2].time {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// The earliest, if it is due; it is out of the heap then.
  mutating func next(until time: UInt64) -> Block? {
    guard let first = heap.first, first.time <= time else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child].time < heap[least].time { least = child }
      if least == parent { return first }
      heap.swapAt(least, parent)
      parent = least
    }
  }
}
