import Designs

/// The model of the locked family: one heap for all threads, as Sources/NativeDesigns/C/locked does it.
///
/// An intrusive list that is used last in, first out, is a stack: the model keeps each bin's free
/// blocks as one, and reports the touches of the links.
public final class LockedModel<Memory: MemoryModel>: AllocatorModel {
  private let memory: Memory
  private let counts: StepCounts
  private let lockKind: LockKind

  private enum LockKind { case mutex, spin, perClass }

  private struct Bin {
    var free: UnsafeMutablePointer<Address>
    var freeCount = 0
    var freeCapacity = 64
    /// What is left of the bin's run.
    var next: Address = 0
    var end: Address = 0
    var lock = SharedLock()
  }

  /// Where an aligned payload's block starts, by payload. Few blocks are aligned.
  private var alignedBlocks: [Address: Address] = [:]
  private let bins: UnsafeMutablePointer<Bin>
  /// Of two bins each, where they share one lock.
  private let lines: UnsafeMutablePointer<SharedLine>
  private var lock = SharedLock()
  private var next: Address = 0
  private var end: Address = 0
  /// By region: the number of the segment in it, or minus the bytes of one that is a block's own.
  private var table = RegionTable()
  /// By segment and unit of 64 KiB: the bin of the run there, and whether it has aligned blocks.
  private var units: UnsafeMutablePointer<UInt8>
  private var segments = 1
  private var segmentCapacity = 16

  public init(design: Design, memory: Memory, counts: StepCounts) {
    self.memory = memory
    self.counts = counts
    lockKind =
      switch design["lock"] {
      case "spin": .spin
      case "per-class": .perClass
      default: .mutex
      }
    bins = .allocate(capacity: LockedLayout.bins)
    for bin in 0..<LockedLayout.bins {
      (bins + bin).initialize(to: Bin(free: .allocate(capacity: 64)))
    }
    lines = .allocate(capacity: LockedLayout.bins / 2)
    lines.initialize(repeating: SharedLine(), count: LockedLayout.bins / 2)
    units = .allocate(capacity: segmentCapacity * LockedLayout.unitsPerSegment)
    units.initialize(repeating: 0, count: segmentCapacity * LockedLayout.unitsPerSegment)
  }

  deinit {
    for bin in 0..<LockedLayout.bins { bins[bin].free.deallocate() }
    bins.deallocate()
    lines.deallocate()
    units.deallocate()
    table.deallocate()
  }

  // MARK: - Bins

  @inline(__always)
  private func bin(of bytes: UInt64) -> Int {
    counts.count(bytes <= 128 ? .sizeClassShift : .sizeClassLeadingZeros)
    memory.branch(LockedBranch.isSmall, taken: bytes <= 128)
    if bytes <= 128 { return Int((bytes &+ 15) / 16) &- 1 }
    let log2 = 63 &- (bytes &- 1).leadingZeroBitCount
    return 8 &+ (log2 &- 7) &* 4 &+ Int((bytes &- 1) >> UInt64(log2 &- 2) & 3)
  }

  @inline(__always)
  private func acquire(_ bin: Int, by thread: UInt16) {
    switch lockKind {
    case .perClass:
      counts.count(.lockLookup)
      bins[bin].lock.acquire(by: thread, counts, memory)
    case .mutex:
      lock.acquireMutex(by: thread, counts, memory)
      lines[bin / 2].write(by: thread, counts)
    case .spin:
      lock.acquire(by: thread, counts, memory)
      lines[bin / 2].write(by: thread, counts)
    }
    guard Memory.observesTouches else { return }
    if lockKind == .perClass {
      memory.touch(LockedLayout.perClassBins &+ UInt64(bin) &* 64, isWrite: true)
    } else {
      memory.touch(LockedLayout.lock, isWrite: true)
      memory.touch(LockedLayout.sharedBins &+ UInt64(bin) &* 32, isWrite: true)
    }
  }

  /// - Returns: the block's start, or 0 when out of memory; whether its payload was never used.
  @inline(__always)
  private func take(_ number: Int, by thread: UInt16) -> (block: Address, fresh: Bool) {
    acquire(number, by: thread)
    let bin = bins + number
    let hasFree = bin.pointee.freeCount > 0
    memory.branch(LockedBranch.hasFreeBlock, taken: hasFree)
    if hasFree {
      counts.count(.freeListPop)
      bin.pointee.freeCount &-= 1
      let block = bin.pointee.free[bin.pointee.freeCount]
      memory.touch(block &+ LockedLayout.header, isWrite: false)
      return (block, false)
    }
    let bytes = LockedLayout.binBytes[number]
    if bin.pointee.end &- bin.pointee.next < bytes {
      guard refill(number, bytes: bytes, by: thread) else { return (0, false) }
    }
    counts.count(.blockCarve)
    let block = bin.pointee.next
    bin.pointee.next = block &+ bytes
    return (block, true)
  }

  @inline(__always)
  private func give(_ number: Int, _ block: Address, by thread: UInt16) {
    acquire(number, by: thread)
    counts.count(.freeListPush)
    memory.touch(block &+ LockedLayout.header, isWrite: true)
    let bin = bins + number
    if bin.pointee.freeCount == bin.pointee.freeCapacity { growStack(bin) }
    bin.pointee.free[bin.pointee.freeCount] = block
    bin.pointee.freeCount &+= 1
  }

  @inline(never)
  private func growStack(_ bin: UnsafeMutablePointer<Bin>) {
    let grown = UnsafeMutablePointer<Address>.allocate(capacity: 2 * bin.pointee.freeCapacity)
    grown.update(from: bin.pointee.free, count: bin.pointee.freeCount)
    bin.pointee.free.deallocate()
    bin.pointee.free = grown
    bin.pointee.freeCapacity *= 2
  }

  @inline(never)
  private func refill(_ number: Int, bytes: UInt64, by thread: UInt16) -> Bool {
    let unit = LockedLayout.unit
    let run = bytes <= LockedLayout.small ? unit : (bytes * 4 + unit - 1) / unit * unit
    if lockKind == .perClass { lock.acquire(by: thread, counts, memory) }
    memory.touch(LockedLayout.lock, isWrite: true)
    if end - next < run {
      counts.count(.mapCall)
      let region = memory.map(bytes: LockedLayout.segment)
      guard region != 0 else { return false }
      addSegment(region)
      next = region
      end = region + LockedLayout.segment
    }
    counts.count(.runCarve)
    let first = unitIndex(next)
    for index in first..<(first + Int(run / unit)) { units[index] = UInt8(number) }
    bins[number].next = next
    bins[number].end = next + run
    next += run
    return true
  }

  private func addSegment(_ region: Address) {
    if segments == segmentCapacity {
      let count = segmentCapacity * LockedLayout.unitsPerSegment
      let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * count)
      grown.initialize(repeating: 0, count: 2 * count)
      grown.update(from: units, count: count)
      units.deallocate()
      units = grown
      segmentCapacity *= 2
    }
    table.insert(region >> AddressSpace.offsetBits, Int64(segments))
    segments += 1
  }

  /// For addresses in segments.
  @inline(__always)
  private func unitIndex(_ address: Address) -> Int {
    unitIndex(address, segment: table[address >> AddressSpace.offsetBits])
  }

  @inline(__always)
  private func unitIndex(_ address: Address, segment: Int64) -> Int {
    Int(segment) &* LockedLayout.unitsPerSegment
      &+ Int((address & (AddressSpace.largestRegion &- 1)) / LockedLayout.unit)
  }

  // MARK: - Allocating

  public func allocate(
    size: UInt64, alignment: UInt64, zeroed: Bool, site: UInt64, thread: UInt16
  ) -> Address {
    counts.count(alignment > 0 ? .alignedCall : zeroed ? .callocCall : .mallocCall)
    if alignment > 16 { return allocateAligned(size: size, alignment: alignment, thread: thread) }
    let (payload, fresh) = allocateBlock(size: size, thread: thread)
    if payload != 0 && zeroed && !fresh {
      counts.count(.lineZeroed, (size &+ 63) / 64)
      if size > 0 { memory.touchRange(payload, bytes: size, isWrite: true) }
    }
    return payload
  }

  @inline(__always)
  private func allocateBlock(size: UInt64, thread: UInt16) -> (payload: Address, fresh: Bool) {
    let isOwn = size > LockedLayout.largest &- LockedLayout.header
    memory.branch(LockedBranch.isRegion, taken: isOwn)
    if isOwn { return (allocateRegion(size: size), true) }
    let bin = bin(of: LockedLayout.header &+ max(size, 1))
    let (block, fresh) = take(bin, by: thread)
    guard block != 0 else { return (0, fresh) }
    counts.count(.headerWrite)
    memory.touch(block, isWrite: true)
    return (block &+ LockedLayout.header, fresh)
  }

  @inline(never)
  private func allocateRegion(size: UInt64) -> Address {
    guard size <= AddressSpace.largestRegion else { return 0 }
    let bytes = AddressSpace.wholePages(LockedLayout.header + size)
    guard bytes <= AddressSpace.largestRegion else { return 0 }
    counts.count(.mapCall)
    let region = memory.map(bytes: bytes)
    guard region != 0 else { return 0 }
    table.insert(region >> AddressSpace.offsetBits, -Int64(bytes))
    counts.count(.headerWrite)
    memory.touch(region, isWrite: true)
    return region + LockedLayout.header
  }

  @inline(never)
  private func allocateAligned(size: UInt64, alignment: UInt64, thread: UInt16) -> Address {
    guard size <= AddressSpace.largestRegion, alignment <= AddressSpace.largestRegion else {
      return 0
    }
    let reserve = size + alignment + LockedLayout.header
    let payload =
      alignment > AddressSpace.pageBytes
      ? allocateRegion(size: reserve) : allocateBlock(size: reserve, thread: thread).payload
    guard payload != 0 else { return 0 }
    let aligned = (payload + LockedLayout.header + alignment - 1) & ~(alignment - 1)
    counts.count(.headerWrite)
    memory.touch(aligned - LockedLayout.header, isWrite: true)
    let segment = table[payload >> AddressSpace.offsetBits]
    if segment > 0 {
      alignedBlocks[aligned] = payload - LockedLayout.header
      units[unitIndex(aligned, segment: segment)] |= LockedLayout.alignedFlag
    }
    return aligned
  }

  // MARK: - Freeing

  /// The block proper of a payload.
  private struct Block {
    var start: Address
    var bytes: UInt64
    /// Negative where it is a region of its own.
    var bin: Int
  }

  @inline(__always)
  private func block(of payload: Address) -> Block {
    checkMagic(payload)
    let region = payload >> AddressSpace.offsetBits
    let segment = table[region]
    if segment < 0 {
      let start = region << AddressSpace.offsetBits
      if payload != start + LockedLayout.header { checkMagic(start + LockedLayout.header) }
      return Block(start: start, bytes: UInt64(-segment), bin: -1)
    }
    let unit = units[unitIndex(payload, segment: segment)]
    let bin = Int(unit & ~LockedLayout.alignedFlag)
    var start = payload &- LockedLayout.header
    if unit & LockedLayout.alignedFlag != 0, let found = alignedBlocks[payload] {
      start = found
      checkMagic(found + LockedLayout.header)
    }
    return Block(start: start, bytes: LockedLayout.binBytes[bin], bin: bin)
  }

  @inline(__always)
  private func checkMagic(_ payload: Address) {
    counts.count(.headerRead)
    counts.count(.magicCheck)
    memory.touch(payload &- LockedLayout.header, isWrite: false)
  }

  public func deallocate(_ address: Address, thread: UInt16) {
    counts.count(.freeCall)
    free(block(of: address), payload: address, thread: thread)
  }

  @inline(__always)
  private func free(_ block: Block, payload: Address, thread: UInt16) {
    if block.bin < 0 {
      counts.count(.unmapCall)
      table.remove(block.start >> AddressSpace.offsetBits)
      memory.unmap(block.start, bytes: block.bytes)
      return
    }
    if payload != block.start &+ LockedLayout.header { alignedBlocks[payload] = nil }
    counts.count(.magicMark)
    memory.touch(block.start, isWrite: true)
    give(block.bin, block.start, by: thread)
  }

  // MARK: - Reallocating

  public func reallocate(
    _ address: Address, size: UInt64, site: UInt64, thread: UInt16
  ) -> Address {
    counts.count(.reallocCall)
    let block = block(of: address)
    let usable = block.start + block.bytes - address
    let inPlace = size <= usable && size >= usable / 2
    memory.branch(LockedBranch.inPlace, taken: inPlace)
    if inPlace {
      counts.count(.reallocateInPlace)
      return address
    }
    let moved = allocateBlock(size: size, thread: thread).payload
    guard moved != 0 else { return 0 }
    let copied = min(size, usable)
    counts.count(.lineCopied, (copied + 63) / 64)
    if copied > 0 {
      memory.touchRange(address, bytes: copied, isWrite: false)
      memory.touchRange(moved, bytes: copied, isWrite: true)
    }
    free(block, payload: address, thread: thread)
    return moved
  }
}

/// Sizes, and where the C source keeps its static data (Sources/NativeDesigns/C/locked/heap.h).
enum LockedLayout {
  static let bins = 52
  static let header: UInt64 = 16
  static let largest: UInt64 = 256 << 10
  static let small: UInt64 = 16 << 10
  static let unit: UInt64 = 64 << 10
  static let segment: UInt64 = 4 << 20
  static let unitsPerSegment = 64
  static let alignedFlag: UInt8 = 0x80

  static let lock = StaticData.base
  static let sharedBins = lock + 64
  static let perClassBins = lock + 64

  /// Multiples of 16 up to 128, then four per doubling.
  static let binBytes: [UInt64] = (0..<bins).map { (bin: Int) -> UInt64 in
    if bin < 8 { return UInt64(bin + 1) * 16 }
    let (doubling, quarter) = (bin - 8).quotientAndRemainder(dividingBy: 4)
    return UInt64(5 + quarter) << UInt64(5 + doubling)
  }
}

/// The family's data-dependent branches.
enum LockedBranch {
  static let hasFreeBlock: UInt32 = 16
  static let isRegion: UInt32 = 17
  static let inPlace: UInt32 = 18
  static let isSmall: UInt32 = 19
}
