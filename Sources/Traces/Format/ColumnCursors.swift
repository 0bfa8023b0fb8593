import CPlatform

/// One cursor per column, for writing and for reading, and how values are read at them. The decoder keeps its own copies of the
/// two cursors that every event moves; the others stay in memory, out of its registers.
struct ColumnCursors {
  var codes: UnsafeMutablePointer<UInt8>
  var times: UnsafeMutablePointer<UInt8>
  var longTimes: UnsafeMutablePointer<UInt8>
  var threads: UnsafeMutablePointer<UInt8>
  var siteLow: UnsafeMutablePointer<UInt8>
  var siteHigh: UnsafeMutablePointer<UInt8>
  var sizeHigh: UnsafeMutablePointer<UInt8>
  var sizeLow: UnsafeMutablePointer<UInt8>
  var slotLow: UnsafeMutablePointer<UInt8>
  var slotMiddle: UnsafeMutablePointer<UInt8>
  var slotHigh: UnsafeMutablePointer<UInt8>
  var alignments: UnsafeMutablePointer<UInt8>

  init(_ columns: ColumnBuffers) {
    codes = columns.base(.codes)
    times = columns.base(.times)
    longTimes = columns.base(.longTimes)
    threads = columns.base(.threads)
    siteLow = columns.base(.siteLow)
    siteHigh = columns.base(.siteHigh)
    sizeHigh = columns.base(.sizeHigh)
    sizeLow = columns.base(.sizeLow)
    slotLow = columns.base(.slotLow)
    slotMiddle = columns.base(.slotMiddle)
    slotHigh = columns.base(.slotHigh)
    alignments = columns.base(.alignments)
  }

  /// Bytes passed of each column.
  func used(since columns: ColumnBuffers) -> [(Column, Int)] {
    let cursors: [(Column, UnsafeMutablePointer<UInt8>)] = [
      (.codes, codes), (.times, times), (.longTimes, longTimes), (.threads, threads),
      (.siteLow, siteLow), (.siteHigh, siteHigh), (.sizeHigh, sizeHigh), (.sizeLow, sizeLow),
      (.slotLow, slotLow), (.slotMiddle, slotMiddle), (.slotHigh, slotHigh),
      (.alignments, alignments),
    ]
    return cursors.map { ($0, $1 - columns.base($0)) }
  }

  @inline(__always) mutating func alignment() -> UInt8 {
    defer { alignments += 1 }
    return alignments.pointee
  }

  /// A number in groups of seven bits, lowest first; ten groups at most.
  static func variable(_ cursor: inout UnsafeMutablePointer<UInt8>) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 70 {
      let byte = cursor.pointee
      cursor += 1
      value |= UInt64(byte & 127) << shift
      if byte < 128 { break }
      shift += 7
    }
    return value
  }

  @inline(never) mutating func longTime() -> UInt64 {
    let zigzag = ColumnCursors.variable(&longTimes)
    return zigzag >> 1 ^ (0 &- (zigzag & 1))
  }

  @inline(__always) mutating func site() -> UInt32 {
    var site = UInt32(siteLow.pointee)
    let high = siteHigh.pointee
    siteLow += 1
    siteHigh += 1
    if high < 255 { return site | UInt32(high) << 8 }
    site |= UInt32(siteLow[0]) << 8 | UInt32(siteLow[1]) << 16
    siteLow += 2
    return site
  }

  @inline(__always) mutating func site(code: UInt8, _ context: UnsafeMutablePointer<Ranked>)
    -> UInt32
  {
    if code == 0 { return context.pointee.first }
    if code != Ranked.explicit { return context.value(of: code) }
    let value = site()
    context.insert(value)
    return value
  }

  @inline(__always) mutating func size(code: UInt8, _ context: UnsafeMutablePointer<Ranked>)
    -> UInt64
  {
    if code == 0 { return UInt64(context.pointee.first) }
    if code != Ranked.explicit { return UInt64(context.value(of: code)) }
    let high = sizeHigh.pointee
    sizeHigh += 1
    if high < 240 {
      let value = UInt32(high) << 8 | UInt32(sizeLow.pointee)
      sizeLow += 1
      context.insert(value)
      return UInt64(value)
    }
    let bytes = min(Int(high) - 240, 6)
    var value: UInt64 = 0
    for index in 0..<bytes { value |= UInt64(sizeLow[index]) << UInt64(8 * index) }
    sizeLow += bytes
    if value <= UInt64(UInt32.max) { context.insert(UInt32(truncatingIfNeeded: value)) }
    return value
  }

  /// The node of the slot in the slot columns, 0 if there is no such slot yet.
  @inline(__always) mutating func node(below count: UInt32) -> UInt32 {
    var slot = UInt32(slotLow.pointee) | UInt32(slotMiddle.pointee) << 8
    let high = slotHigh.pointee
    slotLow += 1
    slotMiddle += 1
    slotHigh += 1
    if high < 255 {
      slot |= UInt32(high) << 16
    } else {
      slot |= UInt32(slotLow[0]) << 16 | UInt32(slotLow[1]) << 24
      slotLow += 2
    }
    let node = slot &+ 1
    return node < count ? node : 0
  }

  /// Asks for the nodes that coming frees will need: the one 12 frees ahead, and the neighbours of
  /// the one 4 frees ahead. A hint only: long slots shift the columns and spoil nothing but it.
  @inline(__always) func prefetchNodes(_ table: SlotTable) {
    let far = nodeAhead(12, table.count)
    mallometer_prefetch(table.nodes + Int(far))
    let near = table.nodes + Int(nodeAhead(4, table.count))
    mallometer_prefetch(table.nodes + Int(near.pointee.next))
    mallometer_prefetch(table.nodes + Int(near.pointee.previous))
  }

  @inline(__always) private func nodeAhead(_ distance: Int, _ count: UInt32) -> UInt32 {
    let slot =
      UInt32(slotLow[distance]) | UInt32(slotMiddle[distance]) << 8
      | UInt32(slotHigh[distance]) << 16
    return slot &+ 1 < count ? slot &+ 1 : 0
  }
}
