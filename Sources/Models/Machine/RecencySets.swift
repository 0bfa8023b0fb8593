/// Sets of ways in order of recency: a cache level or a translation buffer under true LRU.
///
/// A set is `ways` 32-bit tags, the most recently used first, so that the common hit is one
/// comparison and a set of 16 ways is one line of the host's own cache.
/// Hardware has pseudo-LRU, which comes close to it (Al-Zoubi, Milenkovic and Milenkovic, Performance
/// evaluation of cache replacement policies for the SPEC CPU2000 benchmark suite, ACM-SE 2004).
struct RecencySets {
  /// Tag 0 is an empty way.
  private let tags: UnsafeMutablePointer<UInt32>
  let sets: Int
  let ways: Int

  init(_ level: MachineGeometry.Level) {
    sets = level.sets
    ways = level.ways
    tags = .allocate(capacity: level.capacity)
    tags.initialize(repeating: 0, count: level.capacity)
  }

  func deallocate() { tags.deallocate() }

  /// Looks a tag up and makes it the most recent of its set; a miss evicts the least recent.
  /// - Returns: whether it was there.
  @inline(__always)
  func access(_ tag: UInt32, set: Int) -> Bool {
    let base = tags + set &* ways
    var carried = base[0]
    if carried == tag { return true }
    base[0] = tag
    var way = 1
    while way < ways {
      let next = base[way]
      base[way] = carried
      if next == tag { return true }
      carried = next
      way &+= 1
    }
    return false
  }

  /// Whether a tag is there; recency stays as it is.
  func contains(_ tag: UInt32, set: Int) -> Bool {
    let base = tags + set * ways
    return (0..<ways).contains { base[$0] == tag }
  }

  /// Forgets a tag, which makes its way the first to be filled again.
  func remove(_ tag: UInt32, set: Int) {
    let base = tags + set * ways
    guard let found = (0..<ways).first(where: { base[$0] == tag }) else { return }
    for way in found..<(ways - 1) { base[way] = base[way + 1] }
    base[ways - 1] = 0
  }
}
