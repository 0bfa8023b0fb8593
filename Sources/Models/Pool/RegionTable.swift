/// Which structure of a model lives in a region: open addressing by region number.
///
/// Regions are numbered in order, so that the number itself is a good hash; only live regions take
/// room.
///
/// - Complexity: O(1) expected for every operation.
struct RegionTable {
  private struct Entry {
    /// 0 is no region.
    var region: UInt64
    var value: Int64
  }

  private var entries: UnsafeMutablePointer<Entry>
  private var mask: UInt64
  private var count = 0

  init() {
    mask = 63
    entries = Self.makeEntries(64)
  }

  func deallocate() { entries.deallocate() }

  private static func makeEntries(_ capacity: Int) -> UnsafeMutablePointer<Entry> {
    let entries = UnsafeMutablePointer<Entry>.allocate(capacity: capacity)
    entries.initialize(repeating: Entry(region: 0, value: 0), count: capacity)
    return entries
  }

  /// The value of a region that is in the table.
  @inline(__always)
  subscript(region: UInt64) -> Int64 {
    var index = region & mask
    while entries[Int(index)].region != region { index = (index &+ 1) & mask }
    return entries[Int(index)].value
  }

  mutating func insert(_ region: UInt64, _ value: Int64) {
    if 2 * (count + 1) > Int(mask) + 1 { grow() }
    place(Entry(region: region, value: value))
    count += 1
  }

  mutating func remove(_ region: UInt64) {
    var hole = region & mask
    while entries[Int(hole)].region != region { hole = (hole &+ 1) & mask }
    var next = (hole &+ 1) & mask
    // What was displaced past the hole moves into it, so that searches need no tombstones.
    while entries[Int(next)].region != 0 {
      let home = entries[Int(next)].region & mask
      if (next &- home) & mask >= (next &- hole) & mask {
        entries[Int(hole)] = entries[Int(next)]
        hole = next
      }
      next = (next &+ 1) & mask
    }
    entries[Int(hole)] = Entry(region: 0, value: 0)
    count -= 1
  }

  private mutating func place(_ entry: Entry) {
    var index = entry.region & mask
    while entries[Int(index)].region != 0 { index = (index &+ 1) & mask }
    entries[Int(index)] = entry
  }

  private mutating func grow() {
    let old = entries
    let capacity = Int(mask) + 1
    entries = Self.makeEntries(2 * capacity)
    mask = UInt64(2 * capacity - 1)
    for index in 0..<capacity where old[index].region != 0 { place(old[index]) }
    old.deallocate()
  }
}
