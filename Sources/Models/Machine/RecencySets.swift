import CPlatform

/// Sets of ways in order of recency: a cache level or a translation buffer under true LRU.
///
/// A set is `ways` 32-bit tags, the most recently used first, so that the common hit is one
/// comparison and a set of 16 ways is one line of the host's own cache. Sets are padded to whole
/// vectors with empty tags.
/// Hardware has pseudo-LRU, which comes close to it (Al-Zoubi, Milenkovic and Milenkovic, Performance
/// evaluation of cache replacement policies for the SPEC CPU2000 benchmark suite, ACM-SE 2004).
struct RecencySets {
  /// Tag 0 is an empty way, and never looked for.
  private let tags: UnsafeMutablePointer<UInt32>
  private let allocation: UnsafeMutableRawPointer
  private let stride: Int
  private let vectors: Int32
  let sets: Int
  let ways: Int

  /// - Parameter portable: leave the host's widest vectors alone, for tests of the other way.
  init(_ level: MachineGeometry.Level, portable: Bool = false) {
    sets = level.sets
    ways = level.ways
    let vector = Int(MALLOMETER_RECENCY_VECTOR)
    if !portable && ways <= 16 && mallometer_recency_has_wide() != 0 {
      stride = 16
      vectors = Int32(MALLOMETER_RECENCY_WIDE)
    } else {
      stride = max((level.ways + vector - 1) / vector, 2) * vector
      vectors = Int32(stride / vector)
    }
    let words = sets * stride
    allocation = .allocate(byteCount: words * 4, alignment: 64)
    allocation.initializeMemory(as: UInt32.self, repeating: 0, count: words)
    tags = allocation.assumingMemoryBound(to: UInt32.self)
  }

  func deallocate() { allocation.deallocate() }

  /// The same sets as C takes them.
  var plain: mallometer_recency {
    mallometer_recency(
      tags: tags, stride: UInt32(stride), vectors: vectors, ways: UInt32(ways), sets: UInt32(sets))
  }

  /// Looks a tag up and makes it the most recent of its set; a miss evicts the least recent.
  /// - Returns: whether it was there.
  func access(_ tag: UInt32, set: Int) -> Bool {
    withUnsafePointer(to: plain) { mallometer_recency_access($0, UInt32(set), tag) != 0 }
  }

  /// Whether a tag is there; recency stays as it is.
  func contains(_ tag: UInt32, set: Int) -> Bool {
    let base = tags + set * stride
    return (0..<ways).contains { base[$0] == tag }
  }

  /// Forgets a tag, which makes its way the first to be filled again.
  func remove(_ tag: UInt32, set: Int) {
    let base = tags + set * stride
    guard let found = (0..<ways).first(where: { base[$0] == tag }) else { return }
    for way in found..<(ways - 1) { base[way] = base[way + 1] }
    base[ways - 1] = 0
  }
}
