/// Free blocks of one size, the last one freed first, and what new ones are cut from.
struct TieredClass {
  var free = ModelList<Address>()
  var rest = Remainder()
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
  /// The class of a chunk, the kind of huge pages.
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

/// The records of live regions, found by region number.
struct TieredRegions {
  private let heap: ModelHeap
  private var recycled = RecycledRecords<TieredRegion>()
  private var table: RegionTable

  init(heap: ModelHeap) {
    self.heap = heap
    table = RegionTable(heap)
  }

  @inline(__always)
  func record(of address: Address) -> UnsafeMutablePointer<TieredRegion> {
    recycled.records + Int(table[address])
  }

  mutating func add(_ record: TieredRegion, at region: Address) {
    table.insert(region, Int64(recycled.add(record, heap)), heap)
  }

  mutating func remove(_ region: Address) {
    recycled.remove(Int(table[region]), heap)
    table.remove(region)
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
