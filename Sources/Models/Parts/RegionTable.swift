/// Which structure of a model lives in a region: open addressing by region number.
///
/// Regions are numbered in order, so that the number itself is a good hash; only live regions take
/// room, in memory that the model's heap owns.
///
/// - Complexity: O(1) expected for every operation.
struct RegionTable {
  private struct Entry {
    /// 0 is no region.
    var region: UInt64
    var value: Int64
  }

  private var entries: UnsafeMutablePointer<Entry>
  private var mask: UInt64 = 63
  private var count = 0

  init(_ heap: ModelHeap) { entries = heap.allocate(64, of: Entry(region: 0, value: 0)) }

  /// The value of an address' region, which is in the table.
  @inline(__always)
  subscript(address: Address) -> Int64 {
    let region = AddressSpace.region(of: address)
    var index = region & mask
    while entries[Int(index)].region != region { index = (index &+ 1) & mask }
    return entries[Int(index)].value
  }

  /// Adds an address' region, which isn't in the table.
  mutating func insert(_ address: Address, _ value: Int64, _ heap: ModelHeap) {
    if 2 * (count + 1) > Int(mask) + 1 { grow(heap) }
    place(Entry(region: AddressSpace.region(of: address), value: value))
    count += 1
  }

  /// Removes an address' region, which is in the table.
  mutating func remove(_ address: Address) {
    let region = AddressSpace.region(of: address)
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

  private mutating func grow(_ heap: ModelHeap) {
    let old = entries
    let capacity = Int(mask) + 1
    entries = heap.allocate(2 * capacity, of: Entry(region: 0, value: 0))
    mask = UInt64(2 * capacity - 1)
    for index in 0..<capacity where old[index].region != 0 { place(old[index]) }
    heap.free(old)
  }
}
