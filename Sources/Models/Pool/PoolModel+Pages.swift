import Designs

/// Pages: free lists, queues by bin, and what happens when a page runs full or empty.
extension PoolModel {
  @inline(__always)
  func linked(_ page: UnsafeMutablePointer<PoolPage>, _ block: UInt16) -> UInt16 {
    // Every page that has blocks has links; asking an empty one would be a bug.
    page.pointee.links.unsafelyUnwrapped[Int(block)]
  }

  @inline(__always)
  func writePage(_ page: UnsafeMutablePointer<PoolPage>) {
    page.pointee.line.write(by: currentThread, counts)
  }

  @inline(__always)
  func pushLocal(_ page: UnsafeMutablePointer<PoolPage>, _ block: UInt16) {
    writePage(page)
    memory.pushLink(at: page.pointee.address(of: block), counts)
    memory.touch(page.pointee.state, isWrite: true)
    if options.isEncoded { counts.count(.freeListEncode) }
    if options.hasOneList {
      page.pointee.links.unsafelyUnwrapped[Int(block)] = page.pointee.free
      page.pointee.free = block
    } else {
      page.pointee.links.unsafelyUnwrapped[Int(block)] = page.pointee.localFree
      page.pointee.localFree = block
    }
  }

  /// For sizes up to `largestBlock`.
  @inline(__always)
  func bin(of bytes: UInt64) -> Int {
    options.isDirect ? binComputed(bytes) : binSearched(bytes)
  }

  @inline(__always)
  func binComputed(_ bytes: UInt64) -> Int {
    let granules = (bytes &+ 15) / 16
    let isShifted = granules <= (options.hasFewBins ? 4 : 8)
    memory.branch(PoolBranch.isShifted, taken: isShifted)
    if isShifted {
      counts.count(.sizeClassShift)
      return max(Int(granules), 1)
    }
    counts.count(.sizeClassLeadingZeros)
    let last = granules &- 1
    let top = 63 &- last.leadingZeroBitCount
    if options.hasFewBins { return top << 1 &+ Int((last >> UInt64(top &- 1)) & 1) &+ 1 }
    return top << 2 &+ Int((last >> UInt64(top &- 2)) & 3) &- 3
  }

  @inline(__always)
  func binSearched(_ bytes: UInt64) -> Int {
    var low = 1
    var high = binCount - 1
    while low < high {
      let middle = (low &+ high) / 2
      counts.count(.sizeClassSearchProbe)
      let isLarger = binBytes[middle] < bytes
      memory.branch(PoolBranch.searchProbe, taken: isLarger)
      if isLarger { low = middle &+ 1 } else { high = middle }
    }
    return low
  }

  func updateDirect(_ heap: Int32, bin: Int) {
    guard options.isDirect, binBytes[bin] <= PoolLayout.smallBytes else { return }
    let from = bin == 1 ? 0 : Int(binBytes[bin - 1] / 8) + 1
    let upTo = Int(binBytes[bin] / 8)
    counts.count(.directEntryWrite, UInt64(upTo - from + 1))
    let heap = heaps + Int(heap)
    let page = heap.pointee.first[bin]
    for words in from...upTo {
      heap.pointee.direct[words] = page
      memory.touch(heap.pointee.address &+ UInt64(words) &* 8, isWrite: true)
    }
  }

  func pushFront(_ heap: Int32, _ number: Int32) {
    let heap = heaps + Int(heap)
    let bin = Int(pages[Int(number)].bin)
    let next = heap.pointee.first[bin]
    pages[Int(number)].previous = 0
    pages[Int(number)].next = next
    memory.touch(pages[Int(number)].state, isWrite: true)
    if next == 0 {
      heap.pointee.last[bin] = number
      touchHeap(heap.pointee.number, PoolLayout.last &+ UInt64(bin) &* 8, isWrite: true)
    } else {
      pages[Int(next)].previous = number
      memory.touch(pages[Int(next)].state, isWrite: true)
    }
    heap.pointee.first[bin] = number
    touchHeap(heap.pointee.number, PoolLayout.first &+ UInt64(bin) &* 8, isWrite: true)
    updateDirect(heap.pointee.number, bin: bin)
  }

  func pushBack(_ heap: Int32, _ number: Int32) {
    let state = heaps + Int(heap)
    let bin = Int(pages[Int(number)].bin)
    let last = state.pointee.last[bin]
    touchHeap(heap, PoolLayout.last &+ UInt64(bin) &* 8, isWrite: last != 0)
    guard last != 0 else {
      pushFront(heap, number)
      return
    }
    pages[Int(number)].previous = last
    pages[Int(number)].next = 0
    memory.touch(pages[Int(number)].state, isWrite: true)
    pages[Int(last)].next = number
    memory.touch(pages[Int(last)].state, isWrite: true)
    state.pointee.last[bin] = number
  }

  func remove(_ heap: Int32, _ number: Int32) {
    let state = heaps + Int(heap)
    let page = pages[Int(number)]
    let bin = Int(page.bin)
    if page.next != 0 {
      pages[Int(page.next)].previous = page.previous
      memory.touch(pages[Int(page.next)].state, isWrite: true)
    } else {
      state.pointee.last[bin] = page.previous
      touchHeap(heap, PoolLayout.last &+ UInt64(bin) &* 8, isWrite: true)
    }
    if page.previous != 0 {
      pages[Int(page.previous)].next = page.next
      memory.touch(pages[Int(page.previous)].state, isWrite: true)
    } else {
      state.pointee.first[bin] = page.next
      touchHeap(heap, PoolLayout.first &+ UInt64(bin) &* 8, isWrite: true)
      updateDirect(heap, bin: bin)
    }
  }

  func extend(_ number: Int32) {
    if options.hasBump { return }
    let page = pages + Int(number)
    let left = UInt64(page.pointee.reserved - page.pointee.capacity)
    let portion = max(PoolLayout.extendBytes / page.pointee.blockBytes, 1)
    let count = min(portion, left)
    counts.count(.pageExtend)
    counts.count(.blockLink, count)
    if options.isEncoded { counts.count(.freeListEncode, count) }
    let from = page.pointee.capacity
    let end = from + UInt16(count)
    // A page that is extended was taken, which gave it links.
    let links = page.pointee.links.unsafelyUnwrapped
    for block in from..<end {
      links[Int(block)] = block + 1
      memory.touch(page.pointee.address(of: block), isWrite: true)
    }
    links[Int(end - 1)] = PoolPage.none
    page.pointee.free = from
    page.pointee.capacity = end
    memory.touch(page.pointee.state, isWrite: true)
  }

  func takeRemote(_ number: Int32) {
    let page = pages + Int(number)
    var block = page.pointee.remote
    page.pointee.remote = PoolPage.none
    while block != PoolPage.none {
      let next = linked(page, block)
      counts.count(.remoteCollect)
      countRelink()
      memory.touch(page.pointee.address(of: block), isWrite: true)
      page.pointee.links.unsafelyUnwrapped[Int(block)] = page.pointee.free
      page.pointee.free = block
      page.pointee.used &-= 1
      block = next
    }
  }

  /// A link read and written anew.
  private func countRelink() {
    guard options.isEncoded else { return }
    counts.count(.freeListDecode)
    counts.count(.freeListEncode)
  }

  /// What eager collection does before every allocation.
  @inline(never)
  func checkRemote(_ number: Int32) {
    counts.count(.remoteCheck)
    collectRemote(number)
  }

  /// Takes what others freed, if they did.
  @inline(__always)
  private func collectRemote(_ number: Int32) {
    guard pages[Int(number)].remote != PoolPage.none else { return }
    memory.lockedInstruction(.atomicUncontended, counts)
    takeRemote(number)
  }

  func collect(_ number: Int32) {
    if options.hasOneList { return }
    counts.count(.freeListCollect)
    let page = pages + Int(number)
    writePage(page)
    memory.touch(page.pointee.state, isWrite: true)
    if page.pointee.free == PoolPage.none {
      page.pointee.free = page.pointee.localFree
      page.pointee.localFree = PoolPage.none
    }
    collectRemote(number)
  }

  func makeFull(_ heap: Int32, _ number: Int32) {
    if !options.isLocked { memory.lockedInstruction(.atomicUncontended, counts) }
    counts.count(.pageFull)
    pages[Int(number)].notifies = !options.isLocked
    pages[Int(number)].isFull = true
    remove(heap, number)
  }

  func makeAvailable(_ heap: Int32, _ number: Int32) {
    counts.count(.pageAvailable)
    pages[Int(number)].isFull = false
    pushBack(heap, number)
    if options.isLocked { return }
    memory.lockedInstruction(.atomicUncontended, counts)
    pages[Int(number)].notifies = false
    if pages[Int(number)].remote != PoolPage.none { takeRemote(number) }
  }

  @inline(never)
  func retire(_ heap: Int32, _ number: Int32) {
    counts.count(.pageRetire)
    let page = pages + Int(number)
    page.pointee.isFull = false
    page.pointee.hasMovedStarts = false
    let isOnly = page.pointee.next == 0 && page.pointee.previous == 0
    if isOnly && page.pointee.blockBytes <= options.keptBlock { return }
    remove(heap, number)
    returnPage(heap, number)
  }

  /// - Returns: a page with a free block, or 0 when out of memory.
  func findPage(_ heap: Int32, bin: Int) -> Int32 {
    var page = heaps[Int(heap)].first[bin]
    while page != 0 {
      counts.count(.pageVisit)
      collect(page)
      if hasBlock(page) { return page }
      if pages[Int(page)].capacity < pages[Int(page)].reserved {
        extend(page)
        return page
      }
      makeFull(heap, page)
      page = heaps[Int(heap)].first[bin]
    }
    page = takePage(heap, bin: bin)
    guard page != 0 else { return 0 }
    pushFront(heap, page)
    extend(page)
    return page
  }

  // MARK: - Freeing what is no simple local block

  func freeLocalFlagged(_ heap: Int32, _ number: Int32, _ block: UInt16) {
    let page = pages + Int(number)
    pushLocal(page, block)
    countUsed()
    page.pointee.used &-= 1
    let isEmpty = page.pointee.used == 0
    if page.pointee.isFull { makeAvailable(heap, number) }
    if isEmpty { retire(heap, number) }
  }

  @inline(never)
  func freeOther(_ heap: Int32, _ number: Int32, _ start: Address) {
    let page = pages + Int(number)
    if page.pointee.hasMovedStarts { counts.count(.blockUnalign) }
    let block = page.pointee.block(at: start)
    if page.pointee.heap == heap {
      freeLocalFlagged(heap, number, block)
    } else {
      freeRemote(number, block)
    }
  }

  func freeRemote(_ number: Int32, _ block: UInt16) {
    counts.count(.remoteFree)
    if options.isEncoded { counts.count(.freeListEncode, pages[Int(number)].notifies ? 2 : 1) }
    let page = pages + Int(number)
    writePage(page)
    memory.touch(page.pointee.address(of: block), isWrite: true)
    memory.lockedInstruction(.atomicUncontended, counts)
    memory.touch(page.pointee.state, isWrite: true)
    if page.pointee.notifies {
      page.pointee.notifies = false
      let owner = heaps + Int(page.pointee.heap)
      memory.lockedInstruction(.atomicUncontended, counts)
      owner.pointee.delayedLine.write(by: currentThread, counts)
      owner.pointee.delayed.append((number, block), storage)
      touchHeap(owner.pointee.number, PoolLayout.delayed, isWrite: true)
    } else {
      page.pointee.links.unsafelyUnwrapped[Int(block)] = page.pointee.remote
      page.pointee.remote = block
    }
  }

  func collectDelayed(_ heap: Int32) {
    let state = heaps + Int(heap)
    touchHeap(heap, PoolLayout.delayed, isWrite: false)
    guard state.pointee.delayed.count > 0 else { return }
    memory.lockedInstruction(.atomicUncontended, counts)
    state.pointee.delayedLine.write(by: currentThread, counts)
    while state.pointee.delayed.count > 0 {
      let (page, block) = state.pointee.delayed.removeLast()
      counts.count(.remoteCollect)
      if options.isEncoded { counts.count(.freeListDecode) }
      freeLocalFlagged(heap, page, block)
    }
  }
}
