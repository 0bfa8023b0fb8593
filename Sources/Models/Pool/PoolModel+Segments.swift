import Designs

/// Segments, heaps, and where their state is touched.
extension PoolModel {
  func mapRegion(_ bytes: UInt64) -> Address {
    guard bytes > 0, bytes <= AddressSpace.largestRegion else { return 0 }
    return memory.mapCall(bytes: bytes, counts)
  }

  func unmapRegion(_ region: Address, _ bytes: UInt64) {
    table.remove(region)
    memory.unmapCall(region, bytes: bytes, counts)
  }

  /// The segment's first word and the page's number by shifting.
  @inline(__always)
  func pageNumber(segment: Int64, _ start: Address) -> Int32 {
    let offset = start & (PoolLayout.segmentBytes &- 1)
    return Int32(truncatingIfNeeded: segment) &* 64
      &+ Int32(truncatingIfNeeded: offset >> segments[Int(segment)].shift)
  }

  func pageNumber(of start: Address) -> Int32 {
    pageNumber(segment: table[start], start)
  }

  // MARK: - Heaps

  func heapBegin(thread: UInt16) -> Int32 {
    abandonedLock.acquireMutex(by: thread, counts)
    if let heap = abandoned.popLast() {
      threadHeaps[Int(thread)] = heap
      memory.touch(threadLocal(thread), isWrite: true)
      return heap
    }
    let address = mapRegion(
      PoolLayout.heapBytes + (options.hasMagazines ? 128 * UInt64(PoolHeap.smallBins + 1) : 0))
    guard address != 0 else { return 0 }
    counts.count(.heapInit)
    memory.touchRange(address, bytes: PoolLayout.last, isWrite: true)
    let number = addHeap(at: address)
    threadHeaps[Int(thread)] = number
    memory.touch(threadLocal(thread), isWrite: true)
    return number
  }

  func addHeap(at address: Address) -> Int32 {
    let number = Int32(heapList.count)
    heapList.append(PoolHeap(number: number, at: address, storage), storage)
    return number
  }

  @inline(__always)
  func lock(_ heap: Int32) {
    heaps[Int(heap)].lock.acquire(by: currentThread, counts, memory)
    touchHeap(heap, PoolLayout.delayed, isWrite: true)
  }

  /// Gives empty pages and the spare segment back, and leaves the heap to the next thread.
  public func endThread(_ thread: UInt16) {
    let heap = threadHeaps[Int(thread)]
    guard heap != 0 else { return }
    currentThread = thread
    if options.isLocked { lock(heap) }
    collectDelayed(heap)
    if options.hasMagazines { emptyMagazines(heap) }
    for bin in 1..<binCount {
      var page = heaps[Int(heap)].first[bin]
      while page != 0 {
        let next = pages[Int(page)].next
        collect(page)
        if pages[Int(page)].used == 0 {
          remove(heap, page)
          returnPage(heap, page)
        }
        page = next
      }
    }
    let spare = heaps[Int(heap)].spare
    if spare != 0 {
      unmapRegion(segments[Int(spare)].address, PoolLayout.segmentBytes)
      freeSegments.append(spare)
      heaps[Int(heap)].spare = 0
    }
    threadHeaps[Int(thread)] = 0
    memory.touch(threadLocal(thread), isWrite: true)
    abandonedLock.acquireMutex(by: thread, counts)
    abandoned.append(heap)
  }

  // MARK: - Segments

  func link(_ heap: Int32, _ number: Int32) {
    let kind = segments[Int(number)].kind
    let next = heaps[Int(heap)][segmentsOf: kind]
    segments[Int(number)].previous = 0
    segments[Int(number)].next = next
    if next != 0 {
      segments[Int(next)].previous = number
      memory.touch(segments[Int(next)].address, isWrite: true)
    }
    heaps[Int(heap)][segmentsOf: kind] = number
    touchHeap(heap, PoolLayout.segments &+ UInt64(kind) &* 8, isWrite: true)
  }

  func unlink(_ heap: Int32, _ number: Int32) {
    let segment = segments[Int(number)]
    if segment.previous != 0 {
      segments[Int(segment.previous)].next = segment.next
      memory.touch(segments[Int(segment.previous)].address, isWrite: true)
    } else {
      heaps[Int(heap)][segmentsOf: segment.kind] = segment.next
      touchHeap(heap, PoolLayout.segments &+ UInt64(segment.kind) &* 8, isWrite: true)
    }
    if segment.next != 0 {
      segments[Int(segment.next)].previous = segment.previous
      memory.touch(segments[Int(segment.next)].address, isWrite: true)
    }
  }

  private func makeSegment(_ address: Address) -> Int32 {
    let number: Int32
    if let recycled = freeSegments.popLast() {
      number = recycled
    } else {
      if segmentCount == segmentCapacity { growSegments() }
      number = Int32(segmentCount)
      segmentCount += 1
    }
    segments[Int(number)].address = address
    table.insert(address, Int64(number), storage)
    return number
  }

  private func growSegments() {
    let capacity = 2 * segmentCapacity
    segments = storage.grow(segments, from: segmentCapacity, to: capacity, of: PoolSegment())
    pages = storage.grow(pages, from: 64 * segmentCapacity, to: 64 * capacity, of: PoolPage())
    segmentCapacity = capacity
  }

  func newSegment(_ heap: Int32, kind: Int) -> Int32 {
    touchHeap(heap, PoolLayout.spare, isWrite: false)
    var number = heaps[Int(heap)].spare
    if number != 0 {
      heaps[Int(heap)].spare = 0
    } else {
      let address = mapRegion(PoolLayout.segmentBytes)
      guard address != 0 else { return 0 }
      number = makeSegment(address)
    }
    counts.count(.segmentInit)
    let segment = segments + Int(number)
    segment.pointee.heap = heap
    segment.pointee.kind = kind
    segment.pointee.shift = PoolLayout.kindShift[kind]
    segment.pointee.usedPages = 0
    segment.pointee.freePages = UInt64.max >> (64 - PoolLayout.kindPages[kind])
    memory.touch(segment.pointee.address, isWrite: true)
    link(heap, number)
    return number
  }

  func takePage(_ heap: Int32, bin: Int) -> Int32 {
    let bytes = binBytes[bin]
    let kind = bytes <= 8 << 10 ? 0 : bytes <= PoolLayout.mediumPageBlock ? 1 : 2
    touchHeap(heap, PoolLayout.segments &+ UInt64(kind) &* 8, isWrite: false)
    var number = heaps[Int(heap)][segmentsOf: kind]
    if number == 0 {
      number = newSegment(heap, kind: kind)
      guard number != 0 else { return 0 }
    }
    counts.count(.pageFresh)
    let segment = segments + Int(number)
    let index = segment.pointee.freePages.trailingZeroBitCount
    segment.pointee.freePages &= segment.pointee.freePages &- 1
    segment.pointee.usedPages += 1
    memory.touch(segment.pointee.address, isWrite: true)
    if segment.pointee.freePages == 0 { unlink(heap, number) }
    let reserve = index == 0 ? PoolLayout.kindReserve[kind] : 0
    let pageBytes: UInt64 = 1 << PoolLayout.kindShift[kind]
    let pageNumber = number * 64 + Int32(index)
    let page = pages + Int(pageNumber)
    let reserved = Int((pageBytes - reserve) / bytes)
    var links = page.pointee.links
    var linkCapacity = page.pointee.linkCapacity
    if linkCapacity < reserved {
      if let links { storage.free(links) }
      links = storage.reserve(reserved)
      linkCapacity = reserved
    }
    var fresh = PoolPage()
    fresh.links = links
    fresh.linkCapacity = linkCapacity
    fresh.bin = UInt8(bin)
    fresh.reserved = UInt16(reserved)
    fresh.heap = heap
    fresh.blockBytes = bytes
    fresh.reciprocal = ((1 << 44) + bytes - 1) / bytes
    fresh.start = segment.pointee.address + UInt64(index) * pageBytes + reserve
    fresh.state =
      segment.pointee.address + PoolLayout.pages + UInt64(index) * PoolLayout.pageStateBytes
    page.pointee = fresh
    memory.touch(fresh.state, isWrite: true)
    return pageNumber
  }

  func returnPage(_ heap: Int32, _ number: Int32) {
    counts.count(.pageReturn)
    let segmentNumber = number / 64
    let segment = segments + Int(segmentNumber)
    memory.touch(segment.pointee.address, isWrite: true)
    let isLinked = segment.pointee.freePages != 0
    segment.pointee.freePages |= 1 << UInt64(number % 64)
    segment.pointee.usedPages -= 1
    if segment.pointee.usedPages > 0 {
      if !isLinked { link(heap, segmentNumber) }
      return
    }
    if isLinked { unlink(heap, segmentNumber) }
    touchHeap(heap, PoolLayout.spare, isWrite: true)
    if heaps[Int(heap)].spare != 0 {
      unmapRegion(segment.pointee.address, PoolLayout.segmentBytes)
      freeSegments.append(segmentNumber)
    } else {
      heaps[Int(heap)].spare = segmentNumber
    }
  }

  @inline(never)
  func freeHuge(_ address: Address, bytes: UInt64, thread: UInt16) {
    touchSegmentOf(address)
    if !options.isLocked { touchThreadLocal(thread) }
    unmapRegion(address - AddressSpace.offset(of: address), bytes)
  }

  // MARK: - Headers

  /// One line, or two where the header lies across both.
  @inline(__always)
  func headerWrite(_ start: Address) {
    memory.writeHeader(at: start, counts)
    guard Memory.observesTouches else { return }
    if start & 63 + header > 64 { memory.touch(start + header - 1, isWrite: true) }
  }

  @inline(__always)
  func headerCheck(_ start: Address) { memory.checkHeader(at: start, counts) }

  // MARK: - Touches

  @inline(__always)
  func threadLocal(_ thread: UInt16) -> Address { StaticData.ofThread(thread) }

  @inline(__always)
  func touchThreadLocal(_ thread: UInt16) {
    memory.touch(threadLocal(thread), isWrite: false)
  }

  @inline(__always)
  func touchHeap(_ heap: Int32, _ offset: UInt64, isWrite: Bool) {
    guard Memory.observesTouches else { return }
    let address = heap == 0 ? StaticData.base : heaps[Int(heap)].address
    memory.touch(address &+ offset, isWrite: isWrite)
  }

  @inline(__always)
  func touchPage(_ heap: Int32, _ number: Int32, isWrite: Bool) {
    guard Memory.observesTouches else { return }
    if number == 0 {
      touchHeap(heap, PoolLayout.empty, isWrite: isWrite)
    } else {
      memory.touch(pages[Int(number)].state, isWrite: isWrite)
    }
  }

  /// The state of the segment in which a block lies.
  @inline(__always)
  func touchSegmentOf(_ address: Address) {
    memory.touch((address &- header &- 1) & ~(PoolLayout.segmentBytes &- 1), isWrite: false)
  }
}
