import Designs

/// What becomes of evicted mappings: mapping.h's algorithm.
struct ReuseMappings {
  static let batch = 16
  static let retained = 64

  struct Mapping {
    var start: Address
    var bytes: UInt64
    /// Whether it is a block of an arena instead.
    var isCut = false
  }

  private let options: ReuseOptions
  private let counts: StepCounts
  private let pending: UnsafeMutablePointer<Mapping>
  private var pendingCount = 0
  private let retained: UnsafeMutablePointer<Mapping>
  private var retainedCount = 0
  private var oldest = 0
  private var lock = SharedLock()
  private var arenas: ReuseArenas

  init(options: ReuseOptions, counts: StepCounts, heap: ModelHeap) {
    self.options = options
    self.counts = counts
    arenas = ReuseArenas(options: options, counts: counts, heap: heap)
    pending = heap.allocate(Self.batch, of: Mapping(start: 0, bytes: 0))
    retained = heap.allocate(Self.retained, of: Mapping(start: 0, bytes: 0))
  }

  mutating func evict<Memory: MemoryModel>(
    _ start: Address, bytes: UInt64, isCut: Bool, thread: UInt16, _ memory: Memory
  ) {
    let mapping = Mapping(start: start, bytes: bytes, isCut: isCut)
    if options.eviction == .unmap {
      memory.unmapCall(start, bytes: bytes, counts)
      return
    }
    acquire(by: thread, memory)
    if options.eviction == .purge {
      retain(mapping, memory)
      return
    }
    counts.count(.batchAppend)
    if Memory.observesTouches {
      memory.touch(ReuseLayout.pending + UInt64(pendingCount) * 16, isWrite: true)
    }
    pending[pendingCount] = mapping
    pendingCount += 1
    if pendingCount == Self.batch {
      for index in 0..<Self.batch { retain(pending[index], memory) }
      pendingCount = 0
    }
  }

  private mutating func retain<Memory: MemoryModel>(_ mapping: Mapping, _ memory: Memory) {
    if options.arenas {
      counts.count(.headerRead)
      if Memory.observesTouches { memory.touch(mapping.start, isWrite: false) }
      if mapping.isCut {
        // The first page stays, for the header and the link.
        purge(mapping.start + ReuseLayout.page, bytes: mapping.bytes - ReuseLayout.page, memory)
        arenas.give(mapping.start, bytes: mapping.bytes, memory)
        return
      }
    }
    purge(mapping.start, bytes: mapping.bytes, memory)
    var place = oldest
    if retainedCount == Self.retained {
      memory.unmapCall(retained[place].start, bytes: retained[place].bytes, counts)
      oldest = (place + 1) % Self.retained
    } else {
      place = retainedCount
      retainedCount += 1
    }
    retained[place] = mapping
    if Memory.observesTouches {
      memory.touch(ReuseLayout.retained + UInt64(place) * 16, isWrite: true)
    }
  }

  /// With MADV_FREE the pages stay until the kernel runs short of memory, which isn't modelled.
  private func purge<Memory: MemoryModel>(_ start: Address, bytes: UInt64, _ memory: Memory) {
    counts.count(options.purgesLazily ? .adviseFree : .adviseCall)
    if !options.purgesLazily { memory.purge(start, bytes: bytes) }
  }

  /// A block cut from an arena, or one that was released.
  mutating func take<Memory: MemoryModel>(
    bytes: UInt64, regions: inout ReuseRegions, thread: UInt16, _ memory: Memory
  ) -> ReuseBlock {
    acquire(by: thread, memory)
    return arenas.take(bytes: bytes, regions: &regions, memory)
  }

  /// A block of an arena that the cache never had keeps its memory.
  mutating func give<Memory: MemoryModel>(
    _ start: Address, bytes: UInt64, thread: UInt16, _ memory: Memory
  ) {
    acquire(by: thread, memory)
    arenas.give(start, bytes: bytes, memory)
  }

  private mutating func acquire<Memory: MemoryModel>(by thread: UInt16, _ memory: Memory) {
    lock.acquire(by: thread, counts, memory)
    memory.touch(ReuseLayout.mappings, isWrite: true)
  }
}
