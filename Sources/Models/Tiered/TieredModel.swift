import Designs
import Platform

/// The model of the tiered family: zipora's scheme, as Sources/NativeDesigns/C/tiered does it.
///
/// Functions stand in the order of the C sources and have their names; a step is counted where the
/// C counts it, a line touched where the C touches it.
public final class TieredModel<Memory: MemoryModel>: AllocatorModel {
  let memory: Memory
  let counts: StepCounts
  let options: TieredOptions
  let heap = ModelHeap()
  var regions: TieredRegions
  let small: UnsafeMutablePointer<TieredClass>
  /// Of the small pool's last segment.
  var segmentRest = Remainder()
  /// The lists that threads share.
  let medium: UnsafeMutablePointer<TieredClass>
  var mediumIsWarm = false
  /// By thread.
  let heaps: UnsafeMutablePointer<TieredHeap>
  /// Heaps of ended threads: the last one is adopted first.
  var abandoned: [TieredHeap] = []
  /// The thread whose operation is being performed.
  var currentThread: UInt16 = 0
  var smallLock = SharedLock()
  var mediumLock = SharedLock()
  var heapsLock = SharedLock()
  var cacheLock = SharedLock()
  var hugeLock = SharedLock()
  /// Of two classes each, and of the statistics.
  let smallLines: UnsafeMutablePointer<SharedLine>
  let mediumLines: UnsafeMutablePointer<SharedLine>
  let statisticLines: UnsafeMutablePointer<SharedLine>
  var cache: TieredCache
  /// What the machine has, and what of it is left; nil until the first request for huge pages.
  var hugePages: HugePages?
  /// What the machine has when it is first asked, for tests; nil is this machine.
  var givenHugePages: HugePages?
  /// By the address of a start that was moved: how far.
  var moved: [Address: UInt64] = [:]
  var measured = TieredMetrics()

  /// - Parameter design: of the tiered family; of another, toggles are read as the defaults.
  public init(design: Design, memory: Memory, counts: StepCounts) {
    self.memory = memory
    self.counts = counts
    options = TieredOptions(design)
    regions = TieredRegions(heap: heap)
    small = heap.allocate(Self.smallClasses(options), of: TieredClass())
    medium = heap.allocate(TieredLayout.mediumClasses, of: TieredClass())
    smallLines = heap.allocate(Self.smallClasses(options) / 2 + 1, of: SharedLine())
    mediumLines = heap.allocate(TieredLayout.mediumClasses / 2 + 1, of: SharedLine())
    statisticLines = heap.allocate(2, of: SharedLine())
    heaps = heap.allocate(Int(UInt16.max) + 1, of: TieredHeap())
    cache = TieredCache(entries: options.cacheEntries, heap: heap)
  }

  /// Internal fragmentation, hit ratios of the medium lists and of the cache of mappings, and the share
  /// of requests for huge pages that got them.
  public var metrics: [String: Double] {
    var metrics: [String: Double] = [:]
    func add(_ name: String, _ part: UInt64, of whole: UInt64) {
      if whole > 0 { metrics[name] = Double(part) / Double(whole) }
    }
    add(
      "internalFragmentation", measured.taken &- min(measured.asked, measured.taken),
      of: measured.taken)
    add("mediumHitRatio", measured.mediumReused, of: measured.mediumAllocations)
    add("regionCacheHitRatio", measured.cacheHits, of: measured.cacheHits &+ measured.cacheMisses)
    add(
      "hugePageRatio", measured.hugeAllocations &- measured.hugeFallbacks,
      of: measured.hugeAllocations)
    return metrics
  }

  /// A payload, 0 when out of memory, and whether it was never used before: then it is zero.
  struct Block {
    var address: Address
    var fresh: Bool

    static var none: Block { Block(address: 0, fresh: false) }
  }

  // MARK: - Allocating

  /// A block of the tier that its size has.
  public func allocate(
    size: UInt64, alignment: UInt64, zeroed: Bool, site: UInt64, thread: UInt16
  ) -> Address {
    counts.countAllocation(alignment: alignment, zeroed: zeroed)
    return designAllocate(size: size, alignment: alignment, zeroed: zeroed, thread: thread)
  }

  @inline(__always)
  func designAllocate(size: UInt64, alignment: UInt64, zeroed: Bool, thread: UInt16) -> Address {
    currentThread = thread
    if size > TieredLayout.largestRequest || alignment > TieredLayout.largestRequest { return 0 }
    if alignment > 16 {
      return allocateAligned(size: size, alignment: alignment, thread: thread)
    }
    let block = allocateBlock(size: size, alignment: 0, thread: thread)
    if zeroed && !block.fresh && block.address != 0 {
      memory.zero(block.address, bytes: size, counts)
    }
    return block.address
  }

  @inline(__always)
  func allocateBlock(size: UInt64, alignment: UInt64, thread: UInt16) -> Block {
    measured.asked &+= size
    if options.heapAlways {
      guard findHeap(thread) else { return .none }
    }
    let inPool = alignment < TieredLayout.mappedAlignment
    if options.tiers {
      counts.count(.tierSelect)
      let isSmall = size < TieredLayout.smallEnd && inPool
      memory.branch(TieredBranch.isSmall, taken: isSmall)
      if isSmall {
        record(thread, .small, size)
        return allocateSmall(size)
      }
      let isMedium = size < options.mapThreshold && inPool
      memory.branch(TieredBranch.isMedium, taken: isMedium)
      if isMedium {
        if options.ownMedium && !options.heapAlways {
          guard findHeap(thread) else { return .none }
        }
        record(thread, .medium, size)
        return allocateMedium(size, thread: thread)
      }
    } else if size <= TieredLayout.poolEnd - TieredLayout.headerBytes && inPool {
      return allocateSmall(size)
    }
    return allocateLarge(size: size, alignment: alignment, thread: thread)
  }

  @inline(never)
  func allocateLarge(size: UInt64, alignment: UInt64, thread: UInt16) -> Block {
    if options.hugePages && size >= options.hugeThreshold {
      let block = allocateHuge(size: size, alignment: alignment)
      if block.address != 0 {
        record(thread, .huge, size)
        return block
      }
    }
    record(thread, .mapped, size)
    return allocateMapped(size: size, alignment: alignment, thread: thread)
  }

  @inline(never)
  func allocateAligned(size: UInt64, alignment: UInt64, thread: UInt16) -> Address {
    if alignment >= TieredLayout.mappedAlignment {
      return allocateBlock(size: size, alignment: alignment, thread: thread).address
    }
    let payload = allocateBlock(size: size + alignment - 16, alignment: 0, thread: thread).address
    guard payload != 0 else { return 0 }
    let aligned = (payload + alignment - 1) & ~(alignment - 1)
    if aligned != payload {
      counts.count(.blockAlign)
      memory.touch(aligned &- 8, isWrite: true)
      regions.record(of: payload).pointee.moved |= 1 << Self.run(of: aligned)
      moved[aligned] = aligned - payload
    }
    return aligned
  }

  /// The run of a segment; other regions have one: bits are told apart by the address alone, which
  /// costs a needless look at most.
  @inline(__always)
  static func run(of address: Address) -> UInt32 {
    UInt32(truncatingIfNeeded: address / TieredLayout.run) & 31
  }

  // MARK: - Freeing

  /// Back to its tier: to a list, to the cache of mappings, or to the kernel.
  public func deallocate(_ address: Address, thread: UInt16) {
    counts.count(.freeCall)
    designFree(address, thread: thread)
  }

  @inline(__always)
  func designFree(_ address: Address, thread: UInt16) {
    currentThread = thread
    checkHeader(address)
    let region = regions.record(of: address)
    var payload = address
    if region.pointee.moved & (1 << Self.run(of: address)) != 0 {
      payload &-= unaligned(address)
      if payload != address {
        markFree(address)
        moved[address] = nil
      }
    }
    markFree(payload)
    let tier = region.pointee.tier
    if options.statistics == .own {
      if findHeap(thread) { countStatistic(thread, 32 + 8 * UInt64(tier.rawValue)) }
    } else if options.statistics == .shared {
      countStatistic(thread, 32 + 8 * UInt64(tier.rawValue))
    }
    memory.branch(TieredBranch.freesSmall, taken: tier == .small)
    if tier == .small {
      freeSmall(payload, region)
      return
    }
    memory.branch(TieredBranch.freesMedium, taken: tier == .medium)
    if tier == .medium {
      if options.ownMedium && options.statistics != .own { _ = findHeap(thread) }
      freeMedium(payload, region.pointee.number, thread: thread)
    } else if tier == .huge {
      freeHuge(payload, region.pointee)
    } else {
      freeMapped(payload, region.pointee)
    }
  }

  /// How far the block's start was moved, with the block's own header checked.
  @inline(never)
  func unaligned(_ address: Address) -> UInt64 {
    guard let distance = moved[address] else { return 0 }
    counts.count(.blockUnalign)
    checkHeader(address &- distance)
    return distance
  }

  // MARK: - Reallocating

  /// In place while the block is large enough and not half of it is wasted; a move is a malloc
  /// and a free.
  public func reallocate(
    _ address: Address, size: UInt64, site: UInt64, thread: UInt16
  ) -> Address {
    counts.count(.reallocCall)
    checkHeader(address)
    let region = regions.record(of: address)
    var distance: UInt64 = 0
    if region.pointee.moved & (1 << Self.run(of: address)) != 0 { distance = unaligned(address) }
    let usable = usableSize(address &- distance, region) &- distance
    if memory.staysInPlace(size, usable: usable, branch: TieredBranch.inPlace) {
      counts.count(.reallocateInPlace)
      return address
    }
    let target = designAllocate(size: size, alignment: 0, zeroed: false, thread: thread)
    guard target != 0 else { return 0 }
    memory.copy(address, to: target, bytes: min(size, usable), counts)
    designFree(address, thread: thread)
    return target
  }

  func usableSize(
    _ payload: Address, _ region: UnsafeMutablePointer<TieredRegion>
  ) -> UInt64 {
    switch region.pointee.tier {
    case .small: smallStride(smallClass(at: payload, region)) - TieredLayout.headerBytes
    case .medium: Self.mediumStride(region.pointee.number) - TieredLayout.headerBytes
    case .mapped, .huge: region.pointee.bytes - region.pointee.offset
    }
  }

  // MARK: - Headers

  @inline(__always)
  func writeHeader(_ payload: Address) {
    memory.writeHeader(at: payload &- TieredLayout.headerBytes, counts)
  }

  @inline(__always)
  func checkHeader(_ payload: Address) {
    memory.checkHeader(at: payload &- TieredLayout.headerBytes, counts)
  }

  @inline(__always)
  func markFree(_ payload: Address) {
    memory.markHeader(at: payload &- TieredLayout.headerBytes, counts)
  }
}
