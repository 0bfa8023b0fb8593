import Designs

/// What becomes of evicted mappings: mapping.h's algorithm.
struct ReuseMappings {
  static let batch = 16
  static let retained = 64

  struct Mapping {
    var start: Address
    var bytes: UInt64
  }

  private let options: ReuseOptions
  private let counts: StepCounts
  private let pending: UnsafeMutablePointer<Mapping>
  private var pendingCount = 0
  private let retained: UnsafeMutablePointer<Mapping>
  private var retainedCount = 0
  private var oldest = 0
  private var lock = SharedLock()

  init(options: ReuseOptions, counts: StepCounts, heap: ModelHeap) {
    self.options = options
    self.counts = counts
    pending = heap.allocate(Self.batch, of: Mapping(start: 0, bytes: 0))
    retained = heap.allocate(Self.retained, of: Mapping(start: 0, bytes: 0))
  }

  mutating func evict<Memory: MemoryModel>(
    _ start: Address, bytes: UInt64, thread: UInt16, _ memory: Memory
  ) {
    let mapping = Mapping(start: start, bytes: bytes)
    if options.eviction == .unmap {
      unmap(mapping, memory)
      return
    }
    lock.acquire(by: thread, counts)
    if Memory.observesTouches { memory.touch(ReuseLayout.mappings, isWrite: true) }
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
    counts.count(.adviseCall)
    memory.purge(mapping.start, bytes: mapping.bytes)
    var place = oldest
    if retainedCount == Self.retained {
      unmap(retained[place], memory)
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

  private func unmap<Memory: MemoryModel>(_ mapping: Mapping, _ memory: Memory) {
    counts.count(.unmapCall)
    memory.unmap(mapping.start, bytes: mapping.bytes)
  }
}
