import CPlatform
import Designs

/// Memory that counts machine steps: caches, address translation, first-touch page faults, branch
/// mispredictions.
///
/// - Three cache levels of 64-byte lines, physically indexed by frames that are scattered as a
///   kernel scatters them, true LRU, each miss filling every level. An access counts one step, at
///   the level that serves it; a hit in the first level counts none, because the algorithm's own
///   step holds it. Loads and stores count apart from the third level on: a load's latency is waited
///   for, a store's only when the store buffer is full.
/// - Sequential passes count their first line as any access, the others as streamed: hardware
///   prefetchers run ahead of them (Intel Optimization Reference Manual 248966, §2.3.5.4).
/// - Two levels of 4 KiB translations. A first touch of a page is one `pageFault`; the kernel clears
///   the page, which leaves its lines in the second and third level.
/// - Where a design gets huge pages, a first touch is one `hugePageFault`, which clears 2 MiB, and one
///   translation serves all of it, in the same buffers: those that processors have for huge pages
///   alone are left out.
/// - Purged and unmapped pages give their frames back, and are faulted in again when touched.
///
/// Left out: what else runs on the machine, write-backs, the adjacent-line prefetcher, and the
/// caches' other contents (the program's own data, page tables, code).
public final class MachineModel: MemoryModel {
  @inlinable public static var observesTouches: Bool { true }
  public private(set) var space = AddressSpace()
  public let geometry: MachineGeometry

  private let counts: StepCounts
  private let levelOne: RecencySets
  private let levelTwo: RecencySets
  private let levelThree: RecencySets
  private let translation: RecencySets
  private let translationSecond: RecencySets
  private let levelOneMask: UInt32
  private let levelTwoMask: UInt32
  private let levelThreeSets: UInt64
  /// The three levels and the two translation buffers as C takes them.
  private let caches: UnsafeMutablePointer<mallometer_caches>
  private let buffers: UnsafeMutablePointer<mallometer_recency>
  private let translationMask: UInt64
  private let translationSecondMask: UInt64
  private var table = PageTable()
  private var hugeRanges = HugeRanges()
  /// Whether there are any: all others pay no more than this test.
  private var hasHugePages = false
  private let predictor = BranchPredictor()

  /// What was touched last is in the first level and translated: no need to look.
  private var lastLine = UInt64.max
  /// The most recent page of every set of the translation buffer: no need to look either.
  private let recentPages: UnsafeMutablePointer<RecentPage>

  private struct RecentPage {
    var page = UInt64.max
    var frame: UInt32 = 0
  }

  public init(geometry: MachineGeometry, counts: StepCounts) {
    let geometry = geometry.withPowersOfTwo
    self.geometry = geometry
    self.counts = counts
    levelOne = RecencySets(geometry.levelOne)
    levelTwo = RecencySets(geometry.levelTwo)
    levelThree = RecencySets(geometry.levelThree)
    translation = RecencySets(geometry.translation)
    translationSecond = RecencySets(geometry.translationSecond)
    levelOneMask = UInt32(geometry.levelOne.sets - 1)
    levelTwoMask = UInt32(geometry.levelTwo.sets - 1)
    levelThreeSets = UInt64(geometry.levelThree.sets)
    translationMask = UInt64(geometry.translation.sets - 1)
    translationSecondMask = UInt64(geometry.translationSecond.sets - 1)
    caches = .allocate(capacity: 1)
    caches.initialize(
      to: mallometer_caches(
        one: levelOne.plain, two: levelTwo.plain, three: levelThree.plain,
        wide: levelOne.isWide && levelTwo.isWide && levelThree.isWide ? 1 : 0))
    buffers = .allocate(capacity: 2)
    buffers.initialize(to: translation.plain)
    (buffers + 1).initialize(to: translationSecond.plain)
    recentPages = .allocate(capacity: geometry.translation.sets)
    recentPages.initialize(repeating: RecentPage(), count: geometry.translation.sets)
  }

  deinit {
    levelOne.deallocate()
    levelTwo.deallocate()
    levelThree.deallocate()
    translation.deallocate()
    translationSecond.deallocate()
    table.deallocate()
    caches.deallocate()
    buffers.deallocate()
    recentPages.deallocate()
    predictor.deallocate()
  }

  /// Pages that have been touched and not given back.
  public var residentPages: Int { table.residentPages }

  public func map(bytes: UInt64) -> Address { space.map(bytes: bytes) }

  public func unmap(_ address: Address, bytes: UInt64) {
    space.unmap(bytes: bytes)
    release(address, bytes: bytes)
    if hasHugePages {
      hugeRanges.remove(address, bytes: bytes)
      hasHugePages = !hugeRanges.isEmpty
    }
  }

  public func useHugePages(_ address: Address, bytes: UInt64) {
    hugeRanges.add(address, bytes: bytes)
    hasHugePages = true
  }

  public func purge(_ address: Address, bytes: UInt64) { release(address, bytes: bytes) }

  @inline(__always)
  public func prefetch(_ address: Address) {
    let page = address >> 12
    let frame = table.recentFrame(ofPage: page)
    let physical = frame << 6 | UInt32(truncatingIfNeeded: (address >> 6) & 63)
    levelTwo.prefetch(set: Int(physical & levelTwoMask))
    levelThree.prefetch(set: levelThreeSet(physical))
  }

  @inline(__always)
  public func touch(_ address: Address, isWrite: Bool) {
    let line = address >> 6
    if line == lastLine { return }
    lastLine = line
    access(frame(ofPage: address >> 12), line, isWrite: isWrite)
  }

  public func touchPages(_ address: Address, bytes: UInt64) {
    if bytes > Self.longestPass {
      countUnremembered(bytes: bytes, linesPerPage: 1)
      return
    }
    var offset: UInt64 = 0
    while offset < bytes {
      touch(address + offset, isWrite: true)
      offset += AddressSpace.pageBytes
    }
  }

  public func touchRange(_ address: Address, bytes: UInt64, isWrite: Bool) {
    guard bytes > 0 else { return }
    if bytes > Self.longestPass {
      countUnremembered(bytes: bytes, linesPerPage: 64)
      return
    }
    touch(address, isWrite: isWrite)
    var line = address >> 6 + 1
    let end = (address + bytes - 1) >> 6 + 1
    while line < end {
      let page = line >> 6
      let frame = frame(ofPage: page)
      let pageEnd = min(end, (page + 1) << 6)
      while line < pageEnd {
        stream(frame << 6 | UInt32(truncatingIfNeeded: line & 63))
        line += 1
      }
    }
    lastLine = end - 1
  }

  @inline(__always)
  public func branch(_ site: UInt32, taken: Bool) {
    counts.count(.branchMiss, predictor.mispredicts(site, taken: taken) ? 1 : 0)
  }

  // MARK: Caches

  @inline(__always)
  private func access(_ frame: UInt32, _ line: UInt64, isWrite: Bool) {
    let physical = frame << 6 | UInt32(truncatingIfNeeded: line & 63)
    let set = Int(physical & levelOneMask)
    if levelOne.isMostRecent(physical, set: set) { return }
    switch mallometer_caches_access(caches, physical) {
    case 1: break
    case 2: counts.count(.levelTwoHit)
    case 3: counts.count(isWrite ? .levelThreeStore : .levelThreeLoad)
    default: counts.count(isWrite ? .memoryStore : .memoryLoad)
    }
  }

  /// A line that the prefetchers fetch ahead.
  @inline(__always)
  private func stream(_ physical: UInt32) {
    switch mallometer_caches_access(caches, physical) {
    case 1: break
    case 4: counts.count(.lineStreamedMemory)
    default: counts.count(.lineStreamedNear)
    }
  }

  /// Slices of the third level are chosen by a hash of the whole address.
  @inline(__always)
  private func levelThreeSet(_ physical: UInt32) -> Int {
    Int(truncatingIfNeeded: (UInt64(physical &* 0x9E37_79B1) &* levelThreeSets) >> 32)
  }

  // MARK: Translation

  @inline(__always)
  private func frame(ofPage page: UInt64) -> UInt32 {
    let index = Self.translationIndex(page)
    let set = Int(truncatingIfNeeded: index & translationMask)
    if recentPages[set].page == page { return recentPages[set].frame }
    let frame = translate(page, index: index, set: set)
    recentPages[set] = RecentPage(page: page, frame: frame)
    return frame
  }

  @inline(__always)
  private func translate(_ page: UInt64, index: UInt64, set: Int) -> UInt32 {
    let frame = table.frame(ofPage: page)
    if frame == 0 { return fault(page) }
    if hasHugePages, hugeRanges.contains(page: page) {
      translateHuge(page)
      return frame
    }
    let second = UInt32(truncatingIfNeeded: index & translationSecondMask)
    switch mallometer_translations_access(
      buffers, UInt32(truncatingIfNeeded: set), buffers + 1, second, frame)
    {
    case 1: break
    case 2: counts.count(.translationHit)
    default: counts.count(.translationWalk)
    }
    return frame
  }

  /// The kernel finds a frame, clears it and fills in the translation.
  @inline(never)
  private func fault(_ page: UInt64) -> UInt32 {
    if hasHugePages, hugeRanges.contains(page: page) { return faultHuge(page) }
    counts.count(.pageFault)
    let frame = table.assign(page: page)
    let index = Self.translationIndex(page)
    _ = translation.access(frame, set: Int(truncatingIfNeeded: index & translationMask))
    _ = translationSecond.access(frame, set: Int(truncatingIfNeeded: index & translationSecondMask))
    for line in 0..<UInt32(64) {
      let physical = frame << 6 | line
      _ = levelTwo.access(physical, set: Int(physical & levelTwoMask))
      _ = levelThree.access(physical, set: levelThreeSet(physical))
    }
    return frame
  }

  /// The one translation of a huge page goes by its first frame.
  @inline(never)
  private func translateHuge(_ page: UInt64) {
    let number = page >> HugeRanges.shift
    let index = Self.translationIndex(number)
    let first = table.frame(ofPage: number << HugeRanges.shift)
    switch mallometer_translations_access(
      buffers, UInt32(truncatingIfNeeded: index & translationMask), buffers + 1,
      UInt32(truncatingIfNeeded: index & translationSecondMask), first)
    {
    case 1: break
    case 2: counts.count(.translationHit)
    default: counts.count(.translationWalk)
    }
  }

  /// One fault for 512 pages, all of which are cleared.
  @inline(never)
  private func faultHuge(_ page: UInt64) -> UInt32 {
    counts.count(.hugePageFault)
    let number = page >> HugeRanges.shift
    var wanted: UInt32 = 1
    for small in number << HugeRanges.shift..<(number + 1) << HugeRanges.shift {
      let frame = table.assign(page: small)
      if small == page { wanted = frame }
      for line in 0..<UInt32(64) {
        let physical = frame << 6 | line
        _ = levelTwo.access(physical, set: Int(physical & levelTwoMask))
        _ = levelThree.access(physical, set: levelThreeSet(physical))
      }
    }
    let first = table.frame(ofPage: number << HugeRanges.shift)
    let index = Self.translationIndex(number)
    _ = translation.access(first, set: Int(truncatingIfNeeded: index & translationMask))
    _ = translationSecond.access(first, set: Int(truncatingIfNeeded: index & translationSecondMask))
    return wanted
  }

  /// Virtual page numbers with the region as its random base: regions start at offset 0 here, but
  /// at any page in a process.
  @inline(__always)
  private static func translationIndex(_ page: UInt64) -> UInt64 {
    page &+ ((page >> 28) &* 0x9E37_79B9_7F4A_7C15) >> 40
  }

  /// - Parameter address: the start of a page, as the kernel demands.
  private func release(_ address: Address, bytes: UInt64) {
    guard bytes > 0 else { return }
    let first = address >> 12
    let end = (address + AddressSpace.wholePages(bytes)) >> 12
    lastLine = .max
    table.release(pages: first..<end) { page, frame in
      let index = Self.translationIndex(page)
      let set = Int(truncatingIfNeeded: index & translationMask)
      translation.remove(frame, set: set)
      if recentPages[set].page == page { recentPages[set] = RecentPage() }
      translationSecond.remove(frame, set: Int(truncatingIfNeeded: index & translationSecondMask))
      if hasHugePages, page & 511 == 0, hugeRanges.contains(page: page) {
        let index = Self.translationIndex(page >> HugeRanges.shift)
        translation.remove(frame, set: Int(truncatingIfNeeded: index & translationMask))
        translationSecond.remove(
          frame, set: Int(truncatingIfNeeded: index & translationSecondMask))
      }
    }
  }

  // MARK: Passes larger than memory

  /// 16 GiB: more than a pass of any real program on one block, but a damaged trace may ask for it.
  private static let longestPass: UInt64 = 1 << 34

  /// Charges for a pass whose pages are all fresh, and remembers none of them.
  private func countUnremembered(bytes: UInt64, linesPerPage: UInt64) {
    let pages = AddressSpace.wholePages(bytes) / AddressSpace.pageBytes
    counts.count(.pageFault, pages)
    counts.count(.translationWalk, pages)
    counts.count(.lineStreamedMemory, pages &* linesPerPage)
  }
}
