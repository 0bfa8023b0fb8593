import Designs

/// The segregated heap below the threshold: backing.h's algorithm.
///
/// An intrusive list that is used last in, first out, is a stack: the model keeps each bin's free
/// blocks as one, and reports the touches of the links.
struct ReuseBacking {
  static let bins = 80
  static let run: UInt64 = 64 << 10
  static let small: UInt64 = 16 << 10
  static let middle: UInt64 = 256 << 10
  static let segment: UInt64 = 4 << 20

  struct Bin {
    var free: UnsafeMutablePointer<Address>
    var freeCount = 0
    var freeCapacity = 0
    /// What is left of the bin's run.
    var next: Address = 0
    var end: Address = 0
    var bytes: UInt64
    /// The run that blocks are cut from.
    var run: UInt32 = 0
  }

  /// A run's aligned blocks: their alignment per block, allocated with the first.
  struct Run {
    var start: Address
    var alignments: UnsafeMutablePointer<UInt8>?
  }

  /// A block as it comes from the backing; address 0 when out of memory.
  struct Block {
    var address: Address
    var bytes: UInt64
    var recycled: Bool
    var cost: UInt64
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
  private var next: Address = 0
  private var end: Address = 0
  private var units: UnsafeMutablePointer<UInt32>?
  private(set) var runs: UnsafeMutablePointer<Run>
  private var runCount = 0
  private var runCapacity = 64

  init(options: ReuseOptions, counts: StepCounts, heap: ModelHeap) {
    self.counts = counts
    headerBytes = options.headerBytes
    localHeaps = options.localHeaps
    self.heap = heap
    bins = Self.makeBins(heap)
    runs = heap.allocate(runCapacity, of: Run(start: 0))
    lines = heap.allocate(Self.bins / 2, of: SharedLine())
  }

  static func makeBins(_ heap: ModelHeap) -> UnsafeMutablePointer<Bin> {
    let none = heap.allocate(1, of: Address(0))
    let made = heap.allocate(bins, of: Bin(free: none, bytes: 0))
    for bin in 0..<bins { made[bin].bytes = bytes(ofBin: bin) }
    return made
  }

  /// Multiples of 16 to 128 bytes, then four classes per doubling.
  @inline(__always)
  static func bin(of bytes: UInt64) -> Int {
    if bytes <= 128 { return Int((bytes + 15) / 16) - 1 }
    let log2 = 63 - (bytes - 1).leadingZeroBitCount
    return 8 + (log2 - 7) * 4 + Int((bytes - 1) >> UInt64(log2 - 2) & 3)
  }

  /// How the native design found this bin.
  @inline(__always)
  static func count(bin: Int, _ counts: StepCounts) {
    counts.count(bin < 8 ? .sizeClassShift : .sizeClassLeadingZeros)
  }

  static func bytes(ofBin bin: Int) -> UInt64 {
    bin < 8 ? UInt64(bin + 1) * 16 : UInt64(5 + (bin - 8) % 4) << UInt64(5 + (bin - 8) / 4)
  }

  @inline(__always)
  mutating func allocate<Memory: MemoryModel>(
    bytes: UInt64, regions: inout ReuseRegions, thread: UInt16, _ memory: Memory
  ) -> Block {
    let number = Self.bin(of: bytes)
    Self.count(bin: number, counts)
    if Memory.observesTouches { memory.branch(ReuseBranch.allocatesSmall, taken: number < 8) }
    if localHeaps {
      return allocateLocal(number, regions: &regions, thread: thread, memory)
    }
    let bin = bins + number
    lock.acquire(by: thread, counts, memory)
    lines[number / 2].write(by: thread, counts)
    if Memory.observesTouches {
      touchBin(number, memory)
      memory.branch(ReuseBranch.hasFreeBlock, taken: bin.pointee.freeCount > 0)
    }
    if bin.pointee.freeCount > 0 {
      counts.count(.freeListPop)
      bin.pointee.freeCount &-= 1
      return Block(
        address: bin.pointee.free[bin.pointee.freeCount], bytes: bin.pointee.bytes, recycled: true,
        cost: 0)
    }
    var cost: UInt64 = 0
    if bin.pointee.end - bin.pointee.next < bin.pointee.bytes {
      guard refill(bin, number, regions: &regions, cost: &cost, memory) else {
        return Block(address: 0, bytes: bin.pointee.bytes, recycled: false, cost: 0)
      }
    }
    counts.count(.blockCarve)
    let address = bin.pointee.next
    bin.pointee.next = address + bin.pointee.bytes
    return Block(address: address, bytes: bin.pointee.bytes, recycled: false, cost: cost)
  }

  /// - Parameter address: the block's start, where its header is.
  @inline(__always)
  mutating func free<Memory: MemoryModel>(
    _ address: Address, bin number: Int, thread: UInt16, _ memory: Memory
  ) {
    Self.count(bin: number, counts)
    if Memory.observesTouches { memory.branch(ReuseBranch.freesSmall, taken: number < 8) }
    if localHeaps {
      freeLocal(address, bin: number, thread: thread, memory)
      return
    }
    lock.acquire(by: thread, counts, memory)
    lines[number / 2].write(by: thread, counts)
    counts.count(.freeListPush)
    if Memory.observesTouches { touchBin(number, memory) }
    push(address, on: bins + number)
  }

  @inline(__always)
  func push(_ address: Address, on bin: UnsafeMutablePointer<Bin>) {
    if bin.pointee.freeCount == bin.pointee.freeCapacity { growStack(bin) }
    bin.pointee.free[bin.pointee.freeCount] = address
    bin.pointee.freeCount &+= 1
  }

  @inline(__always)
  func touchBin<Memory: MemoryModel>(_ bin: Int, _ memory: Memory) {
    memory.touch(ReuseLayout.backing, isWrite: true)
    memory.touch(ReuseLayout.bins + UInt64(bin) * ReuseLayout.binBytes, isWrite: true)
  }

  @inline(never)
  private func growStack(_ bin: UnsafeMutablePointer<Bin>) {
    let capacity = bin.pointee.freeCapacity
    bin.pointee.free =
      capacity == 0
      ? heap.allocate(64, of: 0)
      : heap.grow(bin.pointee.free, from: capacity, to: capacity * 2, of: 0)
    bin.pointee.freeCapacity = max(64, capacity * 2)
  }

  /// A run for a bin that has neither a free block nor a rest. False when out of memory.
  @inline(never)
  mutating func refill<Memory: MemoryModel>(
    _ bin: UnsafeMutablePointer<Bin>, _ number: Int, regions: inout ReuseRegions,
    cost: inout UInt64, _ memory: Memory
  ) -> Bool {
    let bytes = bin.pointee.bytes
    if bytes > Self.middle {
      counts.count(.mapCall)
      let region = memory.map(bytes: bytes)
      guard region != 0 else { return false }
      cost = 1 + bytes / ReuseLayout.page
      regions.add(.init(kind: .single, bin: UInt8(number), bytes: bytes), at: region)
      bin.pointee.next = region
      bin.pointee.end = region + bytes
      return true
    }
    let run =
      bytes <= Self.small ? Self.run : (bytes * 4 + Self.run - 1) / Self.run * Self.run
    if end - next < run {
      counts.count(.mapCall)
      let region = memory.map(bytes: Self.segment)
      guard region != 0 else { return false }
      let units: UnsafeMutablePointer<UInt32> = heap.allocate(
        Int(Self.segment / Self.run), of: 0)
      regions.add(.init(kind: .segment, bytes: Self.segment, units: units), at: region)
      self.units = units
      next = region
      end = region + Self.segment
    }
    counts.count(.runCarve)
    addRun(bin: number, bytes: run)
    bin.pointee.next = next
    bin.pointee.end = next + run
    next += run
    return true
  }

  private mutating func addRun(bin: Int, bytes: UInt64) {
    if runCount == runCapacity {
      runs = heap.grow(runs, from: runCount, to: runCapacity * 2, of: Run(start: 0))
      runCapacity *= 2
    }
    runs[runCount] = Run(start: next)
    let first = Int(next & 0xFF_FFFF_FFFF) / Int(Self.run)
    for unit in first..<(first + Int(bytes / Self.run)) {
      units?[unit] = UInt32(bin) | UInt32(runCount) << 9
    }
    runCount += 1
  }

  /// Where a block of a run that has aligned blocks really starts, and its alignment (0: none).
  func blockStart(_ address: Address, unit: UInt32) -> (start: Address, alignment: UInt8) {
    let run = runs[Int(unit >> 9)]
    let index = (address - run.start) / bins[Int(unit & 0xFF)].bytes
    return (
      run.start + index * bins[Int(unit & 0xFF)].bytes, run.alignments?[Int(index)] ?? 0
    )
  }

  /// Keeps the alignment of a block, 0 when it is freed.
  mutating func setAlignment(
    _ log2: UInt8, of address: Address, units: UnsafeMutablePointer<UInt32>
  ) {
    let unit = Int(address & 0xFF_FFFF_FFFF) / Int(Self.run)
    let run = Int(units[unit] >> 9)
    let bytes = bins[Int(units[unit] & 0xFF)].bytes
    if runs[run].alignments == nil {
      runs[run].alignments = heap.allocate(Int(Self.run * 16 / bytes) + 1, of: 0)
      let first = Int(runs[run].start & 0xFF_FFFF_FFFF) / Int(Self.run)
      var other = first
      while other < Int(Self.segment / Self.run), Int(units[other] >> 9) == run,
        units[other] & 0xFF == units[unit] & 0xFF
      {
        units[other] |= Self.alignedFlag
        other += 1
      }
    }
    runs[run].alignments?[Int((address - runs[run].start) / bytes)] = log2
  }
}
