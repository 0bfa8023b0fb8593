import Designs

/// The heaps of threads, by thread: which one each has, and which wait for another thread.
struct ReuseHeaps {
  struct ThreadHeap {
    var bins: UnsafeMutablePointer<ReuseBacking.Bin>
    /// Where the C source keeps it: a region of its own.
    var region: Address
  }

  /// Made when its thread first allocates or frees; nil before, and after the thread's end.
  fileprivate(set) var ofThread: [ThreadHeap?] = []
  fileprivate var abandoned: [ThreadHeap] = []
}

/// A heap per thread in front of the shared one: heap.h's algorithm.
extension ReuseBacking {
  private static var mostBlocks: Int { 256 }
  private static var fewestBlocks: Int { 2 }
  private static var batchBlocks: Int { 128 }

  /// Not inlined: the shared heap's path stays as small as without it.
  @inline(never)
  mutating func allocateLocal<Memory: MemoryModel>(
    _ number: Int, regions: inout ReuseRegions, thread: UInt16, _ memory: Memory
  ) -> ReuseBlock {
    let heap = heapHere(thread, memory)
    let bin = heap.bins + number
    let bytes = bin.pointee.bytes
    touchLocalBin(heap, number, memory)
    memory.branch(ReuseBranch.hasFreeBlock, taken: bin.pointee.free.count > 0)
    var cost: UInt64 = 0
    if bin.pointee.free.count == 0 && !bin.pointee.rest.holds(bytes) {
      guard
        refillLocal(bin, number, regions: &regions, cost: &cost, thread: thread, memory)
      else { return ReuseBlock(bytes: bytes) }
    }
    if bin.pointee.free.count > 0 {
      counts.count(.localCount)
      return pop(bin)
    }
    return carve(bin, cost: cost)
  }

  @inline(never)
  mutating func freeLocal<Memory: MemoryModel>(
    _ address: Address, bin number: Int, thread: UInt16, _ memory: Memory
  ) {
    let heap = heapHere(thread, memory)
    let bin = heap.bins + number
    counts.count(.freeListPush)
    counts.count(.localCount)
    touchLocalBin(heap, number, memory)
    bin.pointee.free.append(address, self.heap)
    let count = bin.pointee.free.count
    if count > Self.fewestBlocks
      && (count > Self.mostBlocks || UInt64(count) * bin.pointee.bytes > Self.run)
    {
      giveBack(bin, number, thread: thread, memory)
    }
  }

  /// At the end of its thread.
  mutating func abandonHeap<Memory: MemoryModel>(of thread: UInt16, _ memory: Memory) {
    guard Int(thread) < heaps.ofThread.count, let heap = heaps.ofThread[Int(thread)] else { return }
    heaps.ofThread[Int(thread)] = nil
    lock.acquire(by: thread, counts, memory)
    heaps.abandoned.append(heap)
  }

  @inline(__always)
  private mutating func heapHere<Memory: MemoryModel>(
    _ thread: UInt16, _ memory: Memory
  ) -> ReuseHeaps.ThreadHeap {
    counts.count(.threadLocalAccess)
    memory.touch(StaticData.ofThread(thread) &+ ReuseLayout.heapPointer, isWrite: false)
    if Int(thread) < heaps.ofThread.count, let heap = heaps.ofThread[Int(thread)] { return heap }
    return beginHeap(thread, memory)
  }

  /// A simulated page is always to be had.
  @inline(never)
  private mutating func beginHeap<Memory: MemoryModel>(
    _ thread: UInt16, _ memory: Memory
  ) -> ReuseHeaps.ThreadHeap {
    lock.acquire(by: thread, counts, memory)
    let begun: ReuseHeaps.ThreadHeap
    if let abandoned = heaps.abandoned.popLast() {
      begun = abandoned
    } else {
      begun = .init(
        bins: Self.makeBins(heap), region: memory.mapCall(bytes: ReuseLayout.page, counts))
      counts.count(.heapInit)
    }
    while heaps.ofThread.count <= Int(thread) { heaps.ofThread.append(nil) }
    heaps.ofThread[Int(thread)] = begun
    return begun
  }

  @inline(never)
  private mutating func refillLocal<Memory: MemoryModel>(
    _ bin: UnsafeMutablePointer<Bin>, _ number: Int, regions: inout ReuseRegions,
    cost: inout UInt64, thread: UInt16, _ memory: Memory
  ) -> Bool {
    acquireShared(number, thread: thread, memory)
    let shared = bins + number
    guard shared.pointee.free.count > 0 else {
      return refill(bin, number, regions: &regions, cost: &cost, memory)
    }
    repeat {
      transfer(from: shared, to: bin, memory)
    } while shared.pointee.free.count > 0 && bin.pointee.free.count < Self.batchBlocks
      && UInt64(bin.pointee.free.count) * bin.pointee.bytes < Self.run / 2
    return true
  }

  @inline(never)
  private mutating func giveBack<Memory: MemoryModel>(
    _ bin: UnsafeMutablePointer<Bin>, _ number: Int, thread: UInt16, _ memory: Memory
  ) {
    acquireShared(number, thread: thread, memory)
    for _ in 0..<(bin.pointee.free.count / 2) { transfer(from: bin, to: bins + number, memory) }
  }

  /// The block's link is read and written.
  @inline(__always)
  private func transfer<Memory: MemoryModel>(
    from: UnsafeMutablePointer<Bin>, to: UnsafeMutablePointer<Bin>, _ memory: Memory
  ) {
    counts.count(.blockTransfer)
    let address = from.pointee.free.removeLast()
    memory.touch(address &+ headerBytes, isWrite: true)
    to.pointee.free.append(address, heap)
  }

  @inline(__always)
  private func touchLocalBin<Memory: MemoryModel>(
    _ heap: ReuseHeaps.ThreadHeap, _ bin: Int, _ memory: Memory
  ) {
    memory.touch(heap.region &+ UInt64(bin) &* ReuseLayout.binBytes, isWrite: true)
  }
}
