import Designs

/// Address space for blocks above the threshold, 64 MiB at a time: arena.h's algorithm.
struct ReuseArenas {
  static let bytes: UInt64 = 64 << 20
  /// Larger blocks are mapped alone.
  static let largest: UInt64 = 20 << 20

  /// A block as it comes from an arena; address 0 when out of memory.
  struct Block {
    var address: Address
    var bytes: UInt64
    var recycled: Bool
    var cost: UInt64
  }

  private let counts: StepCounts
  private let heap: ModelHeap
  private let headerBytes: UInt64
  private var next: Address = 0
  private var end: Address = 0
  private var units: UnsafeMutablePointer<UInt32>?
  /// Released blocks of each bin, the last one last. Calls for large blocks are few: an array does.
  private var free = [[Address]](repeating: [], count: ReuseBacking.bins)

  init(options: ReuseOptions, counts: StepCounts, heap: ModelHeap) {
    self.counts = counts
    self.heap = heap
    headerBytes = options.headerBytes
  }

  /// A block of at least `wanted` bytes, header included.
  mutating func take<Memory: MemoryModel>(
    bytes wanted: UInt64, regions: inout ReuseRegions, _ memory: Memory
  ) -> Block {
    let bin = ReuseBacking.bin(of: wanted)
    ReuseBacking.count(bin: bin, counts)
    let bytes = ReuseBacking.bytes(ofBin: bin)
    touchList(bin, memory)
    if let address = free[bin].popLast() {
      counts.count(.freeListPop)
      if Memory.observesTouches { memory.touch(address + headerBytes, isWrite: false) }
      return Block(address: address, bytes: bytes, recycled: true, cost: 0)
    }
    var cost = bytes / ReuseLayout.page
    if end - next < bytes {
      counts.count(.mapCall)
      let arena = memory.map(bytes: Self.bytes)
      if arena == 0 { return Block(address: 0, bytes: bytes, recycled: false, cost: 0) }
      cost += 1
      let units: UnsafeMutablePointer<UInt32> = heap.allocate(
        Int(Self.bytes / ReuseBacking.run), of: 0)
      regions.add(.init(kind: .arena, bytes: Self.bytes, units: units), at: arena)
      self.units = units
      next = arena
      end = arena + Self.bytes
    }
    counts.count(.blockCarve)
    let unit = Int(next & 0xFF_FFFF_FFFF) / Int(ReuseBacking.run)
    let number = regions.add(
      .init(kind: .cut, bin: UInt8(bin), firstUnit: UInt16(unit), bytes: bytes))
    units?[unit] = UInt32(number)
    let address = next
    next += bytes
    return Block(address: address, bytes: bytes, recycled: false, cost: cost)
  }

  mutating func give<Memory: MemoryModel>(_ address: Address, bytes: UInt64, _ memory: Memory) {
    let bin = ReuseBacking.bin(of: bytes)
    ReuseBacking.count(bin: bin, counts)
    counts.count(.freeListPush)
    touchList(bin, memory)
    if Memory.observesTouches { memory.touch(address + headerBytes, isWrite: true) }
    free[bin].append(address)
  }

  private func touchList<Memory: MemoryModel>(_ bin: Int, _ memory: Memory) {
    if Memory.observesTouches {
      memory.touch(ReuseLayout.arenas, isWrite: true)
      memory.touch(
        ReuseLayout.arenas + ReuseLayout.arenaLists + UInt64(bin) * 8, isWrite: true)
    }
  }
}
