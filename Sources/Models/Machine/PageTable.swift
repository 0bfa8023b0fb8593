import CPlatform

/// Which simulated page lies in which physical frame: pages get a frame when they are first
/// touched and lose it when they are purged or unmapped.
///
/// Frames of one 2 MiB chunk are one array; chunks are found in a hash table behind a small
/// direct-mapped cache. Memory grows with the chunks that have resident pages, or had some and are
/// still mapped: 2 KiB each. Such a chunk has its page of the page table.
struct PageTable {
  /// Frames are 26 bits, so that frame × 64 + line is a 32-bit tag: 256 GiB of physical memory.
  static let frameBits: UInt32 = 26
  static let chunkPages = 512

  private struct Chunk {
    let frames: UnsafeMutablePointer<UInt32>
    var resident = 0

    init() {
      frames = .allocate(capacity: PageTable.chunkPages)
      frames.initialize(repeating: 0, count: PageTable.chunkPages)
    }
  }

  private var chunks: [UInt64: Chunk] = [:]
  /// Some of the chunks, where `mallometer_page_chunk_index` says.
  private let recent: UnsafeMutablePointer<mallometer_page_chunk>
  /// The frame of a page that gets none: not remembered.
  static let exhausted: UInt32 = 1
  /// Frames that were given back, the last one first, as a kernel's per-processor list has it.
  private var freeFrames: [UInt32] = []
  private var framesUsed: UInt32 = 0
  private let noFrames: UnsafeMutablePointer<UInt32>

  init() {
    noFrames = .allocate(capacity: Self.chunkPages)
    noFrames.initialize(repeating: 0, count: Self.chunkPages)
    recent = .allocate(capacity: Int(MALLOMETER_PAGE_CHUNKS))
    recent.initialize(
      repeating: mallometer_page_chunk(key: .max, frames: noFrames),
      count: Int(MALLOMETER_PAGE_CHUNKS))
  }

  func deallocate() {
    for chunk in chunks.values { chunk.frames.deallocate() }
    recent.deallocate()
    noFrames.deallocate()
  }

  /// Pages that have a frame, and the most that had one at once.
  private(set) var residentPages = 0
  private(set) var peakResidentPages = 0

  /// The chunks that were asked for last, where `mallometer_page_chunk_index` says.
  var recentChunks: UnsafePointer<mallometer_page_chunk> { UnsafePointer(recent) }

  /// The frame of a page (an address / 4096), or 0 when it has none.
  @inline(__always)
  func frame(ofPage page: UInt64) -> UInt32 {
    let key = page >> 9
    let entry = recent + Self.recentIndex(key)
    if entry.pointee.key == key { return entry.pointee.frames[Int(page & 511)] }
    return slowFrame(ofPage: page)
  }

  @inline(never)
  private func slowFrame(ofPage page: UInt64) -> UInt32 {
    let key = page >> 9
    guard let chunk = chunks[key] else { return 0 }
    recent[Self.recentIndex(key)] = mallometer_page_chunk(key: key, frames: chunk.frames)
    return chunk.frames[Int(page & 511)]
  }

  /// Gives a page that has no frame one.
  /// - Returns: the frame (1, which is not remembered, once physical memory is exhausted), and
  ///   whether the page's 2 MiB had no page of the page table: it is made for a first touch, and stays
  ///   while they are purged.
  mutating func assign(page: UInt64) -> (frame: UInt32, isFirstOfTable: Bool) {
    guard let frame = freeFrames.popLast() ?? nextFrame() else { return (Self.exhausted, false) }
    let key = page >> 9
    let before = chunks.count
    let frames = Self.put(frame, at: Int(page & 511), into: &chunks[key, default: Chunk()])
    let isFirst = chunks.count > before
    if isFirst { recent[Self.recentIndex(key)] = mallometer_page_chunk(key: key, frames: frames) }
    residentPages += 1
    peakResidentPages = max(peakResidentPages, residentPages)
    return (frame, isFirst)
  }

  private static func put(
    _ frame: UInt32, at index: Int, into chunk: inout Chunk
  ) -> UnsafeMutablePointer<UInt32> {
    chunk.frames[index] = frame
    chunk.resident += 1
    return chunk.frames
  }

  /// Takes the frames of pages back. `body` receives each page that had one, and its frame.
  /// - Parameter isUnmapped: the table of 2 MiB goes as well once none of its pages has a frame.
  mutating func release(
    pages: Range<UInt64>, isUnmapped: Bool, _ body: (UInt64, UInt32) -> Void
  ) {
    var key = pages.lowerBound >> 9
    // A mapping may be far larger than what was touched of it: then walk the chunks instead.
    let keys =
      (pages.upperBound - 1) >> 9 - key < UInt64(chunks.count)
      ? nil : chunks.keys.filter { pages.overlaps($0 << 9..<($0 + 1) << 9) }.sorted()
    if let keys {
      for key in keys { release(chunk: key, within: pages, isUnmapped: isUnmapped, body) }
    } else {
      while key << 9 < pages.upperBound {
        release(chunk: key, within: pages, isUnmapped: isUnmapped, body)
        key += 1
      }
    }
  }

  private mutating func release(
    chunk key: UInt64, within pages: Range<UInt64>, isUnmapped: Bool,
    _ body: (UInt64, UInt32) -> Void
  ) {
    guard var chunk = chunks[key] else { return }
    for page in (key << 9..<(key + 1) << 9).clamped(to: pages) {
      let index = Int(page & 511)
      let frame = chunk.frames[index]
      guard frame != 0 else { continue }
      chunk.frames[index] = 0
      chunk.resident -= 1
      residentPages -= 1
      freeFrames.append(frame)
      body(page, frame)
    }
    if chunk.resident == 0 && isUnmapped {
      chunks[key] = nil
      let entry = recent + Self.recentIndex(key)
      if entry.pointee.key == key {
        entry.pointee = mallometer_page_chunk(key: .max, frames: noFrames)
      }
      chunk.frames.deallocate()
    } else {
      chunks[key] = chunk
    }
  }

  @inline(__always)
  private static func recentIndex(_ key: UInt64) -> Int { Int(mallometer_page_chunk_index(key)) }

  /// Frames in an order that scatters neighbours over a cache's sets, as physical pages are
  /// scattered: a bijection of the running number (xor-shifts and odd products).
  private mutating func nextFrame() -> UInt32? {
    let mask: UInt32 = 1 << Self.frameBits - 1
    guard framesUsed < mask - 1 else { return nil }
    framesUsed += 1
    var frame = framesUsed
    while true {
      frame = (frame &* 0x9E37_79B1) & mask
      frame ^= frame >> 13
      frame = (frame &* 0x85EB_CA6B) & mask
      frame ^= frame >> 11
      // 0 and 1 have meanings: walk the cycle on to a free number.
      if frame > 1 { return frame }
    }
  }
}
