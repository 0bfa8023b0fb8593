import Designs

/// Address space for blocks above the threshold, 64 MiB at a time: arena.h's algorithm.
struct ReuseArenas {
  static let bytes: UInt64 = 64 << 20
  /// Larger blocks are mapped alone.
  static let largest: UInt64 = 20 << 20

  private let counts: StepCounts
  private let heap: ModelHeap
  private let headerBytes: UInt64
  /// Of the last arena.
  private var rest = Remainder()
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
  ) -> ReuseBlock {
    let bin = SizeClasses.number(of: wanted)
    SizeClasses.count(bin, counts)
    let bytes = SizeClasses.bytes(of: bin)
    touchList(bin, memory)
    if let address = free[bin].popLast() {
      memory.popLink(at: address + headerBytes, counts)
      return ReuseBlock(address: address, bytes: bytes, recycled: true)
    }
    var cost = bytes / ReuseLayout.page
    if !rest.holds(bytes) {
      let arena = memory.mapCall(bytes: Self.bytes, counts)
      if arena == 0 { return ReuseBlock(bytes: bytes) }
      cost += 1
      let units: UnsafeMutablePointer<UInt32> = heap.allocate(
        Int(Self.bytes / ReuseBacking.run), of: 0)
      regions.add(.init(kind: .arena, bytes: Self.bytes, units: units), at: arena)
      self.units = units
      rest = Remainder(arena, bytes: Self.bytes)
    }
    counts.count(.blockCarve)
    let address = rest.cut(bytes)
    let unit = ReuseBacking.unit(of: address)
    let number = regions.add(
      .init(kind: .cut, bin: UInt8(bin), firstUnit: UInt16(unit), bytes: bytes))
    units?[unit] = UInt32(number)
    return ReuseBlock(address: address, bytes: bytes, cost: cost)
  }

  mutating func give<Memory: MemoryModel>(_ address: Address, bytes: UInt64, _ memory: Memory) {
    let bin = SizeClasses.number(of: bytes)
    SizeClasses.count(bin, counts)
    touchList(bin, memory)
    memory.pushLink(at: address + headerBytes, counts)
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
