import Designs

/// The heaps of threads, the small pool and the medium classes: heap.h, small.h and medium.h.
extension TieredModel {
  /// A mutex, and the line in which it lies.
  @inline(__always)
  func take(_ lock: inout SharedLock, at line: Address) {
    lock.acquireMutex(by: currentThread, counts)
    memory.touch(line, isWrite: true)
  }

  // MARK: - Heaps

  /// False when the thread has no heap and there is no memory for one.
  @inline(__always)
  func findHeap(_ thread: UInt16) -> Bool {
    counts.count(.threadLocalAccess)
    memory.touch(StaticData.ofThread(thread), isWrite: false)
    return heaps[Int(thread)].address != 0 || beginHeap(thread)
  }

  @inline(never)
  private func beginHeap(_ thread: UInt16) -> Bool {
    heapsLock.acquireMutex(by: thread, counts)
    if let adopted = abandoned.popLast() {
      heaps[Int(thread)] = adopted
      return true
    }
    let address = memory.mapCall(bytes: TieredLayout.heapBytes, counts)
    guard address != 0 else { return false }
    counts.count(.heapInit)
    heapsLock.acquireMutex(by: thread, counts)
    let own = heap.allocate(TieredLayout.mediumClasses, of: TieredClass())
    heaps[Int(thread)].address = address
    heaps[Int(thread)].medium = own
    memory.touch(address, isWrite: true)
    if options.warms && options.ownMedium { warmMedium(own, at: address) }
    return true
  }

  /// Leaves the thread's heap, whole, to the next thread.
  public func endThread(_ thread: UInt16) {
    guard heaps[Int(thread)].address != 0 else { return }
    heapsLock.acquireMutex(by: thread, counts)
    abandoned.append(heaps[Int(thread)])
    heaps[Int(thread)] = TieredHeap()
  }

  @inline(__always)
  func record(_ thread: UInt16, _ tier: Tier, _ size: UInt64) {
    if options.detectsPatterns { recordPattern(thread, tier) }
    if options.statistics == .off { return }
    countStatistic(thread, 8 * UInt64(tier.rawValue))
    countStatistic(thread, 64)
  }

  /// - Parameter offset: of the counter within the statistics.
  @inline(__always)
  func countStatistic(_ thread: UInt16, _ offset: UInt64) {
    if options.statistics == .shared {
      memory.lockedInstruction(.statisticAtomic, counts)
      statisticLines[Int(offset / 64)].write(by: currentThread, counts)
      memory.touch(TieredLayout.statistics &+ offset, isWrite: true)
    } else {
      counts.count(.statisticPlain)
      touchHeap(thread, TieredLayout.ownStatistics &+ offset)
    }
  }

  @inline(__always)
  func touchHeap(_ thread: UInt16, _ offset: UInt64) {
    guard Memory.observesTouches else { return }
    memory.touch(heaps[Int(thread)].address &+ offset, isWrite: true)
  }

  @inline(__always)
  private func recordPattern(_ thread: UInt16, _ tier: Tier) {
    counts.count(.patternRecord)
    touchHeap(thread, TieredLayout.pattern)
    let heap = heaps + Int(thread)
    if tier == .mapped { heap.pointee.mappings &+= 1 }
    heap.pointee.round &+= 1
    if heap.pointee.round < TieredLayout.patternRound { return }
    counts.count(.patternUpdate)
    if heap.pointee.mappings >= TieredLayout.patternMappings {
      heap.pointee.rounds = 2 * heap.pointee.repeats < heap.pointee.mappings
    }
    heap.pointee.round = 0
    heap.pointee.repeats = 0
    heap.pointee.mappings = 0
  }

  /// The bytes of a mapping, as the pattern wants them.
  func patternBytes(_ thread: UInt16, _ bytes: UInt64) -> UInt64 {
    guard options.detectsPatterns else { return bytes }
    let heap = heaps + Int(thread)
    touchHeap(thread, TieredLayout.pattern)
    if bytes == heap.pointee.lastBytes { heap.pointee.repeats += 1 }
    heap.pointee.lastBytes = bytes
    guard heap.pointee.rounds else { return bytes }
    counts.count(.patternRounding)
    let eighth = max(1 << (60 - UInt64(bytes.leadingZeroBitCount)), TieredLayout.page)
    return (bytes + eighth - 1) & ~(eighth - 1)
  }

  // MARK: - The small pool

  static func smallClasses(_ options: TieredOptions) -> Int {
    options.tiers ? Int(TieredLayout.smallEnd + 16) / 16 : 8 + 4 * 11
  }

  @inline(__always)
  func smallStride(_ number: Int) -> UInt64 {
    options.tiers ? 16 &* UInt64(number &+ 1) : SizeClasses.bytes(of: number)
  }

  @inline(__always)
  private func smallClass(_ size: UInt64) -> Int {
    let bytes = size &+ TieredLayout.headerBytes
    if options.tiers {
      counts.count(.sizeClassShift)
      return Int(truncatingIfNeeded: (bytes &+ 15) / 16) &- 1
    }
    let number = SizeClasses.number(of: bytes)
    SizeClasses.count(number, counts)
    return number
  }

  @inline(__always)
  func smallClass(at payload: Address, _ region: UnsafeMutablePointer<TieredRegion>) -> Int {
    // A segment's record has the classes of its runs.
    Int(region.pointee.classes.unsafelyUnwrapped[Int(Self.run(of: payload &- 8))])
  }

  @inline(never)
  private func refillSmall(_ number: Int, _ stride: UInt64) -> Bool {
    let run =
      stride <= TieredLayout.run / 8
      ? TieredLayout.run
      : (4 * stride + 8 + TieredLayout.run - 1) & ~(TieredLayout.run - 1)
    if !segmentRest.holds(run) {
      let segment = memory.mapCall(bytes: TieredLayout.segment, counts)
      guard segment != 0 else { return false }
      let classes = heap.allocate(TieredLayout.runsPerSegment, of: UInt8(0))
      regions.add(
        TieredRegion(tier: .small, bytes: TieredLayout.segment, classes: classes), at: segment)
      segmentRest = Remainder(segment, bytes: TieredLayout.segment)
    }
    counts.count(.runCarve)
    let start = segmentRest.cut(run)
    small[number].rest = Remainder(start + 8, bytes: run - 8)
    let classes = regions.record(of: start).pointee.classes.unsafelyUnwrapped
    for unit in 0..<run / TieredLayout.run {
      classes[Int(Self.run(of: start + unit * TieredLayout.run))] = UInt8(number)
    }
    return true
  }

  /// Cuts as many blocks as asked for and fit, and has them ready on the list.
  private func warm(
    _ list: UnsafeMutablePointer<TieredClass>, _ stride: UInt64, _ blocks: UInt32
  ) {
    var left = blocks
    while left > 0 && list.pointee.rest.holds(stride) {
      let payload = carve(list, stride)
      counts.count(.blockLink)
      memory.touch(payload - 8, isWrite: true)
      memory.touch(payload, isWrite: true)
      list.pointee.free.append(payload, heap)
      left -= 1
    }
  }

  @inline(never)
  private func warmSmall() {
    counts.count(.poolWarm)
    for number in 0..<Self.smallClasses(options) {
      guard refillSmall(number, smallStride(number)) else { return }
      touchSmall(number)
      warm(small + number, smallStride(number), TieredLayout.smallWarm)
    }
  }

  @inline(__always)
  private func touchSmall(_ number: Int) {
    touchShared(smallLines, TieredLayout.small, number)
  }

  /// - Parameter pool: where the pool's lock lies, before its classes.
  @inline(__always)
  private func touchShared(
    _ lines: UnsafeMutablePointer<SharedLine>, _ pool: Address, _ number: Int
  ) {
    lines[number / 2].write(by: currentThread, counts)
    memory.touch(
      pool &+ TieredLayout.classes &+ UInt64(number) &* TieredLayout.classBytes, isWrite: true)
  }

  @inline(__always)
  private func carve(_ list: UnsafeMutablePointer<TieredClass>, _ stride: UInt64) -> Address {
    counts.count(.blockCarve)
    return list.pointee.rest.cut(stride) &+ TieredLayout.headerBytes
  }

  /// A block off the list; its link is read.
  @inline(__always)
  private func pop(_ list: UnsafeMutablePointer<TieredClass>) -> Address {
    let payload = list.pointee.free.removeLast()
    memory.popLink(at: payload, counts)
    return payload
  }

  @inline(__always)
  private func push(_ list: UnsafeMutablePointer<TieredClass>, _ payload: Address) {
    memory.pushLink(at: payload, counts)
    list.pointee.free.append(payload, heap)
  }

  @inline(__always)
  func allocateSmall(_ size: UInt64) -> Block {
    let number = smallClass(size)
    let stride = smallStride(number)
    let list = small + number
    take(&smallLock, at: TieredLayout.small)
    if options.warms && segmentRest.next == 0 { warmSmall() }
    touchSmall(number)
    var block = Block.none
    memory.branch(TieredBranch.smallHasFree, taken: list.pointee.free.count > 0)
    if list.pointee.free.count > 0 {
      block.address = pop(list)
    } else {
      guard list.pointee.rest.holds(stride) || refillSmall(number, stride) else { return .none }
      block = Block(address: carve(list, stride), fresh: true)
    }
    measured.taken &+= stride
    writeHeader(block.address)
    return block
  }

  @inline(__always)
  func freeSmall(_ payload: Address, _ region: UnsafeMutablePointer<TieredRegion>) {
    let number = smallClass(at: payload, region)
    take(&smallLock, at: TieredLayout.small)
    touchSmall(number)
    push(small + number, payload)
  }

  // MARK: - The medium classes

  static func mediumStride(_ number: Int) -> UInt64 { (1024 << UInt64(number)) &+ 16 }

  private func refillMedium(_ list: UnsafeMutablePointer<TieredClass>, _ number: Int) -> Bool {
    let chunk = memory.mapCall(bytes: TieredLayout.chunk, counts)
    guard chunk != 0 else { return false }
    regions.add(
      TieredRegion(tier: .medium, number: number, bytes: TieredLayout.chunk), at: chunk)
    counts.count(.runCarve)
    list.pointee.rest = Remainder(chunk + 8, bytes: TieredLayout.chunk - 8)
    return true
  }

  private func warmMedium(_ lists: UnsafeMutablePointer<TieredClass>, at address: Address) {
    counts.count(.poolWarm)
    for number in 0..<TieredLayout.mediumClasses {
      guard refillMedium(lists + number, number) else { return }
      memory.touch(address + UInt64(number) * TieredLayout.classBytes, isWrite: true)
      warm(lists + number, Self.mediumStride(number), TieredLayout.mediumWarm)
    }
  }

  /// Moves blocks between lists, the last one freed first.
  private func transfer(
    from: UnsafeMutablePointer<TieredClass>, to: UnsafeMutablePointer<TieredClass>, number: Int,
    while condition: () -> Bool
  ) {
    take(&mediumLock, at: TieredLayout.medium)
    touchSharedMedium(number)
    while condition() {
      counts.count(.blockTransfer)
      let payload = from.pointee.free.removeLast()
      memory.touch(payload, isWrite: true)
      to.pointee.free.append(payload, heap)
    }
  }

  @inline(__always)
  private func touchSharedMedium(_ number: Int) {
    touchShared(mediumLines, TieredLayout.medium, number)
  }

  /// - Returns: whether the shared list had any.
  @inline(never)
  private func takeMedium(_ list: UnsafeMutablePointer<TieredClass>, _ number: Int) -> Bool {
    let shared = medium + number
    transfer(from: shared, to: list, number: number) {
      list.pointee.free.count < TieredLayout.mediumMove && shared.pointee.free.count > 0
    }
    return list.pointee.free.count > 0
  }

  func allocateMedium(_ size: UInt64, thread: UInt16) -> Block {
    counts.count(.sizeClassLeadingZeros)
    let number = 54 - (size - 1).leadingZeroBitCount
    let stride = Self.mediumStride(number)
    var list = medium + number
    if options.ownMedium {
      // A thread that has found its heap has its classes.
      list = heaps[Int(thread)].medium.unsafelyUnwrapped + number
      touchHeap(thread, UInt64(number) &* TieredLayout.classBytes)
    } else {
      take(&mediumLock, at: TieredLayout.medium)
      if options.warms && !mediumIsWarm {
        mediumIsWarm = true
        warmMedium(medium, at: TieredLayout.medium + TieredLayout.classes)
      }
      touchSharedMedium(number)
    }
    measured.mediumAllocations &+= 1
    measured.taken &+= stride
    memory.branch(TieredBranch.mediumHasFree, taken: list.pointee.free.count > 0)
    var block: Block
    if list.pointee.free.count > 0
      || (options.ownMedium && !list.pointee.rest.holds(stride) && takeMedium(list, number))
    {
      measured.mediumReused &+= 1
      block = Block(address: pop(list), fresh: false)
    } else {
      guard list.pointee.rest.holds(stride) || refillMedium(list, number) else { return .none }
      block = Block(address: carve(list, stride), fresh: true)
    }
    writeHeader(block.address)
    return block
  }

  func freeMedium(_ payload: Address, _ number: Int, thread: UInt16) {
    guard options.ownMedium, let own = heaps[Int(thread)].medium else {
      take(&mediumLock, at: TieredLayout.medium)
      touchSharedMedium(number)
      push(medium + number, payload)
      return
    }
    let list = own + number
    touchHeap(thread, UInt64(number) &* TieredLayout.classBytes)
    push(list, payload)
    if list.pointee.free.count > TieredLayout.mediumLimit {
      let kept = list.pointee.free.count - TieredLayout.mediumMove
      transfer(from: list, to: medium + number, number: number) {
        list.pointee.free.count > kept
      }
    }
  }
}
