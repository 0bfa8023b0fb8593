import Designs

/// The model of the locked family: one heap for all threads, as Sources/NativeDesigns/C/locked does it.
public final class LockedModel<Memory: MemoryModel>: AllocatorModel {
  private let memory: Memory
  private let counts: StepCounts
  private let heap = ModelHeap()
  private let lockKind: LockKind

  private enum LockKind { case mutex, spin, perClass }

  private struct Bin {
    var free = ModelList<Address>()
    /// Of the bin's run.
    var rest = Remainder()
    var lock = SharedLock()
  }

  /// Where an aligned payload's block starts, by payload. Few blocks are aligned.
  private var alignedBlocks: [Address: Address] = [:]
  private let bins: UnsafeMutablePointer<Bin>
  /// Of two bins each, where they share one lock.
  private let lines: UnsafeMutablePointer<SharedLine>
  private var lock = SharedLock()
  /// Of the last segment.
  private var rest = Remainder()
  /// By region: the number of the segment in it, or minus the bytes of one that is a block's own.
  private var table: RegionTable
  /// By segment and unit of 64 KiB: the bin of the run there, and whether it has aligned blocks.
  private var units: UnsafeMutablePointer<UInt8>
  private var segments = 1
  private var segmentCapacity = 16

  /// - Parameter design: of the locked family; of another, toggles are read as the defaults.
  public init(design: Design, memory: Memory, counts: StepCounts) {
    self.memory = memory
    self.counts = counts
    lockKind =
      switch design["lock"] {
      case "spin": .spin
      case "per-class": .perClass
      default: .mutex
      }
    bins = heap.allocate(LockedLayout.bins, of: Bin())
    lines = heap.allocate(LockedLayout.bins / 2, of: SharedLine())
    units = heap.allocate(segmentCapacity * LockedLayout.unitsPerSegment, of: 0)
    table = RegionTable(heap)
  }

  // MARK: - Bins

  @inline(__always)
  private func bin(of bytes: UInt64) -> Int {
    let bin = SizeClasses.number(of: bytes)
    SizeClasses.count(bin, counts)
    memory.branch(LockedBranch.isSmall, taken: SizeClasses.isLinear(bin))
    return bin
  }

  @inline(__always)
  private func acquire(_ bin: Int, by thread: UInt16) {
    switch lockKind {
    case .perClass:
      counts.count(.lockLookup)
      bins[bin].lock.acquire(by: thread, counts, memory)
    case .mutex:
      lock.acquireMutex(by: thread, counts)
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
    let hasFree = bin.pointee.free.count > 0
    memory.branch(LockedBranch.hasFreeBlock, taken: hasFree)
    if hasFree {
      let block = bin.pointee.free.removeLast()
      memory.popLink(at: block &+ LockedLayout.header, counts)
      return (block, false)
    }
    let bytes = SizeClasses.bytes(of: number)
    if !bin.pointee.rest.holds(bytes) {
      guard refill(number, bytes: bytes, by: thread) else { return (0, false) }
    }
    counts.count(.blockCarve)
    return (bin.pointee.rest.cut(bytes), true)
  }

  @inline(__always)
  private func give(_ number: Int, _ block: Address, by thread: UInt16) {
    acquire(number, by: thread)
    memory.pushLink(at: block &+ LockedLayout.header, counts)
    bins[number].free.append(block, heap)
  }

  @inline(never)
  private func refill(_ number: Int, bytes: UInt64, by thread: UInt16) -> Bool {
    let unit = LockedLayout.unit
    let run = bytes <= LockedLayout.small ? unit : (bytes * 4 + unit - 1) / unit * unit
    if lockKind == .perClass { lock.acquire(by: thread, counts, memory) }
    memory.touch(LockedLayout.lock, isWrite: true)
    if !rest.holds(run) {
      let region = memory.mapCall(bytes: LockedLayout.segment, counts)
      guard region != 0 else { return false }
      addSegment(region)
      rest = Remainder(region, bytes: LockedLayout.segment)
    }
    counts.count(.runCarve)
    let start = rest.cut(run)
    let first = unitIndex(start, segment: table[start])
    for index in first..<(first + Int(run / unit)) { units[index] = UInt8(number) }
    bins[number].rest = Remainder(start, bytes: run)
    return true
  }

  private func addSegment(_ region: Address) {
    if segments == segmentCapacity {
      let count = segmentCapacity * LockedLayout.unitsPerSegment
      units = heap.grow(units, from: count, to: 2 * count, of: 0)
      segmentCapacity *= 2
    }
    table.insert(region, Int64(segments), heap)
    segments += 1
  }

  @inline(__always)
  private func unitIndex(_ address: Address, segment: Int64) -> Int {
    Int(segment) &* LockedLayout.unitsPerSegment
      &+ Int(AddressSpace.offset(of: address) / LockedLayout.unit)
  }

  // MARK: - Allocating

  /// A block of its bin, or a region of its own where it is larger than any.
  public func allocate(
    size: UInt64, alignment: UInt64, zeroed: Bool, site: UInt64, thread: UInt16
  ) -> Address {
    counts.countAllocation(alignment: alignment, zeroed: zeroed)
    if alignment > 16 { return allocateAligned(size: size, alignment: alignment, thread: thread) }
    let (payload, fresh) = allocateBlock(size: size, thread: thread)
    if payload != 0 && zeroed && !fresh { memory.zero(payload, bytes: size, counts) }
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
    memory.writeHeader(at: block, counts)
    return (block &+ LockedLayout.header, fresh)
  }

  @inline(never)
  private func allocateRegion(size: UInt64) -> Address {
    guard size <= AddressSpace.largestRegion else { return 0 }
    let bytes = AddressSpace.wholePages(LockedLayout.header + size)
    guard bytes <= AddressSpace.largestRegion else { return 0 }
    let region = memory.mapCall(bytes: bytes, counts)
    guard region != 0 else { return 0 }
    table.insert(region, -Int64(bytes), heap)
    memory.writeHeader(at: region, counts)
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
    memory.writeHeader(at: aligned - LockedLayout.header, counts)
    let segment = table[payload]
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
    memory.checkHeader(at: payload &- LockedLayout.header, counts)
    let segment = table[payload]
    if segment < 0 {
      let start = AddressSpace.region(of: payload) << AddressSpace.offsetBits
      if payload != start + LockedLayout.header { memory.checkHeader(at: start, counts) }
      return Block(start: start, bytes: UInt64(-segment), bin: -1)
    }
    let unit = units[unitIndex(payload, segment: segment)]
    let bin = Int(unit & ~LockedLayout.alignedFlag)
    var start = payload &- LockedLayout.header
    if unit & LockedLayout.alignedFlag != 0, let found = alignedBlocks[payload] {
      start = found
      memory.checkHeader(at: found, counts)
    }
    return Block(start: start, bytes: SizeClasses.bytes(of: bin), bin: bin)
  }

  /// Back to its bin's list, or to the kernel.
  public func deallocate(_ address: Address, thread: UInt16) {
    counts.count(.freeCall)
    free(block(of: address), payload: address, thread: thread)
  }

  @inline(__always)
  private func free(_ block: Block, payload: Address, thread: UInt16) {
    if block.bin < 0 {
      table.remove(block.start)
      memory.unmapCall(block.start, bytes: block.bytes, counts)
      return
    }
    if payload != block.start &+ LockedLayout.header { alignedBlocks[payload] = nil }
    memory.markHeader(at: block.start, counts)
    give(block.bin, block.start, by: thread)
  }

  // MARK: - Reallocating

  /// In place while the block is large enough and not half of it is wasted; a move is a malloc
  /// and a free.
  public func reallocate(
    _ address: Address, size: UInt64, site: UInt64, thread: UInt16
  ) -> Address {
    counts.count(.reallocCall)
    let block = block(of: address)
    let usable = block.start + block.bytes - address
    if memory.staysInPlace(size, usable: usable, branch: LockedBranch.inPlace) {
      counts.count(.reallocateInPlace)
      return address
    }
    let moved = allocateBlock(size: size, thread: thread).payload
    guard moved != 0 else { return 0 }
    memory.copy(address, to: moved, bytes: min(size, usable), counts)
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
}

/// The family's data-dependent branches.
enum LockedBranch {
  static let hasFreeBlock: UInt32 = 16
  static let isRegion: UInt32 = 17
  static let inPlace: UInt32 = 18
  static let isSmall: UInt32 = 19
}
