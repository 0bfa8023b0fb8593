import Designs

/// The reuse family's algorithm over simulated addresses, step for step as in its C source.
public struct ReuseModel<Memory: MemoryModel>: AllocatorModel {
  let memory: Memory
  let counts: StepCounts
  let options: ReuseOptions
  let heap: ModelHeap
  var policy: ReusePolicy
  var cache: ReuseCache
  var mappings: ReuseMappings
  var backing: ReuseBacking
  var regions: ReuseRegions
  /// Of eight sizes each.
  private let evolutionLines: UnsafeMutablePointer<SharedLine>

  static var maximum: UInt64 { 1 << 46 }
  static var minimum: UInt64 { 16 }

  /// - Parameter design: of the reuse family; of another, toggles are read as the defaults.
  public init(design: Design, memory: Memory, counts: StepCounts) {
    self.memory = memory
    self.counts = counts
    options = ReuseOptions(design)
    heap = ModelHeap()
    policy = ReusePolicy(options: options, counts: counts, heap: heap)
    cache = ReuseCache(options: options, counts: counts, heap: heap)
    mappings = ReuseMappings(options: options, counts: counts, heap: heap)
    backing = ReuseBacking(options: options, counts: counts, heap: heap)
    regions = ReuseRegions(heap: heap)
    evolutionLines = heap.allocate(8, of: SharedLine())
  }

  // MARK: Allocation

  /// A cached block of its site, a mapping above the threshold, or a block of the backing.
  public mutating func allocate(
    size: UInt64, alignment: UInt64, zeroed: Bool, site: UInt64, thread: UInt16
  ) -> Address {
    counts.countAllocation(alignment: alignment, zeroed: zeroed)
    if size > Self.maximum || alignment > Self.maximum { return 0 }
    if alignment > 16 {
      return allocateAligned(size: size, alignment: alignment, site: site, thread: thread)
    }
    return allocateBlock(size: size, zeroed: zeroed, site: site, thread: thread)
  }

  /// - Returns: the payload's address, or 0 when out of memory.
  @inline(__always)
  private mutating func allocateBlock(size: UInt64, zeroed: Bool, site: UInt64, thread: UInt16)
    -> Address
  {
    let strategy = policy.select(thread, memory)
    let cacheable = Self.isCacheable(size)
    if options.cache != .off {
      if Memory.observesTouches { memory.branch(ReuseBranch.isCacheable, taken: cacheable) }
    }
    if options.cache != .off, cacheable {
      let cached = takeCached(size: size, zeroed: zeroed, site: site, thread: thread)
      if cached != 0 { return cached }
    }
    let payload: Address
    let isMapped = size >= policy.threshold(strategy)
    if Memory.observesTouches { memory.branch(ReuseBranch.isMapped, taken: isMapped) }
    if isMapped {
      let block = mapBlock(size: size, alignment: ReuseLayout.page, site: site, thread: thread)
      if block.address == 0 { return 0 }
      payload = block.address + options.headerBytes
      policy.record(strategy, size: size, cost: block.cost, thread: thread, memory)
      if zeroed && block.recycled { memory.zero(payload, bytes: size, counts) }
    } else {
      let bytes = options.headerBytes + max(size, Self.minimum)
      if options.opaqueBacking {
        payload = allocateOpaque(bytes: bytes, site: site)
        policy.record(strategy, size: size, cost: 0, thread: thread, memory)
        if zeroed { memory.zero(payload, bytes: size, counts) }
      } else {
        let block = backing.allocate(bytes: bytes, regions: &regions, thread: thread, memory)
        if block.address == 0 { return 0 }
        payload = block.address + options.headerBytes
        if block.recycled {
          if Memory.observesTouches { memory.touch(payload, isWrite: false) }
          checkMagic()
        }
        writeHeader(payload, actual: block.bytes - options.headerBytes, site: site)
        policy.record(strategy, size: size, cost: block.cost, thread: thread, memory)
        if zeroed && block.recycled { memory.zero(payload, bytes: size, counts) }
      }
    }
    if options.tracksEvolution {
      counts.count(.evolutionRecord)
      let log2 = 63 - (size | 1).leadingZeroBitCount
      evolutionLines[log2 / 8].write(by: thread, counts)
      if Memory.observesTouches {
        memory.touch(ReuseLayout.evolution + 8 * UInt64(log2), isWrite: true)
      }
    }
    return payload
  }

  @inline(never)
  private mutating func takeCached(size: UInt64, zeroed: Bool, site: UInt64, thread: UInt16)
    -> Address
  {
    let payload = cache.take(size: size, site: site, thread: thread, memory)
    if payload == 0 { return 0 }
    checkMagic()
    markMagic()
    if Memory.observesTouches && options.checksMagic { touchHeader(payload, isWrite: true) }
    if zeroed { memory.zero(payload, bytes: size, counts) }
    return payload
  }

  /// A block above the threshold.
  @inline(never)
  private mutating func mapBlock(
    size: UInt64, alignment: UInt64, site: UInt64, thread: UInt16
  ) -> ReuseBlock {
    let bytes =
      (options.headerBytes + size + ReuseLayout.page - 1) & ~(ReuseLayout.page - 1)
    var block = ReuseBlock(bytes: bytes, cost: 2 + bytes / ReuseLayout.page)
    if options.arenas && bytes <= ReuseArenas.largest && alignment <= ReuseLayout.page {
      block = mappings.take(bytes: bytes, regions: &regions, thread: thread, memory)
      if block.address == 0 { return block }
      if block.recycled { checkMagic() }
    } else {
      // The common runtime refuses these before it asks the kernel.
      if bytes > AddressSpace.largestRegion { return block }
      block.address = memory.mapCall(bytes: bytes, counts)
      if block.address == 0 { return block }
      regions.add(.init(kind: .mapped, bytes: bytes), at: block.address)
    }
    writeHeader(
      block.address + options.headerBytes, actual: block.bytes - options.headerBytes, site: site)
    return block
  }

  @inline(never)
  private mutating func allocateOpaque(bytes: UInt64, site: UInt64) -> Address {
    counts.count(.backingCall)
    let rounded = (bytes + 15) & ~15
    let number = regions.add(.init(kind: .opaque, bytes: rounded))
    let payload = OpaqueBlocks.base + UInt64(number) << 6
    writeHeader(payload, actual: rounded - options.headerBytes, site: site)
    return payload
  }

  /// A block big enough to hold an aligned one behind a second header.
  @inline(never)
  private mutating func allocateAligned(
    size: UInt64, alignment: UInt64, site: UInt64, thread: UInt16
  ) -> Address {
    let reserve = size + alignment + options.headerBytes
    let isMapped = alignment > ReuseLayout.page
    let payload: Address
    if isMapped {
      let block = mapBlock(size: reserve, alignment: alignment, site: site, thread: thread)
      payload = block.address == 0 ? 0 : block.address + options.headerBytes
    } else {
      payload = allocateBlock(size: reserve, zeroed: false, site: site, thread: thread)
    }
    if payload == 0 { return 0 }
    var aligned =
      isMapped
      ? payload - options.headerBytes + alignment
      : (payload + options.headerBytes + alignment - 1) & ~(alignment - 1)
    counts.count(.headerWrite)
    let log2 = UInt8(alignment.trailingZeroBitCount)
    let number = regions.blockNumber(of: payload)
    switch regions.records[number].kind {
    case .segment:
      if let units = regions.records[number].units {
        backing.setAlignment(log2, of: payload, units: units)
      }
    case .opaque:
      regions.records[number].alignmentLog2 = log2
      aligned = payload
    case .mapped, .single, .cut: regions.records[number].alignmentLog2 = log2
    case .arena: break
    }
    if Memory.observesTouches { touchHeader(aligned, isWrite: true) }
    return aligned
  }

  // MARK: Free

  /// Into the cache where its size may be there, else back to where it came from.
  public mutating func deallocate(_ address: Address, thread: UInt16) {
    counts.count(.freeCall)
    free(address, thread: thread)
  }

  @inline(__always)
  private mutating func free(_ address: Address, thread: UInt16) {
    let block = readHeader(address)
    markMagic()
    if Memory.observesTouches && options.cache != .off {
      memory.branch(ReuseBranch.freesCacheable, taken: Self.isCacheable(block.actual))
    }
    if block.number < 0 {
      backing.free(block.payload - options.headerBytes, bin: block.bin, thread: thread, memory)
      if Memory.observesTouches { memory.touch(block.payload, isWrite: true) }
    } else {
      freeAlone(block, thread: thread)
    }
    if block.alignmentLog2 != 0 { forgetAlignment(block) }
  }

  /// A block that has its region, or glibc, to itself.
  @inline(never)
  private mutating func freeAlone(_ block: Located, thread: UInt16) {
    guard options.cache != .off, Self.isCacheable(block.actual) else {
      release(block.payload, evicted: false, thread: thread)
      return
    }
    let evicted = cache.put(
      block.payload, actual: block.actual, site: regions.records[block.number].site,
      thread: thread, memory)
    if evicted != 0 {
      counts.count(.headerRead)
      if Memory.observesTouches { touchHeader(evicted, isWrite: false) }
      release(evicted, evicted: true, thread: thread)
    }
  }

  /// Empties the cache of a thread that ends, and leaves its heap to the next one.
  public mutating func endThread(_ thread: UInt16) {
    if options.cache == .threadLocal {
      for evicted in cache.close(thread) { release(evicted, evicted: true, thread: thread) }
    }
    if options.localHeaps { backing.abandonHeap(of: thread, memory) }
  }

  private mutating func release(_ payload: Address, evicted: Bool, thread: UInt16) {
    let number = regions.blockNumber(of: payload)
    let record = regions.records[number]
    switch record.kind {
    case .segment, .arena: break
    case .single:
      backing.free(
        payload - options.headerBytes, bin: Int(record.bin), thread: thread, memory)
      if Memory.observesTouches { memory.touch(payload, isWrite: true) }
    case .opaque:
      counts.count(.backingCall)
      regions.remove(number)
    case .mapped:
      if evicted {
        mappings.evict(
          payload - options.headerBytes, bytes: record.bytes, isCut: false, thread: thread, memory)
      } else {
        memory.unmapCall(payload - options.headerBytes, bytes: record.bytes, counts)
      }
      regions.remove(number)
    case .cut:
      if evicted {
        mappings.evict(
          payload - options.headerBytes, bytes: record.bytes, isCut: true, thread: thread, memory)
      } else {
        mappings.give(
          payload - options.headerBytes, bytes: record.bytes, thread: thread, memory)
      }
    }
  }

  private mutating func forgetAlignment(_ block: Located) {
    if block.number >= 0 {
      regions.records[block.number].alignmentLog2 = 0
    } else if let units = regions.records[regions.number(of: block.payload)].units {
      backing.setAlignment(0, of: block.payload, units: units)
    }
  }

  // MARK: Reallocation

  /// In place while the block is large enough and not half of it is wasted; a move is a malloc
  /// and a free, by way of the cache.
  public mutating func reallocate(
    _ address: Address, size: UInt64, site: UInt64, thread: UInt16
  ) -> Address {
    counts.count(.reallocCall)
    if size > Self.maximum { return 0 }
    let block = readHeader(address)
    var actual = block.actual
    if block.alignmentLog2 != 0 {
      actual -= (1 << UInt64(block.alignmentLog2)) + options.headerBytes
    }
    if memory.staysInPlace(size, usable: actual, branch: ReuseBranch.inPlace) { return address }
    let moved = allocateBlock(size: size, zeroed: false, site: site, thread: thread)
    if moved == 0 { return 0 }
    memory.copy(address, to: moved, bytes: min(size, actual), counts)
    free(address, thread: thread)
    return moved
  }
}

/// The family's data-dependent branches.
enum ReuseBranch {
  static let explores: UInt32 = 16
  static let isCacheable: UInt32 = 17
  static let isMapped: UInt32 = 18
  static let allocatesSmall: UInt32 = 19
  static let hasFreeBlock: UInt32 = 20
  static let freesCacheable: UInt32 = 21
  static let freesSmall: UInt32 = 22
  static let inPlace: UInt32 = 23
}
