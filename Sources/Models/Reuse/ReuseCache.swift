import Designs

/// The cache of recent frees, one table or one per thread: cache.h's algorithm.
struct ReuseCache {
  struct Slot {
    var payload: Address = 0
    var site: UInt64 = 0
    var actual: UInt64 = 0
    var isValid = false
  }

  private let options: ReuseOptions
  private let counts: StepCounts
  private let heap: ModelHeap
  /// One table per thread (one in all for the global cache), made when first used.
  private var tables: UnsafeMutablePointer<UnsafeMutablePointer<Slot>?>
  private var tableCount = 1
  /// Threads that have put a block into their cache.
  private var watched: Set<UInt16> = []
  /// Those of them that have ended: what they still free goes past their caches.
  private var closed: Set<UInt16> = []
  private var lock = SharedLock()
  /// Of two slots of the global cache each.
  private let lines: UnsafeMutablePointer<SharedLine>

  init(options: ReuseOptions, counts: StepCounts, heap: ModelHeap) {
    self.options = options
    self.counts = counts
    self.heap = heap
    tables = heap.allocate(tableCount, of: nil)
    lines = heap.allocate(
      options.cacheRows * ReuseLayout.cacheClasses / 2, of: SharedLine())
    tables[0] = heap.allocate(options.cacheRows * ReuseLayout.cacheClasses, of: Slot())
  }

  @inline(__always)
  private static func cacheClass(_ bytes: UInt64) -> Int {
    63 - (bytes / ReuseLayout.cacheMinimum).leadingZeroBitCount
  }

  private mutating func table(_ thread: UInt16) -> UnsafeMutablePointer<Slot> {
    let number = options.cache == .threadLocal ? Int(thread) : 0
    if number >= tableCount {
      tables = heap.grow(tables, from: tableCount, to: number + 1, of: nil)
      tableCount = number + 1
    }
    if let table = tables[number] { return table }
    let table = heap.allocate(options.cacheRows * ReuseLayout.cacheClasses, of: Slot())
    tables[number] = table
    return table
  }

  /// Finds the slot, counts how, and takes the lock.
  private mutating func slot<Memory: MemoryModel>(
    site: UInt64, cacheClass: Int, thread: UInt16, _ memory: Memory
  ) -> UnsafeMutablePointer<Slot> {
    var index = cacheClass
    if options.cache == .threadLocal { counts.count(.threadLocalAccess) }
    if options.keyedBySite {
      counts.count(.siteHash)
      index += Int((site >> 12) % UInt64(options.cacheRows)) * ReuseLayout.cacheClasses
    }
    if options.prefetches { counts.count(.cachePrefetch) }
    if options.cache == .global { lock.acquire(by: thread, counts) }
    if Memory.observesTouches {
      var base = ReuseLayout.cache
      if options.cache == .threadLocal {
        base = StaticData.threadBase + UInt64(thread) * StaticData.threadStride
      } else {
        memory.touch(base, isWrite: true)
      }
      memory.touch(
        base + ReuseLayout.cacheSlots + UInt64(index) * ReuseLayout.slotBytes, isWrite: true)
    }
    return table(thread) + index
  }

  /// - Returns: a block of at least `size` bytes that came from the same site, or 0.
  mutating func take<Memory: MemoryModel>(
    size: UInt64, site: UInt64, thread: UInt16, _ memory: Memory
  ) -> Address {
    counts.count(.cacheClass)
    let slot = slot(
      site: site, cacheClass: Self.cacheClass(size), thread: thread, memory)
    counts.count(.cacheLookup)
    guard slot.pointee.isValid, !options.keyedBySite || slot.pointee.site == site,
      slot.pointee.actual >= size
    else { return 0 }
    counts.count(.cacheHit)
    write(slot, by: thread)
    slot.pointee.isValid = false
    return slot.pointee.payload
  }

  /// - Returns: the block that lost its place, or 0.
  mutating func put<Memory: MemoryModel>(
    _ payload: Address, actual: UInt64, site: UInt64, thread: UInt16, _ memory: Memory
  ) -> Address {
    counts.count(.cacheClass)
    let slot = slot(
      site: site, cacheClass: Self.cacheClass(actual), thread: thread, memory)
    counts.count(.cacheStore)
    if options.cache == .threadLocal {
      if closed.contains(thread) { return payload }
      watched.insert(thread)
    }
    var evicted: Address = 0
    if slot.pointee.isValid {
      counts.count(.cacheEvict)
      evicted = slot.pointee.payload
    }
    write(slot, by: thread)
    slot.pointee = Slot(payload: payload, site: site, actual: actual, isValid: true)
    return evicted
  }

  /// A thread's own slots are never shared.
  private func write(_ slot: UnsafeMutablePointer<Slot>, by thread: UInt16) {
    guard options.cache == .global, let first = tables[0] else { return }
    lines[(slot - first) / 2].write(by: thread, counts)
  }

  /// Empties the cache of a thread that ends, if it ever had one.
  /// - Returns: the blocks that were in it, in the order of its slots.
  mutating func close(_ thread: UInt16) -> [Address] {
    guard Int(thread) < tableCount, let table = tables[Int(thread)], watched.contains(thread) else {
      return []
    }
    closed.insert(thread)
    var blocks: [Address] = []
    for index in 0..<(options.cacheRows * ReuseLayout.cacheClasses) where table[index].isValid {
      blocks.append(table[index].payload)
      table[index].isValid = false
    }
    return blocks
  }
}
