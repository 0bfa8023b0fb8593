/// Turns events into the columns of a block, keeping the state that a decoder will have.
struct BlockEncoder {
  let columns = ColumnBuffers()
  var table = SlotTable.allocate()
  private(set) var predictors = Predictors.allocate()
  /// Requested bytes by node, for the page estimate.
  private var sizes: UnsafeMutablePointer<UInt64>
  private var sizesCapacity: Int
  private(set) var pages = PageEstimate()
  private(set) var head = BlockHead()

  private var currentThread: UInt32 = 0
  private var previousThread: UInt32 = 0
  private var quantisedTime: UInt64 = 0
  private let timeShift: UInt64
  private var cursors: ColumnCursors

  init(timeResolutionLog2: Int) {
    timeShift = UInt64(timeResolutionLog2)
    cursors = ColumnCursors(columns)
    sizesCapacity = table.capacity
    sizes = .allocate(capacity: sizesCapacity)
    sizes.initialize(repeating: 0, count: sizesCapacity)
  }

  func deallocate() {
    table.deallocate()
    predictors.deallocate()
    sizes.deallocate()
  }

  /// Sets the columns' lengths; the head then describes the block.
  mutating func endBlock() {
    for (column, bytes) in cursors.used(since: columns) { columns.lengths[column.rawValue] = bytes }
    head.liveObjects = table.live
    head.slots = UInt32(table.slots)
    head.lastTime = quantisedTime << timeShift
    head.firstLinePages = pages.firstLine
    head.perPagePages = pages.perPage
  }

  /// Empties the columns.
  mutating func beginBlock() {
    cursors = ColumnCursors(columns)
    head.events = 0
    head.operations = 0
    head.firstTime = quantisedTime << timeShift
  }

  /// Encodes one event, or says which rule it breaks and changes nothing.
  mutating func append(_ event: Event, sites: UInt32) -> String? {
    appendValid(event, sites: sites) ? nil : problem(of: event, sites: sites)
  }

  /// The rule that an event breaks.
  private func problem(of event: Event, sites: UInt32) -> String {
    if event.site >= sites { return "site \(event.site) isn't defined (there are \(sites))" }
    if event.size > TraceFormat.maximumSize { return "a size of \(event.size) bytes" }
    if event.alignmentLog2 > 47 || (event.alignmentLog2 != 0 && event.kind != .aligned) {
      return "an alignment of 2 to the power \(event.alignmentLog2) on a \(event.kind)"
    }
    if event.kind.frees { return "slot \(event.slot) is freed and isn't live" }
    let next = table.freed != 0 ? table.freed : table.count
    return "slot \(event.slot) is allocated where slot \(Int(next) - 1) is next"
  }

  /// Encodes one event; false if it breaks a rule, and then nothing is changed.
  @inline(__always) mutating func appendValid(_ event: Event, sites: UInt32) -> Bool {
    let node = event.slot &+ 1
    let kind = event.kind
    let allocates = kind.rawValue <= EventKind.aligned.rawValue
    let frees = kind == .free || kind == .impliedFree
    if event.site >= sites || event.size > TraceFormat.maximumSize { return false }
    if event.alignmentLog2 != 0 && (event.alignmentLog2 > 47 || kind != .aligned) { return false }
    let isNew = allocates && !(kind == .realloc && table.isLive(node))
    if isNew {
      let next = table.freed != 0 ? table.freed : table.count
      if node != next || Int(next) > TraceFormat.maximumSlots { return false }
    }
    if frees && !(node != 0 && table.isLive(node)) { return false }

    switchThread(to: UInt32(event.thread))
    appendTime(event.time >> timeShift)
    let thread = predictors.threads + Int(currentThread)
    if isNew {
      appendAllocation(event, thread)
      head.operations += 1
    } else if kind == .free {
      appendFree(event, node, thread)
      head.operations += 1
    } else {
      appendOther(event, node, thread)
    }
    head.events += 1
    return true
  }

  private mutating func appendOther(
    _ event: Event, _ node: UInt32, _ thread: UnsafeMutablePointer<Predictors.Thread>
  ) {
    switch event.kind {
    case .malloc, .calloc, .realloc, .aligned, .free:
      appendReallocation(event, node, thread)
      head.operations += 1
    case .impliedFree:
      append(code: Code.impliedFree)
      appendSlot(event.slot)
      appendSite(event.site)
      endLife(of: node)
      head.operations += 1
    case .foreignFree:
      append(code: Code.foreignFree)
      appendSite(event.site)
    case .threadStart: append(code: Code.threadStart)
    case .threadEnd: append(code: Code.threadEnd)
    }
  }

  @inline(__always) private mutating func append(code: UInt8) {
    cursors.codes.pointee = code
    cursors.codes += 1
  }

  @inline(__always) private mutating func switchThread(to thread: UInt32) {
    if thread == currentThread { return }
    if thread == previousThread {
      append(code: Code.previousThread)
    } else {
      append(code: Code.otherThread)
      appendVariable(UInt64(thread), to: &cursors.threads)
      predictors.reserve(threads: thread + 1)
      head.threads = max(head.threads, thread + 1)
    }
    previousThread = currentThread
    currentThread = thread
  }

  @inline(__always) private mutating func appendTime(_ quantised: UInt64) {
    let delta = quantised &- quantisedTime
    quantisedTime = quantised
    if head.events == 0 { head.firstTime = quantised << timeShift }
    if delta < 255 {
      cursors.times.pointee = UInt8(truncatingIfNeeded: delta)
    } else {
      cursors.times.pointee = 255
      let signed = Int64(bitPattern: delta)
      appendVariable(UInt64(bitPattern: signed << 1 ^ signed >> 63), to: &cursors.longTimes)
    }
    cursors.times += 1
  }

  private func appendVariable(_ value: UInt64, to column: inout UnsafeMutablePointer<UInt8>) {
    var rest = value
    while rest >= 128 {
      column.pointee = UInt8(truncatingIfNeeded: rest) | 128
      column += 1
      rest >>= 7
    }
    column.pointee = UInt8(rest)
    column += 1
  }

  @inline(__always) private mutating func appendSite(_ site: UInt32) {
    cursors.siteLow.pointee = UInt8(truncatingIfNeeded: site)
    cursors.siteLow += 1
    if site < 255 << 8 {
      cursors.siteHigh.pointee = UInt8(truncatingIfNeeded: site >> 8)
    } else {
      cursors.siteHigh.pointee = 255
      cursors.siteLow[0] = UInt8(truncatingIfNeeded: site >> 8)
      cursors.siteLow[1] = UInt8(truncatingIfNeeded: site >> 16)
      cursors.siteLow += 2
    }
    cursors.siteHigh += 1
  }

  @inline(__always) private mutating func appendSlot(_ slot: UInt32) {
    cursors.slotLow.pointee = UInt8(truncatingIfNeeded: slot)
    cursors.slotLow += 1
    cursors.slotMiddle.pointee = UInt8(truncatingIfNeeded: slot >> 8)
    cursors.slotMiddle += 1
    if slot < 255 << 16 {
      cursors.slotHigh.pointee = UInt8(truncatingIfNeeded: slot >> 16)
    } else {
      cursors.slotHigh.pointee = 255
      cursors.slotLow[0] = UInt8(truncatingIfNeeded: slot >> 16)
      cursors.slotLow[1] = UInt8(truncatingIfNeeded: slot >> 24)
      cursors.slotLow += 2
    }
    cursors.slotHigh += 1
  }

  @inline(__always) private mutating func appendSize(_ size: UInt64) {
    if size < 240 << 8 {
      cursors.sizeHigh.pointee = UInt8(truncatingIfNeeded: size >> 8)
      cursors.sizeLow.pointee = UInt8(truncatingIfNeeded: size)
      cursors.sizeLow += 1
    } else {
      let bytes = (64 - size.leadingZeroBitCount + 7) / 8
      cursors.sizeHigh.pointee = UInt8(240 + bytes)
      for index in 0..<bytes {
        cursors.sizeLow[index] = UInt8(truncatingIfNeeded: size >> UInt64(8 * index))
      }
      cursors.sizeLow += bytes
    }
    cursors.sizeHigh += 1
  }

  /// The site's code, its column entry if needed, and the thread's history.
  @inline(__always) private mutating func encodeSite(
    _ site: UInt32, _ context: UnsafeMutablePointer<Ranked>,
    _ thread: UnsafeMutablePointer<Predictors.Thread>
  ) -> UInt8 {
    let code = context.code(of: site)
    if code == Ranked.explicit { appendSite(site) }
    thread.pointee.siteBefore = thread.pointee.site
    thread.pointee.site = site
    return code
  }

  @inline(__always) private mutating func encodeSize(_ size: UInt64, site: UInt32, before: UInt32)
    -> UInt8
  {
    guard size <= UInt64(UInt32.max) else {
      appendSize(size)
      return Ranked.explicit
    }
    let code = predictors.size(site: site, before: before).code(of: UInt32(size))
    if code == Ranked.explicit { appendSize(size) }
    return code
  }

  @inline(__always) private mutating func appendAllocation(
    _ event: Event, _ thread: UnsafeMutablePointer<Predictors.Thread>
  ) {
    let before = thread.pointee.site
    let site = encodeSite(event.site, predictors.site(after: thread), thread)
    let size = encodeSize(event.size, site: event.site, before: before)
    append(code: event.kind.rawValue << 4 | site << 2 | size)
    if event.kind == .aligned {
      cursors.alignments.pointee = event.alignmentLog2
      cursors.alignments += 1
    }
    if Int(table.count) == table.capacity { grow() }
    let node = Int(table.allocate(site: event.site))
    sizes[node] = event.size
    pages.allocate(event.size)
  }

  private mutating func appendReallocation(
    _ event: Event, _ node: UInt32, _ thread: UnsafeMutablePointer<Predictors.Thread>
  ) {
    let newest = table.nodes[0].previous
    var slot: UInt8 = 3
    if thread.pointee.reallocated == node {
      slot = 0
    } else if newest == node {
      slot = 1
    } else if table.nodes[Int(newest)].previous == node {
      slot = 2
    } else {
      appendSlot(event.slot)
    }
    thread.pointee.reallocated = node
    let before = thread.pointee.site
    let site = encodeSite(event.site, predictors.site(after: thread), thread)
    let size = encodeSize(event.size, site: event.site, before: before)
    append(code: Code.reallocs + slot << 4 + site << 2 + size)
    pages.free(sizes[Int(node)])
    sizes[Int(node)] = event.size
    pages.allocate(event.size)
  }

  @inline(__always) private mutating func appendFree(
    _ event: Event, _ node: UInt32, _ thread: UnsafeMutablePointer<Predictors.Thread>
  ) {
    let slot = slotCode(of: node, thread)
    if slot == Code.explicitSlot { appendSlot(event.slot) }
    let entry = table.nodes[Int(node)]
    let context = predictors.freeSite(allocatedAt: entry.site)
    var site = context.code(of: event.site)
    if site >= 2 {
      site = 2
      appendSite(event.site)
    }
    append(code: Code.frees + UInt8(slot) * 3 + site)
    thread.pointee.siteBefore = thread.pointee.site
    thread.pointee.site = event.site
    thread.pointee.after = entry.next
    thread.pointee.before = entry.previous
    endLife(of: node)
  }

  /// How the object is found: the shortest of the walks that reach it. A walk is tried only where
  /// numbers of birth say that it may be short.
  @inline(__always) private func slotCode(
    of node: UInt32, _ thread: UnsafeMutablePointer<Predictors.Thread>
  ) -> Int {
    let nodes = table.nodes
    let birth = nodes[Int(node)].birth
    if table.births &- birth < 64 {
      var walked = nodes[0].previous
      for code in 0..<Code.nearSlots {
        if walked == node { return Code.newest + code }
        walked = nodes[Int(walked)].previous
      }
    }
    let after = thread.pointee.after
    if birth &- nodes[Int(after)].birth < 256 || after == node {
      var walked = after
      for code in 0..<Code.nearSlots {
        if walked == node { return Code.after + code }
        walked = nodes[Int(walked)].next
      }
    }
    let before = thread.pointee.before
    if nodes[Int(before)].birth &- birth < 256 || before == node {
      var walked = before
      for code in 0..<Code.nearSlots {
        if walked == node { return Code.before + code }
        walked = nodes[Int(walked)].previous
      }
    }
    return Code.explicitSlot
  }

  @inline(__always) private mutating func endLife(of node: UInt32) {
    pages.free(sizes[Int(node)])
    table.free(node)
  }

  private mutating func grow() {
    table.reserve(1)
    let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: table.capacity)
    larger.initialize(repeating: 0, count: table.capacity)
    larger.update(from: sizes, count: sizesCapacity)
    sizes.deallocate()
    sizes = larger
    sizesCapacity = table.capacity
  }
}

extension BlockEncoder {
  /// What the writer knows besides the events.
  mutating func describe(_ change: (inout BlockHead) -> Void) { change(&head) }
}
