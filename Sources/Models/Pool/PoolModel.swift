import Designs

/// The model of the pool family: mimalloc's scheme, as Sources/NativeDesigns/C/pool does it.
///
/// Functions stand in the order of the C sources and have their names; a step is counted where the
/// C counts it, a line touched where the C touches it.
public final class PoolModel<Memory: MemoryModel>: AllocatorModel {
  let memory: Memory
  let counts: StepCounts
  let options: PoolOptions
  let header: UInt64
  let largestBlock: UInt64
  /// Owns what the pointers below lead to; `heaps` are the design's.
  let storage = ModelHeap()

  /// By page number: segment × 64 + index in the segment; page 0 is empty for ever.
  var pages: UnsafeMutablePointer<PoolPage>
  var segments: UnsafeMutablePointer<PoolSegment>
  var segmentCapacity = 16
  /// Segment 0 is none.
  var segmentCount = 1
  var freeSegments: [Int32] = []
  /// By region: the segment in it, or minus the bytes of a region that is one block's own.
  var table: RegionTable

  /// Heap 0 is what a thread has before its first allocation.
  var heapList = ModelList<PoolHeap>()
  /// By thread: its heap's number.
  var threadHeaps: UnsafeMutablePointer<Int32>
  /// Heaps of ended threads: the last one is adopted first.
  var abandoned: [Int32] = []
  var abandonedLock = SharedLock()
  /// The thread whose operation is being performed.
  var currentThread: UInt16 = 0

  let binBytes: UnsafeMutablePointer<UInt64>
  let binCount: Int

  /// - Parameter design: of the pool family; of another, toggles are read as the defaults.
  public init(design: Design, memory: Memory, counts: StepCounts) {
    self.memory = memory
    self.counts = counts
    options = PoolOptions(design)
    header = options.header
    largestBlock = options.largestBlock
    segments = storage.allocate(segmentCapacity, of: PoolSegment())
    pages = storage.allocate(64 * segmentCapacity, of: PoolPage())
    table = RegionTable(storage)
    threadHeaps = storage.allocate(Int(UInt16.max) + 1, of: 0)
    let bytes = options.binBytes
    binCount = bytes.count
    binBytes = storage.reserve(binCount)
    binBytes.initialize(from: bytes, count: binCount)
    _ = addHeap(at: 0)
    if options.isGlobal { _ = addHeap(at: StaticData.base) }
  }

  @inline(__always)
  var heaps: UnsafeMutablePointer<PoolHeap> { heapList.first }

  // MARK: - Allocating

  /// A block of a page of its bin, or a region of its own where it is larger than any.
  public func allocate(
    size: UInt64, alignment: UInt64, zeroed: Bool, site: UInt64, thread: UInt16
  ) -> Address {
    counts.countAllocation(alignment: alignment, zeroed: zeroed)
    return designAllocate(size: size, alignment: alignment, zeroed: zeroed, thread: thread)
  }

  @inline(__always)
  func designAllocate(size: UInt64, alignment: UInt64, zeroed: Bool, thread: UInt16) -> Address {
    counts.count(options.branches)
    counts.count(options.path)
    currentThread = thread
    var heap: Int32 = 1
    if !options.isGlobal {
      counts.count(options.threadLocal)
      heap = threadHeaps[Int(thread)]
      touchThreadLocal(thread)
    }
    if options.isLocked {
      if heap == 0 { heap = heapBegin(thread: thread) }
      guard heap != 0 else { return 0 }
      lock(heap)
    }
    let start: Address
    if alignment <= 16 {
      start = allocateBlock(heap, size: size, thread: thread)
    } else {
      start = allocateAligned(heap, size: size, alignment: alignment, thread: thread)
    }
    guard start != 0 else { return 0 }
    let payload = start &+ header
    if header > 0 { headerWrite(start) }
    if zeroed && size <= largestBlock &- header {
      memory.zero(payload, bytes: size, counts)
    }
    return payload
  }

  @inline(__always)
  func allocateBlock(_ heap: Int32, size: UInt64, thread: UInt16) -> Address {
    let bytes = size &+ header
    if Memory.observesTouches {
      memory.branch(PoolBranch.isSmall, taken: size <= PoolLayout.smallBytes &- header)
    }
    if options.hasMagazines && size <= PoolLayout.smallBytes &- header {
      return allocateSmallFromMagazine(heap, bytes: bytes, thread: thread)
    }
    if options.isDirect && size <= PoolLayout.smallBytes &- header {
      counts.count(.sizeClassDirect)
      let words = Int((bytes &+ 7) / 8)
      let page = heaps[Int(heap)].direct[words]
      touchHeap(heap, PoolLayout.direct &+ UInt64(words) &* 8, isWrite: false)
      touchPage(heap, page, isWrite: false)
      if options.isEager { checkRemote(page) }
      let hasBlock = hasBlock(page)
      memory.branch(PoolBranch.hasFreeBlock, taken: hasBlock)
      if hasBlock { return take(page) }
      return allocateSlow(heap, bin: bin(of: bytes), thread: thread)
    }
    if size <= largestBlock &- header {
      return allocateBin(heap, bin: bin(of: bytes), thread: thread)
    }
    return allocateHuge(heap, size: size, alignment: 0, thread: thread)
  }

  /// Whether malloc can take a block from it as it is.
  @inline(__always)
  func hasBlock(_ number: Int32) -> Bool {
    let page = pages + Int(number)
    return page.pointee.free != PoolPage.none
      || (options.hasBump && page.pointee.capacity < page.pointee.reserved)
  }

  /// From a page that has a block.
  @inline(__always)
  func take(_ number: Int32) -> Address {
    if options.hasBump {
      counts.count(.bumpCheck)
      if pages[Int(number)].free == PoolPage.none { return bump(number) }
    }
    return pop(number)
  }

  @inline(never)
  func bump(_ number: Int32) -> Address {
    let page = pages + Int(number)
    counts.count(.blockBump)
    writePage(page)
    memory.touch(page.pointee.state, isWrite: true)
    countUsed()
    page.pointee.used &+= 1
    let block = page.pointee.capacity
    page.pointee.capacity = block + 1
    return page.pointee.address(of: block)
  }

  @inline(__always)
  func pop(_ number: Int32) -> Address {
    let page = pages + Int(number)
    writePage(page)
    let block = page.pointee.free
    let address = page.pointee.address(of: block)
    memory.popLink(at: address, counts)
    page.pointee.free = linked(page, block)
    memory.touch(page.pointee.state, isWrite: true)
    if options.isEncoded { counts.count(.freeListDecode) }
    if options.prefetches {
      counts.count(.blockPrefetch)
      if page.pointee.free != PoolPage.none {
        memory.touch(page.pointee.address(of: page.pointee.free), isWrite: false)
      }
    }
    countUsed()
    page.pointee.used &+= 1
    return address
  }

  @inline(__always)
  func countUsed() {
    if options.usedCounter == .usedCounterAtomic {
      memory.lockedInstruction(.usedCounterAtomic, counts)
    } else {
      counts.count(.usedCounterPlain)
    }
  }

  func allocateBin(_ heap: Int32, bin: Int, thread: UInt16) -> Address {
    let page = heaps[Int(heap)].first[bin]
    touchHeap(heap, PoolLayout.first &+ UInt64(bin) &* 8, isWrite: false)
    touchPage(heap, page, isWrite: false)
    if options.isEager { checkRemote(page) }
    let hasBlock = hasBlock(page)
    memory.branch(PoolBranch.hasFreeBlock, taken: hasBlock)
    return hasBlock ? take(page) : allocateSlow(heap, bin: bin, thread: thread)
  }

  @inline(never)
  func allocateSlow(_ unset: Int32, bin: Int, thread: UInt16) -> Address {
    counts.count(.allocateSlow)
    let heap = unset == 0 ? heapBegin(thread: thread) : unset
    guard heap != 0 else { return 0 }
    collectDelayed(heap)
    let page = findPage(heap, bin: bin)
    return page == 0 ? 0 : take(page)
  }

  @inline(never)
  func allocateAligned(
    _ heap: Int32, size: UInt64, alignment: UInt64, thread: UInt16
  ) -> Address {
    if size > largestBlock || alignment > largestBlock {
      return allocateHuge(heap, size: size, alignment: alignment, thread: thread)
    }
    let mask = alignment - 1
    let held = max(size, 1)
    let rounded = (held + mask) & ~mask + header
    if rounded <= largestBlock && alignment <= 4096 && header & mask == 0 {
      let bin = bin(of: rounded)
      if binBytes[bin] & mask == 0 { return allocateBin(heap, bin: bin, thread: thread) }
    }
    let total = held + header + mask
    if total > largestBlock {
      return allocateHuge(heap, size: size, alignment: alignment, thread: thread)
    }
    let block = allocateBin(heap, bin: bin(of: total), thread: thread)
    guard block != 0 else { return 0 }
    let start = (block + header + mask) & ~mask - header
    if start != block {
      counts.count(.blockAlign)
      let page = pageNumber(of: block)
      memory.touch(pages[Int(page)].state, isWrite: true)
      pages[Int(page)].hasMovedStarts = true
    }
    return start
  }

  @inline(never)
  func allocateHuge(_ unset: Int32, size: UInt64, alignment: UInt64, thread: UInt16) -> Address {
    let heap = unset == 0 ? heapBegin(thread: thread) : unset
    guard heap != 0 else { return 0 }
    let offset = max(alignment, PoolLayout.hugeOffset)
    guard size <= AddressSpace.largestRegion, offset <= AddressSpace.largestRegion else { return 0 }
    let bytes = AddressSpace.wholePages(offset + max(size, 1))
    let region = mapRegion(bytes)
    guard region != 0 else { return 0 }
    counts.count(.segmentInit)
    let segment =
      offset > PoolLayout.segmentBytes ? region + offset - PoolLayout.segmentBytes : region
    memory.touch(segment, isWrite: true)
    memory.touch(segment + PoolLayout.pages, isWrite: true)
    table.insert(region, -Int64(bytes), storage)
    return region + offset - header
  }

  // MARK: - Freeing

  /// Back to its page: to the owner's list, or to the one for other threads.
  public func deallocate(_ address: Address, thread: UInt16) {
    counts.count(.freeCall)
    designFree(address, thread: thread)
  }

  @inline(__always)
  func designFree(_ address: Address, thread: UInt16) {
    let start = address &- header
    currentThread = thread
    if header > 0 { headerCheck(start) }
    counts.count(.pageLookup)
    counts.count(options.branches)
    counts.count(options.path)
    counts.count(options.flags)
    if !options.isLocked { counts.count(options.threadLocal) }
    let segment = table[address]
    guard segment > 0 else {
      freeHuge(address, bytes: UInt64(-segment), thread: thread)
      return
    }
    touchSegmentOf(address)
    if !options.isLocked { touchThreadLocal(thread) }
    let number = pageNumber(segment: segment, start)
    let page = pages + Int(number)
    memory.touch(page.pointee.state, isWrite: false)
    var heap = page.pointee.heap
    if options.isLocked { lock(heap) } else { heap = threadHeaps[Int(thread)] }
    let isOther =
      page.pointee.heap != heap || page.pointee.isFull || page.pointee.hasMovedStarts
    memory.branch(PoolBranch.isOther, taken: isOther)
    if isOther {
      freeOther(heap, number, start)
      return
    }
    if options.hasMagazines && pushMagazine(heap, number, start) { return }
    pushLocal(page, page.pointee.block(at: start))
    countUsed()
    page.pointee.used &-= 1
    memory.branch(PoolBranch.isEmpty, taken: page.pointee.used == 0)
    if page.pointee.used == 0 { retire(heap, number) }
  }

  // MARK: - Reallocating

  /// In place while the block is large enough and not half of it is wasted; a move is a malloc
  /// and a free.
  public func reallocate(
    _ address: Address, size: UInt64, site: UInt64, thread: UInt16
  ) -> Address {
    counts.count(.reallocCall)
    if header > 0 { headerCheck(address &- header) }
    let usable = usableSize(address)
    if memory.staysInPlace(size, usable: usable, branch: PoolBranch.inPlace) {
      counts.count(.reallocateInPlace)
      if header > 0 { headerWrite(address &- header) }
      return address
    }
    let moved = designAllocate(size: size, alignment: 0, zeroed: false, thread: thread)
    guard moved != 0 else { return 0 }
    memory.copy(address, to: moved, bytes: min(size, usable), counts)
    designFree(address, thread: thread)
    return moved
  }

  func usableSize(_ address: Address) -> UInt64 {
    counts.count(.pageLookup)
    let segment = table[address]
    touchSegmentOf(address)
    guard segment > 0 else { return UInt64(-segment) - AddressSpace.offset(of: address) }
    let start = address &- header
    let page = pages + Int(pageNumber(segment: segment, start))
    memory.touch(page.pointee.state, isWrite: false)
    guard page.pointee.hasMovedStarts else { return page.pointee.blockBytes - header }
    counts.count(.blockUnalign)
    let block = page.pointee.address(of: page.pointee.block(at: start))
    return block + page.pointee.blockBytes - address
  }
}

/// The pool's data-dependent branches.
enum PoolBranch {
  static let isSmall: UInt32 = 16
  static let hasFreeBlock: UInt32 = 17
  static let isOther: UInt32 = 18
  static let isEmpty: UInt32 = 19
  static let inPlace: UInt32 = 20
  static let searchProbe: UInt32 = 21
  static let isShifted: UInt32 = 22
  static let magazineHasBlock: UInt32 = 23
  static let magazineHasRoom: UInt32 = 24
}
