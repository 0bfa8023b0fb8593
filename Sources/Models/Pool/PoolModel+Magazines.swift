import Designs

/// The last frees of one small bin, the last one first to be taken.
struct PoolMagazine {
  static let capacity = 15

  var count = 0
  /// Starts of blocks.
  let blocks: UnsafeMutablePointer<Address>

  init(_ memory: ModelHeap) { blocks = memory.allocate(Self.capacity, of: 0) }
}

/// Magazines: arrays of the last frees of a small bin. Their blocks count as used in their pages.
extension PoolModel {
  @inline(never)
  func allocateSmallFromMagazine(_ heap: Int32, bytes: UInt64, thread: UInt16) -> Address {
    let bin = bin(of: bytes)
    let magazine = heaps[Int(heap)].magazines + bin
    counts.count(.magazineCheck)
    touchMagazine(heap, bin, isWrite: magazine.pointee.count > 0)
    memory.branch(PoolBranch.magazineHasBlock, taken: magazine.pointee.count > 0)
    guard magazine.pointee.count > 0 else { return allocateBin(heap, bin: bin, thread: thread) }
    return popMagazine(magazine)
  }

  private func popMagazine(_ magazine: UnsafeMutablePointer<PoolMagazine>) -> Address {
    counts.count(.magazinePop)
    magazine.pointee.count -= 1
    return magazine.pointee.blocks[magazine.pointee.count]
  }

  /// - Returns: whether the block is small and there was room for it.
  @inline(never)
  func pushMagazine(_ heap: Int32, _ number: Int32, _ start: Address) -> Bool {
    let page = pages + Int(number)
    counts.count(.magazineCheck)
    guard page.pointee.blockBytes <= PoolLayout.smallBytes else { return false }
    let bin = Int(page.pointee.bin)
    let magazine = heaps[Int(heap)].magazines + bin
    let hasRoom = magazine.pointee.count < PoolMagazine.capacity
    touchMagazine(heap, bin, isWrite: hasRoom)
    memory.branch(PoolBranch.magazineHasRoom, taken: hasRoom)
    guard hasRoom else { return false }
    counts.count(.magazinePush)
    if options.header > 0 { memory.touch(start, isWrite: true) }
    magazine.pointee.blocks[magazine.pointee.count] = start
    magazine.pointee.count += 1
    return true
  }

  /// Frees what magazines hold into its pages.
  func emptyMagazines(_ heap: Int32) {
    for bin in 1...PoolHeap.smallBins {
      let magazine = heaps[Int(heap)].magazines + bin
      while magazine.pointee.count > 0 {
        let start = popMagazine(magazine)
        let page = pageNumber(of: start)
        freeLocalFlagged(heap, page, pages[Int(page)].block(at: start))
      }
    }
  }

  @inline(__always)
  private func touchMagazine(_ heap: Int32, _ bin: Int, isWrite: Bool) {
    touchHeap(heap, PoolLayout.heapBytes &+ UInt64(bin) &* 128, isWrite: isWrite)
  }
}
