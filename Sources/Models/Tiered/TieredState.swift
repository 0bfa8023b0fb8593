/// Free blocks of one size, the last one freed first, and the rest of the run that new ones are cut
/// from.
///
/// An intrusive list that is used last in, first out, is a stack: the model keeps it as one.
struct TieredClass {
  var free: UnsafeMutablePointer<Address>?
  var count = 0
  var capacity = 0
  var next: Address = 0
  var end: Address = 0

  @inline(__always)
  mutating func pop() -> Address {
    count &-= 1
    // A list with blocks has room for them.
    return free.unsafelyUnwrapped[count]
  }

  @inline(__always)
  mutating func push(_ payload: Address, _ heap: ModelHeap) {
    if count == capacity { grow(heap) }
    free.unsafelyUnwrapped[count] = payload
    count &+= 1
  }

  @inline(never)
  private mutating func grow(_ heap: ModelHeap) {
    let larger = max(64, capacity * 2)
    if let free {
      self.free = heap.grow(free, from: capacity, to: larger, of: 0)
    } else {
      free = heap.allocate(larger, of: 0)
    }
    capacity = larger
  }

  @inline(__always)
  func hasRoom(_ stride: UInt64) -> Bool { end &- next >= stride }
}

/// What a thread owns.
struct TieredHeap {
  /// 0 until the thread's first need of a heap.
  var address: Address = 0
  var medium: UnsafeMutablePointer<TieredClass>?
  /// Allocations of the round, and those that were mappings.
  var round: UInt32 = 0
  var mappings: UInt32 = 0
  var repeats: UInt32 = 0
  var lastBytes: UInt64 = 0
  var rounds = false
}

/// What is known of a live region: what the C source reads from headers, the model reads here.
struct TieredRegion {
  var tier: Tier
  /// The class of a chunk, the kind of huge pages; while the record is free, the next free one.
  var number: Int = 0
  var bytes: UInt64 = 0
  /// From the region to its payload.
  var offset: UInt64 = 0
  /// Runs of 32 KiB in which starts of blocks were moved for an alignment, by bit; for other
  /// regions than segments, bit 0.
  var moved: UInt32 = 0
  /// The class of every run of a segment.
  var classes: UnsafeMutablePointer<UInt8>?
}

/// The records of live regions, found by region number; records are recycled.
struct TieredRegions {
  private let heap: ModelHeap
  private(set) var records: UnsafeMutablePointer<TieredRegion>
  private var table = RegionTable()
  private var count = 0
  private var capacity = 64
  private var free = -1

  init(heap: ModelHeap) {
    self.heap = heap
    records = heap.allocate(capacity, of: TieredRegion(tier: .small))
  }

  func deallocate() { table.deallocate() }

  @inline(__always)
  func record(of address: Address) -> UnsafeMutablePointer<TieredRegion> {
    records + Int(table[address >> AddressSpace.offsetBits])
  }

  mutating func add(_ record: TieredRegion, at region: Address) {
    var number = free
    if number >= 0 {
      free = records[number].number
    } else {
      if count == capacity {
        records = heap.grow(records, from: count, to: capacity * 2, of: record)
        capacity *= 2
      }
      number = count
      count += 1
    }
    records[number] = record
    table.insert(region >> AddressSpace.offsetBits, Int64(number))
  }

  mutating func remove(_ region: Address) {
    let number = Int(table[region >> AddressSpace.offsetBits])
    table.remove(region >> AddressSpace.offsetBits)
    records[number].number = free
    free = number
  }
}

/// What a simulation reports of a tiered design beside its steps.
struct TieredMetrics {
  var asked: UInt64 = 0
  /// Bytes that blocks took, headers and rounding included.
  var taken: UInt64 = 0
  var mediumAllocations: UInt64 = 0
  var mediumReused: UInt64 = 0
  var cacheHits: UInt64 = 0
  var cacheMisses: UInt64 = 0
  var hugeAllocations: UInt64 = 0
  var hugeFallbacks: UInt64 = 0
}
