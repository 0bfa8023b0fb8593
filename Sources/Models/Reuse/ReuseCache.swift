import Designs

/// The cache of recent frees, one table or one per thread: cache.h's algorithm.
///
/// A bin is a stack: of one block, or of as many as its intrusive list may have.
struct ReuseCache {
  struct Block {
    var payload: Address = 0
    var site: UInt64 = 0
    var actual: UInt64 = 0
  }

  /// The bins of all rows and classes.
  struct Table {
    /// How many blocks a bin holds.
    var held: UnsafeMutablePointer<UInt8>
    /// `cacheDepth` blocks per bin, the last freed last.
    var blocks: UnsafeMutablePointer<Block>
  }

  private let options: ReuseOptions
  private let counts: StepCounts
  private let heap: ModelHeap
  /// One table per thread (one in all for the global cache), made when first used.
  private var tables: UnsafeMutablePointer<Table?>
  private var tableCount = 1
  /// Threads that have put a block into their cache.
  private var watched: Set<UInt16> = []
  /// Those of them that have ended: what they still free goes past their caches.
  private var closed: Set<UInt16> = []
  private var lock = SharedLock()
  /// Of two slots of the global cache, or four lists, each.
  private let lines: UnsafeMutablePointer<SharedLine>
  private let slotBytes: UInt64

  init(options: ReuseOptions, counts: StepCounts, heap: ModelHeap) {
    self.options = options
    self.counts = counts
    self.heap = heap
    slotBytes = options.cacheDepth > 1 ? ReuseLayout.listBytes : ReuseLayout.slotBytes
    let bins = options.cacheRows * ReuseLayout.cacheClasses
    tables = heap.allocate(tableCount, of: nil)
    lines = heap.allocate(bins * Int(slotBytes) / 64, of: SharedLine())
    tables[0] = makeTable()
  }

  private func makeTable() -> Table {
    let bins = options.cacheRows * ReuseLayout.cacheClasses
    return Table(
      held: heap.allocate(bins, of: 0),
      blocks: heap.allocate(bins * options.cacheDepth, of: Block()))
  }

  @inline(__always)
  private static func cacheClass(_ bytes: UInt64) -> Int {
    63 - (bytes / ReuseLayout.cacheMinimum).leadingZeroBitCount
  }

  private mutating func table(_ thread: UInt16) -> Table {
    let number = options.cache == .threadLocal ? Int(thread) : 0
    if number >= tableCount {
      tables = heap.grow(tables, from: tableCount, to: number + 1, of: nil)
      tableCount = number + 1
    }
    if let table = tables[number] { return table }
    let table = makeTable()
    tables[number] = table
    return table
  }

  /// Finds the bin and counts how.
  private func bin(site: UInt64, cacheClass: Int) -> Int {
    var index = cacheClass
    if options.cache == .threadLocal { counts.count(.threadLocalAccess) }
    if options.keyedBySite {
      counts.count(.siteHash)
      index += Int((site >> 12) % UInt64(options.cacheRows)) * ReuseLayout.cacheClasses
    }
    if options.prefetches { counts.count(.cachePrefetch) }
    return index
  }

  private mutating func acquire<Memory: MemoryModel>(
    _ bin: Int, thread: UInt16, _ memory: Memory
  ) {
    if options.cache == .global { lock.acquire(by: thread, counts, memory) }
    guard Memory.observesTouches else { return }
    var base = ReuseLayout.cache
    if options.cache == .threadLocal {
      base = StaticData.ofThread(thread)
    } else {
      memory.touch(base, isWrite: true)
    }
    memory.touch(base + ReuseLayout.cacheSlots + UInt64(bin) * slotBytes, isWrite: true)
  }

  /// - Returns: a block of at least `size` bytes that came from the same site, or 0.
  mutating func take<Memory: MemoryModel>(
    size: UInt64, site: UInt64, thread: UInt16, _ memory: Memory
  ) -> Address {
    counts.count(.cacheClass)
    let bin = bin(site: site, cacheClass: Self.cacheClass(size))
    acquire(bin, thread: thread, memory)
    let table = table(thread)
    counts.count(.cacheLookup)
    guard table.held[bin] > 0 else { return 0 }
    let block = table.blocks[bin * options.cacheDepth + Int(table.held[bin]) - 1]
    if options.cacheDepth > 1 {
      counts.count(.headerRead)
      touch(block.payload - options.headerBytes, isWrite: false, memory)
    }
    guard !options.keyedBySite || block.site == site, block.actual >= size else { return 0 }
    counts.count(.cacheHit)
    if options.cacheDepth > 1 {
      counts.count(.freeListPop)
      touch(block.payload, isWrite: false, memory)
    }
    write(bin, by: thread)
    table.held[bin] -= 1
    return block.payload
  }

  /// - Returns: the block that lost its place, or 0.
  mutating func put<Memory: MemoryModel>(
    _ payload: Address, actual: UInt64, site: UInt64, thread: UInt16, _ memory: Memory
  ) -> Address {
    counts.count(.cacheClass)
    let bin = bin(site: site, cacheClass: Self.cacheClass(actual))
    let table = table(thread)
    if options.cache == .threadLocal {
      if closed.contains(thread) { return payload }
      watched.insert(thread)
    }
    acquire(bin, thread: thread, memory)
    let first = bin * options.cacheDepth
    var evicted: Address = 0
    if Int(table.held[bin]) == options.cacheDepth {
      counts.count(.cacheEvict)
      table.held[bin] -= 1
      evicted = table.blocks[first + Int(table.held[bin])].payload
      if options.cacheDepth > 1 { touch(evicted, isWrite: false, memory) }
    }
    if options.cacheDepth > 1 {
      counts.count(.freeListPush)
      touch(payload, isWrite: true, memory)
    } else {
      counts.count(.cacheStore)
    }
    write(bin, by: thread)
    table.blocks[first + Int(table.held[bin])] = Block(payload: payload, site: site, actual: actual)
    table.held[bin] += 1
    return evicted
  }

  private func touch<Memory: MemoryModel>(_ address: Address, isWrite: Bool, _ memory: Memory) {
    if Memory.observesTouches && address < OpaqueBlocks.base {
      memory.touch(address, isWrite: isWrite)
    }
  }

  /// A thread's own bins are never shared.
  private func write(_ bin: Int, by thread: UInt16) {
    guard options.cache == .global else { return }
    lines[bin * Int(slotBytes) / 64].write(by: thread, counts)
  }

  /// Empties the cache of a thread that ends, if it ever had one.
  /// - Returns: the blocks that were in it, in the order of its bins, each bin's last freed first.
  mutating func close(_ thread: UInt16) -> [Address] {
    guard Int(thread) < tableCount, let table = tables[Int(thread)], watched.contains(thread) else {
      return []
    }
    closed.insert(thread)
    var blocks: [Address] = []
    for bin in 0..<(options.cacheRows * ReuseLayout.cacheClasses) {
      let first = bin * options.cacheDepth
      for index in (0..<Int(table.held[bin])).reversed() {
        blocks.append(table.blocks[first + index].payload)
      }
      table.held[bin] = 0
    }
    return blocks
  }
}
