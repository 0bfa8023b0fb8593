/// Which events a decoder hands out.
enum EventSelection {
  /// Every event as it was written.
  case all
  /// Operations only, made ready to perform: a realloc of nothing is a malloc, an implied free a
  /// free. With `oneThread` all on thread 0; else the ends of threads come with them.
  case operations(oneThread: Bool)
}

/// Turns the columns of a block back into events, in batches, checking everything.
///
/// Columns are read without a check per byte: an event takes at most 16 bytes of a column, the
/// buffers have that much room for a batch behind the longest column, and after a batch, before
/// anyone sees it, the columns' cursors are compared with their ends.
struct BlockDecoder {
  let columns = ColumnBuffers()
  private(set) var table = SlotTable.allocate()
  private var predictors = Predictors.allocate()
  private var currentThread: UInt32 = 0
  private var previousThread: UInt32 = 0
  private var quantisedTime: UInt64 = 0
  private let timeShift: UInt64
  private let selection: EventSelection

  /// In memory of its own: its cursors would crowd the hot loop's registers.
  private let input: UnsafeMutablePointer<ColumnCursors>
  private var head = BlockHead()
  private var decoded: UInt32 = 0
  private var operations: UInt32 = 0

  init(timeResolutionLog2: Int, selection: EventSelection) {
    timeShift = UInt64(timeResolutionLog2)
    self.selection = selection
    input = .allocate(capacity: 1)
    input.initialize(to: ColumnCursors(columns))
  }

  func deallocate() {
    input.deallocate()
    table.deallocate()
    predictors.deallocate()
  }

  /// Starts on a block whose columns are in `columns`.
  mutating func begin(_ head: BlockHead) {
    self.head = head
    input.pointee = ColumnCursors(columns)
    decoded = 0
    operations = 0
    predictors.reserve(threads: head.threads)
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
    let first = decoded
    table.reserve(ColumnBuffers.batchEvents)
    let (written, failure) =
      switch selection {
      case .all: decodeBatch(into: output, operationsOnly: false, threadMask: .max)
      case .operations(let oneThread):
        decodeBatch(into: output, operationsOnly: true, threadMask: oneThread ? 0 : .max)
      }
    for (column, used) in input.pointee.used(since: columns)
    where used > columns.lengths[column.rawValue] {
      return .invalid(
        first, "column \(column) ends early, after \(columns.lengths[column.rawValue]) bytes")
    }
    if let failure { return .invalid(decoded - 1, failure.description(sites: sites, head: head)) }
    if table.slots > Int(head.slots) {
      return .invalid(first, "more slots than the \(head.slots) that the block announces")
    }
    return .events(written)
  }

  private var sites: UInt32 { head.sitesBefore + head.newSites }

  /// The announcements of the block's head, checked against what was decoded.
  private func finish() -> Batch {
    for (column, used) in input.pointee.used(since: columns)
    where used != columns.lengths[column.rawValue] {
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

  /// The hot loop. All state is in local variables, so that it stays in registers, and nothing
  /// here allocates: about 40 instructions per event.
  @inline(__always) private mutating func decodeBatch(
    into output: UnsafeMutablePointer<Event>, operationsOnly: Bool, threadMask: UInt16
  ) -> (Int, DecodingFailure?) {
    let input = self.input
    var codes = input.pointee.codes
    var times = input.pointee.times
    var table = self.table
    let predictors = self.predictors
    var currentThread = self.currentThread
    var thread = predictors.threads + Int(currentThread)
    var quantisedTime = self.quantisedTime
    let timeShift = self.timeShift
    let sites = self.sites
    let firstTime = times
    let endTime = times + Int(min(head.events - decoded, UInt32(ColumnBuffers.batchEvents)))
    var others: UInt32 = 0
    var next = output
    var failure: DecodingFailure?

    decoding: while times < endTime {
      let delta = times.pointee
      times += 1
      quantisedTime &+= delta < 255 ? UInt64(delta) : input.pointee.longTime()
      var code = codes.pointee
      codes += 1
      if code >= Code.previousThread {
        var number = previousThread
        if code == Code.otherThread {
          let long = ColumnCursors.variable(&input.pointee.threads)
          if long >= UInt64(head.threads) {
            failure = .thread(long)
            break decoding
          }
          number = UInt32(long)
        } else if code != Code.previousThread {
          failure = .code(code)
          break decoding
        }
        previousThread = currentThread
        currentThread = number
        thread = predictors.threads + Int(number)
        code = codes.pointee
        codes += 1
      }
      var kind = EventKind.free
      var alignment: UInt8 = 0
      var slot: UInt32 = 0
      var size: UInt64 = 0
      var site: UInt32 = 0

      if code < Code.frees {
        let before = thread.pointee.site
        site = input.pointee.site(code: (code >> 2) & 3, predictors.site(after: thread))
        size = input.pointee.size(code: code & 3, predictors.size(site: site, before: before))
        thread.pointee.siteBefore = before
        thread.pointee.site = site
        // Kinds of allocation are numbered as the codes are.
        kind = EventKind(rawValue: code >> 4).unsafelyUnwrapped
        if kind == .aligned {
          alignment = input.pointee.alignment()
          if alignment > 47 {
            failure = .alignment(alignment)
            break decoding
          }
        } else if operationsOnly && kind == .realloc {
          kind = .malloc
        }
        slot = table.allocate(site: site) &- 1
      } else if code < Code.reallocs {
        let which = Int(code &- Code.frees)
        let place = which / 3
        let node: UInt32
        if place == Code.explicitSlot {
          node = input.pointee.node(below: table.count)
          input.pointee.prefetchNodes(table)
        } else {
          node = table.walk(place, after: thread.pointee.after, before: thread.pointee.before)
        }
        let entry = table.nodes[Int(node)]
        slot = node &- 1
        if entry.site == SlotTable.dead {
          failure = .dead(slot)
          break decoding
        }
        let siteCode = which - place * 3
        site = input.pointee.site(
          code: siteCode == 2 ? Ranked.explicit : UInt8(siteCode),
          predictors.freeSite(allocatedAt: entry.site))
        thread.pointee.siteBefore = thread.pointee.site
        thread.pointee.site = site
        thread.pointee.after = entry.next
        thread.pointee.before = entry.previous
        table.free(node)
      } else if code < Code.impliedFree {
        let rest = code &- Code.reallocs
        let newest = table.nodes[0].previous
        let node: UInt32 =
          switch rest >> 4 {
          case 0: thread.pointee.reallocated
          case 1: newest
          case 2: table.nodes[Int(newest)].previous
          default: input.pointee.node(below: table.count)
          }
        slot = node &- 1
        if !table.isLive(node) {
          failure = .dead(slot)
          break decoding
        }
        thread.pointee.reallocated = node
        let before = thread.pointee.site
        site = input.pointee.site(code: (rest >> 2) & 3, predictors.site(after: thread))
        size = input.pointee.size(code: rest & 3, predictors.size(site: site, before: before))
        thread.pointee.siteBefore = before
        thread.pointee.site = site
        kind = .realloc
      } else {
        switch code {
        case Code.impliedFree:
          let node = input.pointee.node(below: table.count)
          slot = node &- 1
          if !table.isLive(node) {
            failure = .dead(slot)
            break decoding
          }
          site = input.pointee.site()
          table.free(node)
          kind = operationsOnly ? .free : .impliedFree
        case Code.foreignFree:
          site = input.pointee.site()
          kind = .foreignFree
          others += 1
        case Code.threadStart, Code.threadEnd:
          kind = code == Code.threadStart ? .threadStart : .threadEnd
          others += 1
        default:
          failure = .code(code)
          break decoding
        }
      }
      if site >= sites || size > TraceFormat.maximumSize {
        failure = site >= sites ? .site(site) : .size(size)
        break decoding
      }
      if operationsOnly && code >= Code.foreignFree && (code != Code.threadEnd || threadMask == 0) {
        continue
      }
      next.pointee = Event(
        kind: kind, alignmentLog2: alignment,
        thread: UInt16(truncatingIfNeeded: currentThread) & threadMask, slot: slot, size: size,
        time: quantisedTime &<< timeShift, site: site)
      next += 1
    }

    input.pointee.codes = codes
    input.pointee.times = times
    self.table = table
    self.currentThread = currentThread
    self.quantisedTime = quantisedTime
    let count = UInt32(times - firstTime)
    decoded += count
    operations += count - others
    return (next - output, failure)
  }
}

/// What made an event impossible.
enum DecodingFailure {
  case code(UInt8)
  case thread(UInt64)
  case alignment(UInt8)
  case dead(UInt32)
  case site(UInt32)
  case size(UInt64)

  func description(sites: UInt32, head: BlockHead) -> String {
    switch self {
    case .code(let code): "operation code \(code), which isn't possible here"
    case .thread(let thread): "thread \(thread), of which the block announces \(head.threads)"
    case .alignment(let log2): "an alignment of 2 to the power \(log2)"
    case .dead(.max): "an object that was never allocated is freed or reallocated"
    case .dead(let slot): "slot \(slot) is freed or reallocated, which isn't live"
    case .site(let site): "site \(site), of which only \(sites) are defined"
    case .size(let size): "a size of \(size) bytes; \(TraceFormat.maximumSize) is the most"
    }
  }
}
