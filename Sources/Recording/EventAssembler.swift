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
struct EventAssembler: ~Copyable {
  let writer: TraceWriter
  let spool: SpoolFile
  private let nanosecondsPerTick: Double
  private var table = AddressTable()
  private var slots = SlotAllocator()
  var sites = SiteResolver()
  var counters = RecordingCounters()
  private var lastTime: UInt64 = 0
  private var threadNumbers: UInt32 = 0
  /// Numbers of ended threads, the oldest first, used again when 65,536 aren't enough.
  private var endedNumbers: [UInt16] = []
  private var endedNumbersUsed = 0
  /// Calls recorded: events but for what was made up (starts of threads, implied frees).
  private(set) var calls = 0

  init(writer: TraceWriter, spool: SpoolFile, nanosecondsPerTick: Double) {
    self.writer = writer
    self.spool = spool
    self.nanosecondsPerTick = nanosecondsPerTick
  }

  var liveBlocks: Int { table.count }
  var threads: Int { Int(threadNumbers) }

  func isLive(_ address: UInt64) -> Bool { table.slot(at: address) != nil }

  @inline(__always) private mutating func time(of record: mallometer_record) -> UInt64 {
    let ticks = record.time > spool.start ? record.time &- spool.start : 0
    let nanoseconds = UInt64(Double(ticks) * nanosecondsPerTick)
    if nanoseconds < lastTime { return lastTime }
    lastTime = nanoseconds
    return nanoseconds
  }

  private mutating func number(
    _ stream: inout ThreadStream, time: UInt64
  ) throws(TraceError) -> UInt16 {
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
    if number > 0 {
      try writer.append(Event(kind: .threadStart, thread: number, slot: 0, time: time))
    }
    return number
  }

  /// Appends the event or events that one record stands for.
  @inline(__always) mutating func append(
    _ record: mallometer_record, from stream: inout ThreadStream
  ) throws(TraceError) {
    let time = time(of: record)
    let thread: UInt16
    if let known = stream.number {
      thread = known
    } else {
      thread = try number(&stream, time: time)
    }
    let address = record.address & 0xFFFF_FFFF_FFFF
    let size = record.size_generation & 0xFFFF_FFFF_FFFF
    let kind = UInt32(truncatingIfNeeded: record.caller >> 48)
    if kind == mallometer_record_thread_end.rawValue {
      try endThread(&stream, thread, time)
      return
    }
    let site = try sites.number(
      of: record.caller & 0xFFFF_FFFF_FFFF, in: spool, writer: writer)
    switch kind {
    case mallometer_record_malloc.rawValue:
      try allocate(.malloc, address, size, 0, site, thread, time)
    case mallometer_record_free.rawValue:
      calls &+= 1
      if let slot = table.remove(address) {
        slots.free(slot)
        try writer.append(
          Event(kind: .free, thread: thread, slot: slot, time: time, site: site))
      } else {
        try foreignFree(site, thread, time)
      }
    case mallometer_record_calloc.rawValue:
      try allocate(.calloc, address, size, 0, site, thread, time)
    case mallometer_record_realloc_new.rawValue:
      try allocate(.realloc, address, size, 0, site, thread, time)
    case mallometer_record_aligned.rawValue:
      let alignment = UInt8(truncatingIfNeeded: record.address >> 48)
      try allocate(.aligned, address, size, min(alignment, 47), site, thread, time)
    case mallometer_record_realloc_from.rawValue:
      stream.reallocations.append(.init(address: address, slot: table.remove(address)))
    case mallometer_record_realloc_to.rawValue:
      try reallocate(&stream, to: address, size, site, thread, time)
    default:
      counters.unfinished += 1
    }
  }

  @inline(__always) private mutating func allocate(
    _ kind: EventKind, _ address: UInt64, _ size: UInt64, _ alignment: UInt8, _ site: UInt32,
    _ thread: UInt16, _ time: UInt64
  ) throws(TraceError) {
    try makeRoom(at: address, site, thread, time)
    let slot = slots.allocate()
    table.insert(address, slot: slot)
    calls &+= 1
    try writer.append(
      Event(
        kind: kind, alignmentLog2: alignment, thread: thread, slot: slot, size: size, time: time,
        site: site))
  }

  /// A block that was returned where another is live: that one's free was missed.
  @inline(__always) private mutating func makeRoom(
    at address: UInt64, _ site: UInt32, _ thread: UInt16, _ time: UInt64
  ) throws(TraceError) {
    guard let slot = table.remove(address) else { return }
    slots.free(slot)
    counters.impliedFrees += 1
    try writer.append(
      Event(kind: .impliedFree, thread: thread, slot: slot, time: time, site: site))
  }

  private mutating func foreignFree(
    _ site: UInt32, _ thread: UInt16, _ time: UInt64
  ) throws(TraceError) {
    counters.foreignFrees += 1
    try writer.append(
      Event(kind: .foreignFree, thread: thread, slot: 0, time: time, site: site))
  }

  private mutating func reallocate(
    _ stream: inout ThreadStream, to address: UInt64, _ size: UInt64, _ site: UInt32,
    _ thread: UInt16, _ time: UInt64
  ) throws(TraceError) {
    let old = stream.reallocations.popLast()
    if address == 0 {
      guard let old, let slot = old.slot else { return }
      if size > 0 {
        // It failed, so the old block is still there.
        if table.slot(at: old.address) == nil { table.insert(old.address, slot: slot) }
        return
      }
      calls += 1
      slots.free(slot)
      try writer.append(
        Event(kind: .free, thread: thread, slot: slot, time: time, site: site))
      return
    }
    guard let slot = old?.slot else {
      if old != nil { try foreignFree(site, thread, time) }
      try allocate(.realloc, address, size, 0, site, thread, time)
      return
    }
    try makeRoom(at: address, site, thread, time)
    table.insert(address, slot: slot)
    calls += 1
    try writer.append(
      Event(kind: .realloc, thread: thread, slot: slot, size: size, time: time, site: site))
  }

  private mutating func endThread(
    _ stream: inout ThreadStream, _ thread: UInt16, _ time: UInt64
  ) throws(TraceError) {
    stream.ended = true
    endedNumbers.append(thread)
    try writer.append(Event(kind: .threadEnd, thread: thread, slot: 0, time: time))
  }
}
