/// Sizes and offsets of the native pool (Sources/NativeDesigns/C/pool/types.h): where its state
/// lies decides which cache lines are touched.
enum PoolLayout {
  static let segmentShift: UInt64 = 22
  static let segmentBytes: UInt64 = 1 << segmentShift
  static let smallBytes: UInt64 = 1024
  static let smallWords = 128
  static let mediumPageBlock: UInt64 = 64 << 10
  /// Room for the bins of every variant.
  static let mostBins = 65
  static let extendBytes: UInt64 = 4096
  /// Bytes of a thread's heap, behind which magazines lie.
  static let heapBytes: UInt64 = 2176

  // Within a heap
  static let direct: UInt64 = 0
  static let first: UInt64 = 1032
  static let last: UInt64 = 1520
  static let segments: UInt64 = 2008
  static let spare: UInt64 = 2032
  static let delayed: UInt64 = 2040
  static let empty: UInt64 = 2112

  // Within a segment
  static let pages: UInt64 = 64
  static let pageStateBytes: UInt64 = 64

  /// log2 of a page's bytes, pages per segment, and what the segment's state takes from its first
  /// page, by kind: small, medium, large.
  static let kindShift: [UInt64] = [16, 19, 22]
  static let kindPages: [UInt64] = [64, 8, 1]
  static let kindReserve: [UInt64] = [8192, 4096, 4096]
  /// Where a block with a region of its own starts in it, unless aligned to more.
  static let hugeOffset: UInt64 = 4096
}

/// What the model keeps of a page. Blocks are known by their number in the page; lists are linked
/// through `links`, as the native lists are through the blocks.
struct PoolPage {
  static let none: UInt16 = .max

  /// Heads of the lists: the owner's, what the owner freed, what others freed.
  var free = none
  var localFree = none
  var remote = none
  var capacity: UInt16 = 0
  var reserved: UInt16 = 0
  var used: UInt32 = 0
  var bin: UInt8 = 0
  var isFull = false
  var hasMovedStarts = false
  /// Of the page's state, to which others push.
  var line = SharedLine()
  /// Whether the next remote free tells the heap.
  var notifies = false
  /// Pages before and behind it in the queue; 0 for none.
  var next: Int32 = 0
  var previous: Int32 = 0
  /// The segment's heap.
  var heap: Int32 = 0
  var blockBytes: UInt64 = 0
  /// ⌈2⁴⁴ / blockBytes⌉: offset × this >> 44 is the block's number, exact for offsets below 2²².
  var reciprocal: UInt64 = 0
  /// Where its blocks start, and where its own state lies.
  var start: Address = 0
  var state: Address = 0
  /// By block: the next one in its list.
  var links: UnsafeMutablePointer<UInt16>?
  var linkCapacity = 0

  @inline(__always)
  func block(at address: Address) -> UInt16 {
    UInt16(truncatingIfNeeded: ((address &- start) &* reciprocal) >> 44)
  }

  @inline(__always)
  func address(of block: UInt16) -> Address { start &+ UInt64(block) &* blockBytes }
}

/// What the model keeps of a segment.
struct PoolSegment {
  var address: Address = 0
  var freePages: UInt64 = 0
  var usedPages = 0
  var kind = 0
  var shift: UInt64 = 0
  /// In the heap's list of segments with free pages; 0 for none.
  var next: Int32 = 0
  var previous: Int32 = 0
  var heap: Int32 = 0
}

/// What the model keeps of a heap; page 0 is the empty page of all of them, segment 0 is none.
struct PoolHeap {
  var address: Address = 0
  /// Its own place among the heaps.
  var number: Int32 = 0
  var spare: Int32 = 0
  var segments: (Int32, Int32, Int32) = (0, 0, 0)
  /// By words; by bin.
  let direct: UnsafeMutablePointer<Int32>
  let first: UnsafeMutablePointer<Int32>
  let last: UnsafeMutablePointer<Int32>
  /// Blocks that others freed in full pages, the last one first to be collected.
  var delayed = ModelList<(page: Int32, block: UInt16)>()
  /// Of the delayed list.
  var delayedLine = SharedLine()
  /// For everything in it, where pages have no list for other threads.
  var lock = SharedLock()
  /// Of small bins; only where there are magazines.
  static let smallBins = 20
  let magazines: UnsafeMutablePointer<PoolMagazine>

  init(number: Int32, at address: Address, _ memory: ModelHeap) {
    self.number = number
    self.address = address
    direct = memory.allocate(PoolLayout.smallWords + 1, of: 0)
    first = memory.allocate(PoolLayout.mostBins, of: 0)
    last = memory.allocate(PoolLayout.mostBins, of: 0)
    magazines = memory.reserve(Self.smallBins + 1)
    for bin in 0...Self.smallBins { (magazines + bin).initialize(to: PoolMagazine(memory)) }
  }

  subscript(segmentsOf kind: Int) -> Int32 {
    get { kind == 0 ? segments.0 : kind == 1 ? segments.1 : segments.2 }
    set {
      switch kind {
      case 0: segments.0 = newValue
      case 1: segments.1 = newValue
      default: segments.2 = newValue
      }
    }
  }
}
