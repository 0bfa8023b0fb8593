import Designs

/// A block as the backing or an arena gives it; address 0 when out of memory.
struct ReuseBlock {
  var address: Address = 0
  var bytes: UInt64
  /// Whether it was used before.
  var recycled = false
  /// Kernel calls + pages mapped for it.
  var cost: UInt64 = 0
}

/// The segregated heap below the threshold: backing.h's algorithm.
struct ReuseBacking {
  static let bins = 80
  static let run: UInt64 = 64 << 10
  static let small: UInt64 = 16 << 10
  static let middle: UInt64 = 256 << 10
  static let segment: UInt64 = 4 << 20

  struct Bin {
    var free = ModelList<Address>()
    /// Of the bin's run.
    var rest = Remainder()
    var bytes: UInt64
  }

  /// A run's aligned blocks: their alignment per block, allocated with the first.
  struct Run {
    var start: Address
    var alignments: UnsafeMutablePointer<UInt8>?
  }

  static let alignedFlag: UInt32 = 1 << 8

  let bins: UnsafeMutablePointer<Bin>
  var lock = SharedLock()
  /// Of two bins each.
  let lines: UnsafeMutablePointer<SharedLine>
  let heap: ModelHeap
  let counts: StepCounts
  let headerBytes: UInt64
  private let localHeaps: Bool
  var heaps = ReuseHeaps()
  /// Of the last segment.
  private var rest = Remainder()
  private var units: UnsafeMutablePointer<UInt32>?
  private var runs = ModelList<Run>()

  init(options: ReuseOptions, counts: StepCounts, heap: ModelHeap) {
    self.counts = counts
    headerBytes = options.headerBytes
    localHeaps = options.localHeaps
    self.heap = heap
    bins = Self.makeBins(heap)
    lines = heap.allocate(Self.bins / 2, of: SharedLine())
  }

  static func makeBins(_ heap: ModelHeap) -> UnsafeMutablePointer<Bin> {
    let made = heap.allocate(bins, of: Bin(bytes: 0))
    for bin in 0..<bins { made[bin].bytes = SizeClasses.bytes(of: bin) }
    return made
  }

  /// The unit of its segment or arena that an address is in.
  @inline(__always)
  static func unit(of address: Address) -> Int { Int(AddressSpace.offset(of: address) / run) }

  @inline(__always)
  mutating func allocate<Memory: MemoryModel>(
    bytes: UInt64, regions: inout ReuseRegions, thread: UInt16, _ memory: Memory
  ) -> ReuseBlock {
    let number = SizeClasses.number(of: bytes)
    SizeClasses.count(number, counts)
    memory.branch(ReuseBranch.allocatesSmall, taken: SizeClasses.isLinear(number))
    if localHeaps {
      return allocateLocal(number, regions: &regions, thread: thread, memory)
    }
    let bin = bins + number
    acquireShared(number, thread: thread, memory)
    memory.branch(ReuseBranch.hasFreeBlock, taken: bin.pointee.free.count > 0)
    if bin.pointee.free.count > 0 { return pop(bin) }
    var cost: UInt64 = 0
    if !bin.pointee.rest.holds(bin.pointee.bytes) {
      guard refill(bin, number, regions: &regions, cost: &cost, memory) else {
        return ReuseBlock(bytes: bin.pointee.bytes)
      }
    }
    return carve(bin, cost: cost)
  }

  /// From a bin that has a free block. Whoever uses it touches its link.
  @inline(__always)
  func pop(_ bin: UnsafeMutablePointer<Bin>) -> ReuseBlock {
    counts.count(.freeListPop)
    return ReuseBlock(
      address: bin.pointee.free.removeLast(), bytes: bin.pointee.bytes, recycled: true)
  }

  /// From a bin that has a rest.
  @inline(__always)
  func carve(_ bin: UnsafeMutablePointer<Bin>, cost: UInt64) -> ReuseBlock {
    counts.count(.blockCarve)
    let bytes = bin.pointee.bytes
    return ReuseBlock(address: bin.pointee.rest.cut(bytes), bytes: bytes, cost: cost)
  }

  /// - Parameter address: the block's start, where its header is.
  @inline(__always)
  mutating func free<Memory: MemoryModel>(
    _ address: Address, bin number: Int, thread: UInt16, _ memory: Memory
  ) {
    SizeClasses.count(number, counts)
    memory.branch(ReuseBranch.freesSmall, taken: SizeClasses.isLinear(number))
    if localHeaps {
      freeLocal(address, bin: number, thread: thread, memory)
      return
    }
    acquireShared(number, thread: thread, memory)
    counts.count(.freeListPush)
    bins[number].free.append(address, heap)
  }

  /// The shared heap's lock, for one of its bins.
  @inline(__always)
  mutating func acquireShared<Memory: MemoryModel>(
    _ bin: Int, thread: UInt16, _ memory: Memory
  ) {
    lock.acquire(by: thread, counts, memory)
    lines[bin / 2].write(by: thread, counts)
    memory.touch(ReuseLayout.backing, isWrite: true)
    memory.touch(ReuseLayout.bins &+ UInt64(bin) &* ReuseLayout.binBytes, isWrite: true)
  }

  /// A run for a bin that has neither a free block nor a rest. False when out of memory.
  @inline(never)
  mutating func refill<Memory: MemoryModel>(
    _ bin: UnsafeMutablePointer<Bin>, _ number: Int, regions: inout ReuseRegions,
    cost: inout UInt64, _ memory: Memory
  ) -> Bool {
    let bytes = bin.pointee.bytes
    if bytes > Self.middle {
      let region = memory.mapCall(bytes: bytes, counts)
      guard region != 0 else { return false }
      cost = 1 + bytes / ReuseLayout.page
      regions.add(.init(kind: .single, bin: UInt8(number), bytes: bytes), at: region)
      bin.pointee.rest = Remainder(region, bytes: bytes)
      return true
    }
    let run =
      bytes <= Self.small ? Self.run : (bytes * 4 + Self.run - 1) / Self.run * Self.run
    if !rest.holds(run) {
      let region = memory.mapCall(bytes: Self.segment, counts)
      guard region != 0 else { return false }
      let units: UnsafeMutablePointer<UInt32> = heap.allocate(
        Int(Self.segment / Self.run), of: 0)
      regions.add(.init(kind: .segment, bytes: Self.segment, units: units), at: region)
      self.units = units
      rest = Remainder(region, bytes: Self.segment)
    }
    counts.count(.runCarve)
    let start = rest.cut(run)
    addRun(start, bin: number, bytes: run)
    bin.pointee.rest = Remainder(start, bytes: run)
    return true
  }

  private mutating func addRun(_ start: Address, bin: Int, bytes: UInt64) {
    let first = Self.unit(of: start)
    for unit in first..<(first + Int(bytes / Self.run)) {
      units?[unit] = UInt32(bin) | UInt32(runs.count) << 9
    }
    runs.append(Run(start: start), heap)
  }

  /// Where a block of a run that has aligned blocks really starts, and its alignment (0: none).
  func blockStart(_ address: Address, unit: UInt32) -> (start: Address, alignment: UInt8) {
    let run = runs.first[Int(unit >> 9)]
    let index = (address - run.start) / bins[Int(unit & 0xFF)].bytes
    return (
      run.start + index * bins[Int(unit & 0xFF)].bytes, run.alignments?[Int(index)] ?? 0
    )
  }

  /// Keeps the alignment of a block, 0 when it is freed.
  mutating func setAlignment(
    _ log2: UInt8, of address: Address, units: UnsafeMutablePointer<UInt32>
  ) {
    let unit = Self.unit(of: address)
    let number = Int(units[unit] >> 9)
    let run = runs.first + number
    let bytes = bins[Int(units[unit] & 0xFF)].bytes
    if run.pointee.alignments == nil {
      run.pointee.alignments = heap.allocate(Int(Self.run * 16 / bytes) + 1, of: 0)
      var other = Self.unit(of: run.pointee.start)
      while other < Int(Self.segment / Self.run), Int(units[other] >> 9) == number,
        units[other] & 0xFF == units[unit] & 0xFF
      {
        units[other] |= Self.alignedFlag
        other += 1
      }
    }
    run.pointee.alignments?[Int((address - run.pointee.start) / bytes)] = log2
  }
}
