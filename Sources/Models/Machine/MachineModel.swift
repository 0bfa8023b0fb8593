import CPlatform
import Designs

/// Memory that counts machine steps: caches, address translation, first-touch page faults, branch
/// mispredictions.
///
/// - Three cache levels of 64-byte lines, physically indexed by frames that are scattered as a
///   kernel scatters them, true LRU, each miss filling every level. An access counts one step, at
///   the level that serves it; a hit in the first level counts none, because the algorithm's own
///   step holds it. Loads and stores count apart: a load's latency is waited
///   for, a store's only when the store buffer is full.
/// - A load that the second level doesn't serve is overlapped where another is waited for: one that
///   came no more than 64 touches before, and is not overlapped itself. A core goes on while it
///   waits, until no more can be in flight: of misses close together the first is paid (T. S.
///   Karkhanis, J. E. Smith, A First-Order Superscalar Processor Model, ISCA 2004). Loads that wait
///   for one another's data are not told apart.
/// - Sequential passes count their first line as any access, the others as streamed: hardware
///   prefetchers run ahead of them (Intel Optimization Reference Manual 248966, §2.3.5.4).
/// - Two levels of 4 KiB translations. A first touch of a page is one `pageFault`; the kernel clears
///   the page, which leaves its lines in the second and third level; lines that the second lacked
///   count (`clearedLine`). So do those of the kernel's own that it has lost since the fault before
///   (`kernelLine`), and pages of the page table (`pageTablePage`), of which each serves 2 MiB.
///   Regions smaller than that lie side by side and share them. Passes of more than 16 GiB count
///   their faults alone.
/// - Where a design gets huge pages, a first touch is one `hugePageFault`, which clears 2 MiB, and one
///   translation serves all of it, in the same buffers: those that processors have for huge pages
///   alone are left out.
/// - Purged and unmapped pages give their frames back, and are faulted in again when touched.
///
/// Touches wait and are charged for many at a time (`settle`), level by level: in the order in which
/// they came, so that the counts are those of one after another, but without waiting for the host's
/// branches and caches in between.
///
/// Left out: what else runs on the machine, write-backs, the adjacent-line prefetcher, and the
/// caches' other contents (the program's own data, page tables, code).
public final class MachineModel: MemoryModel {
  /// Every touch is charged for.
  @inlinable public static var observesTouches: Bool { true }
  /// What the design has mapped; regions, not frames.
  public private(set) var space = AddressSpace()
  /// What is modelled: the geometry asked for, sets rounded to powers of two.
  public let geometry: MachineGeometry

  let counts: StepCounts
  private let levelOne: RecencySets
  private let levelTwo: RecencySets
  private let levelThree: RecencySets
  let translation: RecencySets
  let translationSecond: RecencySets
  let translationMask: UInt64
  let translationSecondMask: UInt64
  /// The three levels and the two translation buffers as C takes them.
  let caches: UnsafeMutablePointer<mallometer_caches>
  let buffers: UnsafeMutablePointer<mallometer_recency>
  var table = PageTable()
  /// Bytes of each region by its number less 1, as they were mapped.
  private var regionBytes: [UInt64] = []
  /// Bytes of small regions that the last page of the page table has room for.
  private var tableRoom: UInt64 = 0
  var hugeRanges = HugeRanges()
  /// Whether there are any: all others pay no more than this test.
  var hasHugePages = false
  private let predictor = BranchPredictor()

  /// Touches that wait: line number × 4 + `LineAccess`.
  let waiting: UnsafeMutablePointer<UInt64>
  var waitingCount = 0
  /// What was touched last is in the first level and translated: no need to look.
  private var lastLine = UInt64.max
  /// What the buffers and caches must be asked: all but the most recent page, or line, of every set.
  let lists: UnsafeMutablePointer<mallometer_touch_lists>

  /// How many wait at most: their lists stay in the host's first level.
  static let batch = 1024

  /// How many touches back a store is still in the store buffer.
  private static let pendingTouches = 6

  /// How a waiting touch accesses its line.
  enum LineAccess {
    static let load: UInt64 = 0
    static let store: UInt64 = 1
    /// The prefetchers fetch it ahead.
    static let stream: UInt64 = 2
  }

  /// - Parameter counts: where machine steps are counted, once `settle` was called.
  public init(geometry: MachineGeometry, counts: StepCounts) {
    precondition(Self.batch <= Int(MALLOMETER_MOST_ACCESSES), "more than C counts at once")
    let geometry = geometry.withPowersOfTwo
    self.geometry = geometry
    self.counts = counts
    levelOne = RecencySets(geometry.levelOne)
    levelTwo = RecencySets(geometry.levelTwo)
    levelThree = RecencySets(geometry.levelThree)
    translation = RecencySets(geometry.translation)
    translationSecond = RecencySets(geometry.translationSecond)
    translationMask = UInt64(geometry.translation.sets - 1)
    translationSecondMask = UInt64(geometry.translationSecond.sets - 1)
    caches = .allocate(capacity: 1)
    caches.initialize(
      to: mallometer_caches(
        one: levelOne.plain, two: levelTwo.plain, three: levelThree.plain, leading: 0))
    buffers = .allocate(capacity: 2)
    buffers.initialize(to: translation.plain)
    (buffers + 1).initialize(to: translationSecond.plain)
    waiting = .allocate(capacity: Self.batch)
    waiting.initialize(repeating: 0, count: Self.batch)
    lists = .allocate(capacity: 1)
    lists.initialize(
      to: mallometer_touch_lists(
        chunks: table.recentChunks,
        recent_pages: .allocate(capacity: geometry.translation.sets),
        recent_lines: .allocate(capacity: geometry.levelOne.sets),
        page_mask: UInt32(geometry.translation.sets - 1),
        line_mask: UInt32(geometry.levelOne.sets - 1),
        translations: .allocate(capacity: Self.batch),
        lines: .allocate(capacity: Self.batch), translation_count: 0, line_count: 0,
        // The first load overlaps with none before it.
        position: UInt64(MALLOMETER_TOUCHES_IN_FLIGHT) + 1))
    lists.pointee.recent_pages.initialize(repeating: .max, count: geometry.translation.sets)
    // 0 is the line of no frame.
    lists.pointee.recent_lines.initialize(repeating: 0, count: geometry.levelOne.sets)
    lists.pointee.translations.initialize(repeating: 0, count: Self.batch)
    lists.pointee.lines.initialize(repeating: 0, count: Self.batch)
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
    waiting.deallocate()
    lists.pointee.recent_pages.deallocate()
    lists.pointee.recent_lines.deallocate()
    lists.pointee.translations.deallocate()
    lists.pointee.lines.deallocate()
    lists.deallocate()
    predictor.deallocate()
  }

  /// Pages that have been touched and not given back.
  public var residentPages: Int {
    settle()
    return table.residentPages
  }

  /// 4 KiB for each page that had a frame at once, huge pages' among them.
  public var peakResidentBytes: UInt64 {
    settle()
    return UInt64(table.peakResidentPages) * AddressSpace.pageBytes
  }

  /// Costs nothing: pages fault when they are touched first.
  public func map(bytes: UInt64) -> Address {
    let address = space.map(bytes: bytes)
    if address != 0 { regionBytes.append(bytes) }
    return address
  }

  /// Frames, translations and what was known of huge pages go.
  public func unmap(_ address: Address, bytes: UInt64) {
    space.unmap(bytes: bytes)
    release(address, bytes: bytes, isUnmapped: true)
    if hasHugePages {
      hugeRanges.remove(address, bytes: bytes)
      hasHugePages = !hugeRanges.isEmpty
    }
  }

  /// Settles what waits, which came before.
  public func useHugePages(_ address: Address, bytes: UInt64) {
    settleTouches()
    hugeRanges.add(address, bytes: bytes)
    hasHugePages = true
  }

  /// Frames and translations go; the next touch of a page faults again.
  public func purge(_ address: Address, bytes: UInt64) {
    release(address, bytes: bytes, isUnmapped: false)
  }

  /// Waits with the others; the line that was touched last isn't noted again.
  @inline(__always)
  public func touch(_ address: Address, isWrite: Bool) {
    wait(address >> 6, isWrite ? LineAccess.store : LineAccess.load)
  }

  @inline(__always)
  private func wait(_ line: UInt64, _ access: UInt64) {
    waiting[waitingCount] = line << 2 | access
    waitingCount &+= line == lastLine ? 0 : 1
    lastLine = line
    if waitingCount == Self.batch { settleTouches() }
  }

  /// The last stores become loads: their latency is waited for. Those further back have left the
  /// store buffer by then.
  @inline(__always)
  public func lockedInstruction() {
    var back = waitingCount
    let first = max(0, back &- Self.pendingTouches)
    while back > first {
      back &-= 1
      if waiting[back] & 3 == LineAccess.store { waiting[back] &-= LineAccess.store }
    }
    lastLine = .max
  }

  /// In every page a line further on than in the page before, as the player does (`touched_in_page`). A
  /// pass of more than 16 GiB is charged as fresh pages, and none of them remembered.
  public func touchPages(_ address: Address, bytes: UInt64) {
    if bytes > Self.longestPass {
      countUnremembered(bytes: bytes, linesPerPage: 1)
      return
    }
    var offset: UInt64 = 0
    while offset < bytes {
      let plain = address &+ offset
      let inPage = AddressSpace.pageBytes &- 1
      let turned = plain & ~inPage | (plain &+ offset >> 6) & inPage
      touch(turned &+ 8 <= address &+ bytes ? turned : plain, isWrite: true)
      offset += AddressSpace.pageBytes
    }
  }

  /// The first line as any access, the others as streamed; more than 16 GiB as fresh pages, none of them
  /// remembered.
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
      wait(line, LineAccess.stream)
      line += 1
    }
  }

  /// Waits with the others; outcomes of the driver's sites are history that isn't charged for.
  @inline(__always)
  public func branch(_ site: UInt32, taken: Bool) {
    if predictor.note(site, taken: taken) { settleBranches() }
  }

  /// Charges for the touches and branches that wait.
  public func settle() {
    settleTouches()
    settleBranches()
  }

  private func settleBranches() { counts.count(.branchMiss, predictor.mispredictions()) }

  // MARK: Pages of the page table

  /// Counts the page that a range of 2 MiB takes: one, or a small region's share of one.
  /// - Parameter page: the first to be touched in its range.
  func countTablePage(of page: UInt64) {
    let range = UInt64(PageTable.chunkPages) * AddressSpace.pageBytes
    let region = AddressSpace.region(of: page * AddressSpace.pageBytes)
    // Static data lies in no region: the program's image has its tables.
    guard region > 0, region <= regionBytes.count else { return }
    let bytes = AddressSpace.wholePages(regionBytes[Int(region) - 1])
    if bytes >= range {
      counts.count(.pageTablePage)
      return
    }
    if bytes > tableRoom {
      counts.count(.pageTablePage)
      tableRoom += range
    }
    tableRoom -= bytes
  }

  // MARK: Giving memory back

  /// - Parameter address: the start of a page, as the kernel demands.
  private func release(_ address: Address, bytes: UInt64, isUnmapped: Bool) {
    guard bytes > 0 else { return }
    let first = address >> 12
    let end = (address + AddressSpace.wholePages(bytes)) >> 12
    settleTouches()
    lastLine = .max
    table.release(pages: first..<end, isUnmapped: isUnmapped) { page, frame in
      let index = mallometer_translation_index(page)
      let set = Int(truncatingIfNeeded: index & translationMask)
      translation.remove(frame, set: set)
      if lists.pointee.recent_pages[set] == page { lists.pointee.recent_pages[set] = .max }
      translationSecond.remove(frame, set: Int(truncatingIfNeeded: index & translationSecondMask))
      if hasHugePages, page & 511 == 0, hugeRanges.contains(page: page) {
        let index = mallometer_translation_index(page >> HugeRanges.shift)
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
