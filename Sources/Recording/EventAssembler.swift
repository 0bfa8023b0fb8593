import CTraceFormat
import Traces

/// What was out of the ordinary in a recording. All of it is kept in the trace's footer.
public struct RecordingCounters: Sendable, Equatable {
  /// Frees of addresses that were never seen allocated.
  public var foreignFrees: UInt64 = 0
  /// Allocations on a live address: the free before was missed.
  public var impliedFrees: UInt64 = 0
  /// Pairs of a free and an allocation of two threads whose stamps lay the wrong way round, by less
  /// than a processor can run ahead, and were put right.
  public var reordered: UInt64 = 0
  /// Records that turned up after later ones had been written.
  public var late: UInt64 = 0
  /// Records begun and never finished: the thread was killed in the middle.
  public var unfinished: UInt64 = 0
}

/// Turns merged records into events: addresses into slots, callers into sites, ticks into time.
///
/// Works on runs of one thread's records, and hands the events on by runs: what a record costs is
/// two hash lookups and the encoder, nothing is counted or checked out per event.
struct EventAssembler: ~Copyable {
  let writer: TraceWriter
  let spool: SpoolFile
  let journal: RecordingJournal
  private let nanosecondsPerTick: Double
  private var table = AddressTable()
  private var slots = SlotStack()
  var sites = SiteResolver()
  var counters = RecordingCounters()
  private(set) var lastTime: UInt64 = 0
  private(set) var threadNumbers: UInt32 = 0
  /// Numbers of ended threads, the oldest first, used again when 65,536 aren't enough.
  private(set) var endedNumbers: [UInt16] = []
  private(set) var endedNumbersUsed = 0
  /// Calls recorded: events but for what was made up (starts of threads, implied frees).
  private(set) var calls = 0
  private let events: UnsafeMutablePointer<Event>
  private var pending = 0

  /// Calls of a run at most.
  static let runRecords = 2048
  /// Events that the last record of a run may add beyond one for each.
  static let spareEvents = 4

  /// Why a run of records ended.
  enum RunEnd {
    /// All taken, or something rare happened and the rest is to be offered again.
    case open
    /// The next record is later than what may be merged.
    case bound
    /// Another thread's record may have to come first: see `ImageStream.takeOther`.
    case disputed
  }

  init(
    writer: TraceWriter, spool: SpoolFile, journal: RecordingJournal, nanosecondsPerTick: Double
  ) {
    self.writer = writer
    self.spool = spool
    self.journal = journal
    self.nanosecondsPerTick = nanosecondsPerTick
    events = .allocate(capacity: Self.runRecords + Self.spareEvents)
  }

  deinit { events.deallocate() }

  var threads: Int { Int(threadNumbers) }

  /// Appends the events that a run of one thread's records stands for.
  ///
  /// - Parameters:
  ///   - count: Records of the run, `runRecords` at most; the writer's block has room for that and
  ///     `spareEvents`. A long record may end one behind.
  ///   - room: Records that may be read, from the run's first on.
  ///   - generation: The records that have another were never written.
  ///   - upTo: Records later than this stay.
  ///   - mergedUpTo: Records from before are counted as late.
  ///   - alone: Whether no other thread can have a say in what an address means.
  @inline(never) mutating func append(
    run: SpoolRecord, count: Int, room: Int, generation: UInt64, upTo: UInt64,
    mergedUpTo: UInt64, alone: Bool, from stream: inout ThreadStream
  ) throws(TraceError) -> (taken: Int, end: RunEnd) {
    let start = spool.start
    var index = 0
    var end = RunEnd.open
    run: while index < count {
      let record = run + index
      if index + 8 < count { table.prefetch((record + 8).shortAddress) }
      let head = RecordHead(record.pointee.head)
      if !head.isPublished(in: generation) || head.isMark || head.isLong && index + 1 >= room {
        if head.kind == mallometer_record_epoch.rawValue && head.isPublished(in: generation) {
          stream.epoch = record.pointee.block << 32
        }
        index += 1
        continue
      }
      let ticks = head.time(in: stream.epoch)
      if ticks > upTo {
        end = .bound
        break
      }
      let time = time(of: ticks, since: start)
      let call = RecordedCall(record)
      let address = call.address
      let kind = call.kind
      let thread: UInt16
      if let known = stream.number {
        thread = known
      } else {
        thread = number(&stream, time: time)
      }
      if kind == mallometer_record_malloc.rawValue {
        let slot = slots.next
        let site = try sites.number(of: call.site, in: spool, writer: writer)
        if table.insertUnlessPresent(address, slot: slot) != nil {
          if !alone {
            end = .disputed
            break
          }
          try appendRare(call, thread, time, &stream)
          index += call.length
          if ticks < mergedUpTo { counters.late += 1 }
          break
        }
        slots.take()
        journal.note(slot, at: address)
        calls &+= 1
        add(
          Event(
            kind: .malloc, thread: thread, slot: slot, size: call.size, time: time, site: site))
      } else if kind == mallometer_record_free.rawValue {
        let site = try sites.number(of: call.site, in: spool, writer: writer)
        if let slot = table.remove(address) {
          slots.give(slot)
          add(Event(kind: .free, thread: thread, slot: slot, time: time, site: site))
        } else if alone {
          foreignFree(site, thread, time)
        } else {
          end = .disputed
          break
        }
        calls &+= 1
      } else {
        if !alone && isDisputed(kind, address) {
          end = .disputed
          break
        }
        try appendRare(call, thread, time, &stream)
        index += call.length
        if ticks < mergedUpTo { counters.late += 1 }
        break
      }
      if ticks < mergedUpTo { counters.late += 1 }
      index += call.length
    }
    let appended = UnsafeBufferPointer(start: events, count: pending)
    pending = 0
    try writer.append(contentsOf: appended)
    return (index, end)
  }

  @inline(__always) private mutating func add(_ event: Event) {
    events[pending] = event
    pending &+= 1
  }

  @inline(__always) private mutating func time(of stamp: UInt64, since start: UInt64) -> UInt64 {
    let ticks = stamp > start ? stamp &- start : 0
    let nanoseconds = UInt64(Double(ticks) * nanosecondsPerTick)
    if nanoseconds < lastTime { return lastTime }
    lastTime = nanoseconds
    return nanoseconds
  }

  private mutating func number(_ stream: inout ThreadStream, time: UInt64) -> UInt16 {
    let number: UInt16
    if threadNumbers <= UInt32(UInt16.max) {
      number = UInt16(threadNumbers)
    } else if endedNumbersUsed < endedNumbers.count {
      number = endedNumbers[endedNumbersUsed]
      endedNumbersUsed += 1
    } else {
      number = UInt16.max
    }
    threadNumbers += 1
    stream.number = number
    if number > 0 { add(Event(kind: .threadStart, thread: number, slot: 0, time: time)) }
    return number
  }

  /// Whether what the record says of an address contradicts what is known of it.
  private func isDisputed(_ kind: UInt32, _ address: UInt64) -> Bool {
    if address == 0 || kind == mallometer_record_thread_end.rawValue { return false }
    let isLive = table.slot(at: address) != nil
    return isLive != (kind == mallometer_record_realloc_from.rawValue)
  }

  /// Everything but a plain malloc or free.
  @inline(never) private mutating func appendRare(
    _ call: RecordedCall, _ thread: UInt16, _ time: UInt64, _ stream: inout ThreadStream
  ) throws(TraceError) {
    let (kind, address, size) = (call.kind, call.address, call.size)
    if kind == mallometer_record_thread_end.rawValue {
      stream.ended = true
      endedNumbers.append(thread)
      add(Event(kind: .threadEnd, thread: thread, slot: 0, time: time))
      return
    }
    let site = try sites.number(of: call.site, in: spool, writer: writer)
    switch kind {
    case mallometer_record_malloc.rawValue:
      allocate(.malloc, address, size, 0, site, thread, time)
    case mallometer_record_calloc.rawValue:
      allocate(.calloc, address, size, 0, site, thread, time)
    case mallometer_record_realloc_new.rawValue:
      allocate(.realloc, address, size, 0, site, thread, time)
    case mallometer_record_aligned.rawValue:
      allocate(.aligned, address, size, min(call.alignmentLog2, 47), site, thread, time)
    case mallometer_record_realloc_from.rawValue:
      stream.reallocations.append(.init(address: address, slot: table.remove(address)))
    case mallometer_record_realloc_to.rawValue:
      reallocate(&stream, to: address, size, site, thread, time)
    default:
      counters.unfinished += 1
    }
  }

  private mutating func allocate(
    _ kind: EventKind, _ address: UInt64, _ size: UInt64, _ alignment: UInt8, _ site: UInt32,
    _ thread: UInt16, _ time: UInt64
  ) {
    makeRoom(at: address, site, thread, time)
    let slot = slots.next
    slots.take()
    table.insert(address, slot: slot)
    journal.note(slot, at: address)
    calls &+= 1
    add(
      Event(
        kind: kind, alignmentLog2: alignment, thread: thread, slot: slot, size: size, time: time,
        site: site))
  }

  /// A block that was returned where another is live: that one's free was missed.
  private mutating func makeRoom(
    at address: UInt64, _ site: UInt32, _ thread: UInt16, _ time: UInt64
  ) {
    guard let slot = table.remove(address) else { return }
    slots.give(slot)
    counters.impliedFrees += 1
    add(Event(kind: .impliedFree, thread: thread, slot: slot, time: time, site: site))
  }

  private mutating func foreignFree(_ site: UInt32, _ thread: UInt16, _ time: UInt64) {
    counters.foreignFrees += 1
    add(Event(kind: .foreignFree, thread: thread, slot: 0, time: time, site: site))
  }

  private mutating func reallocate(
    _ stream: inout ThreadStream, to address: UInt64, _ size: UInt64, _ site: UInt32,
    _ thread: UInt16, _ time: UInt64
  ) {
    let old = stream.reallocations.popLast()
    if address == 0 {
      guard let old, let slot = old.slot else { return }
      if size > 0 {
        // It failed, so the old block is still there, unless its address was given away.
        let taken = table.insertUnlessPresent(old.address, slot: slot) != nil
        journal.note(slot, at: taken ? 0 : old.address)
        return
      }
      calls &+= 1
      slots.give(slot)
      add(Event(kind: .free, thread: thread, slot: slot, time: time, site: site))
      return
    }
    guard let slot = old?.slot else {
      if old != nil { foreignFree(site, thread, time) }
      allocate(.realloc, address, size, 0, site, thread, time)
      return
    }
    makeRoom(at: address, site, thread, time)
    table.insert(address, slot: slot)
    journal.note(slot, at: address)
    calls &+= 1
    add(
      Event(kind: .realloc, thread: thread, slot: slot, size: size, time: time, site: site))
  }
}

extension EventAssembler {
  /// Takes up where an earlier drainer stopped.
  ///
  /// - Parameters:
  ///   - slots: As the events in the trace leave them.
  ///   - live: Live slots with the addresses of their blocks.
  mutating func resume(
    _ checkpoint: Checkpoint, slots: consuming SlotStack, live: [(slot: UInt32, address: UInt64)]
  ) {
    self.slots = slots
    for block in live { _ = table.insertUnlessPresent(block.address, slot: block.slot) }
    lastTime = checkpoint.lastTime
    threadNumbers = checkpoint.threadNumbers
    endedNumbers = checkpoint.endedNumbers
    endedNumbersUsed = 0
    calls = checkpoint.calls
    counters = checkpoint.counters
  }
}

/// `SlotAllocator`'s rule without its checks: the slot freed last, else the next new one.
struct SlotStack: ~Copyable {
  private var freed: UnsafeMutablePointer<UInt32>
  private var capacity: Int
  private var depth = 0
  private var new: UInt32 = 0

  init() {
    capacity = 4096
    freed = .allocate(capacity: capacity)
  }

  deinit { freed.deallocate() }

  /// The slot that the next allocation takes.
  @inline(__always) var next: UInt32 { depth > 0 ? freed[depth &- 1] : new }

  @inline(__always) mutating func take() {
    if depth > 0 { depth &-= 1 } else { new &+= 1 }
  }

  @inline(__always) mutating func give(_ slot: UInt32) {
    if depth == capacity { grow() }
    freed[depth] = slot
    depth &+= 1
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity * 2)
    larger.update(from: freed, count: depth)
    freed.deallocate()
    freed = larger
    capacity *= 2
  }
}
