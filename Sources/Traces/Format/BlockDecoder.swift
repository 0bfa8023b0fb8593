/// Which events a decoder hands out.
enum EventSelection {
  /// Every event as it was written.
  case all
  /// Operations only, made ready to perform: a realloc of nothing is a malloc, an implied free a
  /// free. With `oneThread` all on thread 0.
  case operations(oneThread: Bool)
}

/// Turns the columns of a block back into events, in batches, checking everything.
///
/// The columns' cursors are checked once per batch, after it: a batch needs at most 16 bytes per
/// event of a column, and the buffers have that much room behind the longest column.
struct BlockDecoder {
  let columns = ColumnBuffers()
  private(set) var table = SlotTable.allocate()
  private var predictors = Predictors.allocate()
  private var currentThread: UInt32 = 0
  private var previousThread: UInt32 = 0
  private var quantisedTime: UInt64 = 0
  private let timeShift: UInt64
  private let selection: EventSelection

  private var cursors = Cursors()
  private var head = BlockHead()
  private var sites: UInt32 = 1
  private var decoded: UInt32 = 0
  private var operations: UInt32 = 0

  private struct Cursors {
    var codes = 0
    var times = 0
    var longTimes = 0
    var threads = 0
    var siteLow = 0
    var siteHigh = 0
    var sizeHigh = 0
    var sizeLow = 0
    var slotLow = 0
    var slotMiddle = 0
    var slotHigh = 0
    var alignments = 0

    var used: [(Column, Int)] {
      [
        (.codes, codes), (.times, times), (.longTimes, longTimes), (.threads, threads),
        (.siteLow, siteLow), (.siteHigh, siteHigh), (.sizeHigh, sizeHigh), (.sizeLow, sizeLow),
        (.slotLow, slotLow), (.slotMiddle, slotMiddle), (.slotHigh, slotHigh),
        (.alignments, alignments),
      ]
    }
  }

  init(timeResolutionLog2: Int, selection: EventSelection) {
    timeShift = UInt64(timeResolutionLog2)
    self.selection = selection
  }

  func deallocate() {
    table.deallocate()
    predictors.deallocate()
  }

  /// Starts on a block whose columns are in `columns`.
  mutating func begin(_ head: BlockHead) {
    self.head = head
    sites = head.sitesBefore + head.newSites
    cursors = Cursors()
    decoded = 0
    operations = 0
  }

  /// What a batch gave.
  enum Batch {
    case events(Int)
    case end
    /// Number of the event in the block, and what is wrong with it.
    case invalid(UInt32, String)
  }

  /// Decodes up to `ColumnBuffers.batchEvents` events into `output`.
  mutating func decode(into output: UnsafeMutablePointer<Event>) -> Batch {
    guard decoded < head.events else { return finish() }
    let count = min(head.events - decoded, UInt32(ColumnBuffers.batchEvents))
    var written = 0
    var problem: String?
    let first = decoded
    while decoded < first + count {
      problem = decodeEvent(into: output, &written)
      if problem != nil { break }
      decoded += 1
    }
    if let overrun = overrun() { return .invalid(first, overrun) }
    if let problem { return .invalid(decoded, problem) }
    if table.slots > Int(head.slots) {
      return .invalid(first, "more slots than the \(head.slots) that the block announces")
    }
    return .events(written)
  }

  private func overrun() -> String? {
    for (column, used) in cursors.used where used > columns.lengths[column.rawValue] {
      return "column \(column) ends early, after \(columns.lengths[column.rawValue]) bytes"
    }
    return nil
  }

  /// The announcements of the block's head, checked against what was decoded.
  private func finish() -> Batch {
    for (column, used) in cursors.used where used != columns.lengths[column.rawValue] {
      return .invalid(
        decoded, "column \(column) has \(columns.lengths[column.rawValue]) bytes, \(used) used")
    }
    if operations != head.operations {
      return .invalid(decoded, "\(operations) operations, not \(head.operations)")
    }
    if table.slots != Int(head.slots) || table.live != head.liveObjects {
      return .invalid(
        decoded,
        "\(table.slots) slots and \(table.live) live objects, not \(head.slots) and "
          + "\(head.liveObjects)")
    }
    if decoded > 0 && quantisedTime << timeShift != head.lastTime {
      return .invalid(decoded, "ends at \(quantisedTime << timeShift) ns, not \(head.lastTime)")
    }
    return .end
  }

  @inline(__always) private mutating func decodeEvent(
    into output: UnsafeMutablePointer<Event>, _ written: inout Int
  ) -> String? {
    var code = columns.base(.codes)[cursors.codes]
    cursors.codes += 1
    if code >= Code.previousThread {
      if let problem = switchThread(&code) { return problem }
    }
    let delta = columns.base(.times)[cursors.times]
    cursors.times += 1
    quantisedTime &+= delta < 255 ? UInt64(delta) : longTime()
    let thread = predictors.threads + Int(currentThread)
    var event = Event(
      kind: .free, thread: UInt16(truncatingIfNeeded: currentThread), slot: 0,
      time: quantisedTime << timeShift)
    if case .operations(oneThread: true) = selection { event.thread = 0 }
    if code < Code.frees {
      let before = thread.pointee.site
      guard decodeSite((code >> 2) & 3, predictors.site(after: thread), thread, &event) else {
        return undefinedSite(event)
      }
      guard decodeSize(code & 3, before, &event) else { return impossibleSize(event) }
      // The kinds of allocation are numbered as the codes are.
      event.kind = EventKind(rawValue: code >> 4).unsafelyUnwrapped
      if event.kind == .aligned {
        event.alignmentLog2 = columns.base(.alignments)[cursors.alignments]
        cursors.alignments += 1
        if event.alignmentLog2 > 47 {
          return "an alignment of 2 to the power \(event.alignmentLog2)"
        }
      }
      if event.kind == .realloc, case .operations = selection { event.kind = .malloc }
      let node = table.allocate(site: event.site)
      if node == 0 { return "more than \(TraceFormat.maximumSlots) live objects" }
      event.slot = node - 1
      operations += 1
    } else if code < Code.reallocs {
      let which = Int(code - Code.frees) / 3
      let node = walk(which, thread)
      guard table.isLive(node) else { return "a free of slot \(Int(node) - 1), which is dead" }
      event.slot = node - 1
      let entry = table.nodes[Int(node)]
      let context = predictors.freeSite(allocatedAt: entry.site)
      var siteCode = (code - Code.frees) % 3
      if siteCode == 2 { siteCode = Ranked.explicit }
      guard decodeSite(siteCode, context, thread, &event) else { return undefinedSite(event) }
      thread.pointee.after = entry.next
      thread.pointee.before = entry.previous
      table.free(node)
      operations += 1
    } else if code < Code.impliedFree {
      let node = reallocated((code - Code.reallocs) >> 4, thread)
      guard table.isLive(node) else { return "a realloc of slot \(Int(node) - 1), which is dead" }
      thread.pointee.reallocated = node
      event.slot = node - 1
      event.kind = .realloc
      let before = thread.pointee.site
      let rest = (code - Code.reallocs) & 15
      guard decodeSite(rest >> 2, predictors.site(after: thread), thread, &event) else {
        return undefinedSite(event)
      }
      guard decodeSize(rest & 3, before, &event) else { return impossibleSize(event) }
      operations += 1
    } else {
      if let problem = decodeRare(code, &event) { return problem }
      if case .operations = selection {
        if event.kind != .impliedFree { return nil }
        event.kind = .free
      }
    }
    output[written] = event
    written += 1
    return nil
  }

  private mutating func decodeRare(_ code: UInt8, _ event: inout Event) -> String? {
    switch code {
    case Code.impliedFree:
      event.kind = .impliedFree
      let node = slot() &+ 1
      guard node != 0, table.isLive(node) else {
        return "an implied free of slot \(Int(node) - 1), which is dead"
      }
      event.slot = node - 1
      event.site = site()
      if event.site >= sites { return undefinedSite(event) }
      table.free(node)
      operations += 1
    case Code.foreignFree:
      event.kind = .foreignFree
      event.site = site()
      if event.site >= sites { return undefinedSite(event) }
    case Code.threadStart: event.kind = .threadStart
    case Code.threadEnd: event.kind = .threadEnd
    default: return "operation code \(code), which doesn't exist"
    }
    return nil
  }

  private func undefinedSite(_ event: Event) -> String {
    "site \(event.site), of which only \(sites) are defined"
  }

  private func impossibleSize(_ event: Event) -> String {
    "a size of \(event.size) bytes; at most \(TraceFormat.maximumSize) is possible"
  }

  private mutating func switchThread(_ code: inout UInt8) -> String? {
    var next = previousThread
    if code == Code.otherThread {
      let number = variable(.threads, &cursors.threads)
      guard number < UInt64(head.threads), number <= UInt64(UInt16.max) else {
        return "thread \(number), of which the block announces \(head.threads)"
      }
      next = UInt32(number)
      predictors.reserve(thread: next)
    } else if code != Code.previousThread {
      return "operation code \(code), which doesn't exist"
    }
    previousThread = currentThread
    currentThread = next
    code = columns.base(.codes)[cursors.codes]
    cursors.codes += 1
    return code >= Code.previousThread ? "a second change of thread before one event" : nil
  }

  private mutating func longTime() -> UInt64 {
    let zigzag = variable(.longTimes, &cursors.longTimes)
    return zigzag >> 1 ^ (0 &- (zigzag & 1))
  }

  private func variable(_ column: Column, _ cursor: inout Int) -> UInt64 {
    let base = columns.base(column)
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 70 {
      let byte = base[cursor]
      cursor += 1
      value |= UInt64(byte & 127) << shift
      if byte < 128 { break }
      shift += 7
    }
    return value
  }

  @inline(__always) private mutating func site() -> UInt32 {
    let low = columns.base(.siteLow)
    var site = UInt32(low[cursors.siteLow])
    let high = columns.base(.siteHigh)[cursors.siteHigh]
    cursors.siteLow += 1
    cursors.siteHigh += 1
    if high < 255 { return site | UInt32(high) << 8 }
    site |= UInt32(low[cursors.siteLow]) << 8 | UInt32(low[cursors.siteLow + 1]) << 16
    cursors.siteLow += 2
    return site
  }

  @inline(__always) private mutating func slot() -> UInt32 {
    let low = columns.base(.slotLow)
    var slot = UInt32(low[cursors.slotLow])
    slot |= UInt32(columns.base(.slotMiddle)[cursors.slotMiddle]) << 8
    let high = columns.base(.slotHigh)[cursors.slotHigh]
    cursors.slotLow += 1
    cursors.slotMiddle += 1
    cursors.slotHigh += 1
    if high < 255 { return slot | UInt32(high) << 16 }
    slot |= UInt32(low[cursors.slotLow]) << 16 | UInt32(low[cursors.slotLow + 1]) << 24
    cursors.slotLow += 2
    return slot
  }

  @inline(__always) private mutating func decodeSite(
    _ code: UInt8, _ context: UnsafeMutablePointer<Ranked>,
    _ thread: UnsafeMutablePointer<Predictors.Thread>, _ event: inout Event
  ) -> Bool {
    if code == Ranked.explicit {
      event.site = site()
      context.insert(event.site)
    } else {
      event.site = context.value(of: code)
    }
    thread.pointee.siteBefore = thread.pointee.site
    thread.pointee.site = event.site
    return event.site < sites
  }

  @inline(__always) private mutating func decodeSize(
    _ code: UInt8, _ before: UInt32, _ event: inout Event
  ) -> Bool {
    let context = predictors.size(site: event.site, before: before)
    if code != Ranked.explicit {
      event.size = UInt64(context.value(of: code))
      return true
    }
    let high = columns.base(.sizeHigh)[cursors.sizeHigh]
    cursors.sizeHigh += 1
    let low = columns.base(.sizeLow)
    if high < 240 {
      event.size = UInt64(high) << 8 | UInt64(low[cursors.sizeLow])
      cursors.sizeLow += 1
      context.insert(UInt32(truncatingIfNeeded: event.size))
      return true
    }
    let bytes = min(Int(high) - 240, 6)
    for index in 0..<bytes {
      event.size |= UInt64(low[cursors.sizeLow + index]) << UInt64(8 * index)
    }
    cursors.sizeLow += bytes
    if event.size <= UInt64(UInt32.max) { context.insert(UInt32(event.size)) }
    return event.size <= TraceFormat.maximumSize
  }

  /// The node that a free's slot code leads to; it need not be live.
  @inline(__always) private mutating func walk(
    _ code: Int, _ thread: UnsafeMutablePointer<Predictors.Thread>
  ) -> UInt32 {
    if code == Code.explicitSlot {
      let node = slot() &+ 1
      return node < table.count ? node : 0
    }
    let nodes = table.nodes
    if code >= Code.after && code < Code.before {
      var node = thread.pointee.after
      for _ in Code.after..<code { node = nodes[Int(node)].next }
      return node
    }
    var node = code < Code.after ? nodes[0].previous : thread.pointee.before
    for _ in 0..<(code & 7) { node = nodes[Int(node)].previous }
    return node
  }

  @inline(__always) private mutating func reallocated(
    _ code: UInt8, _ thread: UnsafeMutablePointer<Predictors.Thread>
  ) -> UInt32 {
    switch code {
    case 0: return thread.pointee.reallocated
    case 1: return table.nodes[0].previous
    case 2: return table.nodes[Int(table.nodes[0].previous)].previous
    default:
      let node = slot() &+ 1
      return node < table.count ? node : 0
    }
  }
}
