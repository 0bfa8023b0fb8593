import CTraceFormat
import Traces

/// One process image being recorded: merges its threads in the order of their time stamps and
/// writes its trace.
final class ImageStream {
  let spool: SpoolFile
  let writer: TraceWriter
  private(set) var assembler: EventAssembler
  private var threads: [ThreadStream] = []
  /// Position in `threads` by the recorder's number.
  private var positions: [UInt32: Int] = [:]
  private var attached: [Bool] = []
  /// Merged chunks whose events aren't in the file yet, with the event count that must be.
  private var merged: [(chunk: UInt32, events: Int)] = []
  private var committedEvents = 0
  private var committedBytes: UInt64 = 0
  private var mergedUpTo: UInt64 = 0
  private let maximumEvents: Int?
  /// The recording was cut short at the maximum that was asked for.
  private(set) var stopped = false
  private(set) var pageFaults: UInt64 = 0
  private let ticksPerMicrosecond: UInt64

  init(
    spool: SpoolFile, writer: TraceWriter, nanosecondsPerTick: Double, maximumEvents: Int?
  ) {
    self.spool = spool
    self.writer = writer
    self.maximumEvents = maximumEvents
    ticksPerMicrosecond = UInt64(1000 / nanosecondsPerTick)
    assembler = EventAssembler(
      writer: writer, spool: spool, nanosecondsPerTick: nanosecondsPerTick)
  }

  /// Threads seen so far.
  var threadCount: Int { assembler.threads }

  /// Merges what is there. Returns how many records were.
  ///
  /// - Parameters:
  ///   - now: The time stamp before this call.
  ///   - ended: The process image is gone: what was begun and not finished never will be.
  func drain(now: UInt64, ended: Bool) throws(TraceError) -> Int {
    // A store becomes visible some time after the stamp that follows it was taken.
    let start = now - 10 * ticksPerMicrosecond
    forgetEndedThreads()
    findChunks()
    if stopped { return discard() }
    var upTo = UInt64.max
    var holes = 0
    for index in threads.indices where !(threads[index].ended && !ended) {
      upTo = min(upTo, scan(index, start: start, now: now, ended: ended, holes: &holes))
    }
    assembler.counters.unfinished += UInt64(holes)
    // A processor may take the stamp of a free ahead of the load that told it the address: such
    // pairs are put right as long as both are at hand.
    let margin = ended ? 0 : 5 * ticksPerMicrosecond
    upTo = ended ? UInt64.max : max(upTo, margin) - margin
    assembler.sites.noteModules(of: spool)
    let count = try merge(upTo: upTo)
    mergedUpTo = max(mergedUpTo, ended ? 0 : upTo)
    releaseCommitted()
    return count
  }

  /// A thread that ended gives its last chunk back, partly filled, and leaves the merge.
  private func forgetEndedThreads() {
    guard threads.contains(where: \.ended) else { return }
    for index in threads.indices where threads[index].ended {
      while threads[index].readPart < threads[index].parts.count,
        threads[index].readIndex
          >= Int(threads[index].parts[threads[index].readPart].chunk.pointee.limit)
      {
        finishPart(index)
      }
    }
    threads.removeAll { $0.ended && $0.readPart >= $0.parts.count }
    positions.removeAll(keepingCapacity: true)
    for index in threads.indices { positions[threads[index].raw] = index }
  }

  private func scan(
    _ index: Int, start: UInt64, now: UInt64, ended: Bool, holes: inout Int
  ) -> UInt64 {
    let before = threads[index].available
    var bound = threads[index].scan(start: start, skipHoles: ended, holes: &holes)
    if bound == start || ended || threads[index].available != before {
      threads[index].holeSince = 0
      return bound
    }
    // Reserved and not written. A preempted thread comes back; one whose signal handler jumped
    // away doesn't, and must not hold up everyone.
    if threads[index].holeSince == 0 { threads[index].holeSince = now }
    if now - threads[index].holeSince > 2_000_000 * ticksPerMicrosecond {
      bound = threads[index].scan(start: start, skipHoles: true, holes: &holes)
    }
    return bound
  }

  private func findChunks() {
    let grown = spool.grown
    while attached.count < Int(grown) { attached.append(false) }
    let states = spool.chunkStates
    for index in 0..<grown where !attached[Int(index)] {
      guard mallometer_load32(states + Int(index)) == mallometer_chunk_owned.rawValue else {
        continue
      }
      attached[Int(index)] = true
      let chunk = spool.chunk(index)
      pageFaults = max(pageFaults, chunk.pointee.page_faults)
      let raw = chunk.pointee.thread
      let position: Int
      if let known = positions[raw] {
        position = known
      } else {
        position = threads.count
        positions[raw] = position
        threads.append(ThreadStream(raw: raw))
        threads[position].idleAt = mergedUpTo
      }
      // The records follow their chunk's head.
      guard let records = mallometer_chunk_records(chunk) else { continue }
      threads[position].add(
        .init(
          index: index, sequence: chunk.pointee.sequence, chunk: chunk, records: records,
          generation: UInt64(chunk.pointee.generation) << 48))
    }
  }

  private func merge(upTo: UInt64) throws(TraceError) -> Int {
    var active: [Int] = []
    for index in threads.indices where threads[index].available > 0 { active.append(index) }
    var count = 0
    while !active.isEmpty {
      var first = -1
      var firstTime = UInt64.max
      var secondTime = UInt64.max
      for position in active.indices {
        let time = threads[active[position]].head.pointee.time
        if time < firstTime || first < 0 {
          secondTime = firstTime
          firstTime = time
          first = position
        } else if time < secondTime {
          secondTime = time
        }
      }
      if firstTime > upTo { break }
      let index = active[first]
      count += try takeRun(
        from: index, upTo: min(upTo, secondTime), alone: active.count == 1)
      if stopped { return count }
      if threads[index].available == 0 { active.remove(at: first) }
    }
    return count
  }

  /// Takes one thread's records while they are the earliest.
  private func takeRun(from index: Int, upTo: UInt64, alone: Bool) throws(TraceError) -> Int {
    var count = 0
    while threads[index].available > 0 {
      let record = threads[index].head
      if record.pointee.time > upTo && count > 0 { break }
      if !alone { try putRight(record.pointee, of: index) }
      try take(index)
      count += 1
      if stopped { break }
    }
    return count
  }

  /// Takes the next record of a thread.
  @inline(__always) private func take(_ index: Int) throws(TraceError) {
    let part = threads[index].parts[threads[index].readPart]
    let record = part.records[threads[index].readIndex]
    if record.size_generation & 0xFFFF_0000_0000_0000 == part.generation {
      if record.time < mergedUpTo { assembler.counters.late += 1 }
      try assembler.append(record, from: &threads[index])
      if let maximumEvents, assembler.calls >= maximumEvents { stop() }
    }
    advance(index, part)
  }

  @inline(__always) private func advance(_ index: Int, _ part: ThreadStream.Part) {
    threads[index].available -= 1
    threads[index].readIndex += 1
    if threads[index].readIndex >= Int(part.chunk.pointee.limit) { finishPart(index) }
    if writer.byteCount != committedBytes {
      committedBytes = writer.byteCount
      committedEvents = writer.eventCount
    }
  }

  private func finishPart(_ index: Int) {
    let part = threads[index].readPart
    merged.append((threads[index].parts[part].index, writer.eventCount))
    threads[index].readPart += 1
    threads[index].readIndex = 0
    if threads[index].readPart > 64 || threads[index].readPart == threads[index].parts.count {
      // Parts behind are done with; positions move along.
      let done = min(threads[index].readPart, threads[index].publishedPart)
      threads[index].parts.removeFirst(done)
      threads[index].readPart -= done
      threads[index].publishedPart -= done
    }
  }

  /// A free that isn't known although another thread's allocation of it comes within microseconds,
  /// or an allocation on an address that another thread is just freeing: takes the other one first.
  @inline(__always) private func putRight(
    _ record: mallometer_record, of index: Int
  ) throws(TraceError) {
    let kind = UInt32(truncatingIfNeeded: record.caller >> 48)
    let address = record.address & 0xFFFF_FFFF_FFFF
    if address == 0 || kind == mallometer_record_thread_end.rawValue { return }
    let gives =
      kind == mallometer_record_free.rawValue || kind == mallometer_record_realloc_from.rawValue
    if assembler.isLive(address) == gives { return }
    try takeOther(than: index, until: address, gives: !gives, before: record.time)
  }

  @inline(never) private func takeOther(
    than index: Int, until address: UInt64, gives: Bool, before time: UInt64
  ) throws(TraceError) {
    let limit = time + 5 * ticksPerMicrosecond
    for other in threads.indices where other != index {
      var part = threads[other].readPart
      var position = threads[other].readIndex
      for ahead in 0..<min(threads[other].available, 128) {
        let record = threads[other].parts[part].records[position]
        if record.time > limit { break }
        let kind = UInt32(truncatingIfNeeded: record.caller >> 48)
        let frees =
          kind == mallometer_record_free.rawValue || kind == mallometer_record_realloc_from.rawValue
        if record.address & 0xFFFF_FFFF_FFFF == address && frees == gives {
          for _ in 0...ahead { try take(other) }
          assembler.counters.reordered += 1
          return
        }
        position += 1
        if position >= Int(threads[other].parts[part].chunk.pointee.limit) {
          part += 1
          position = 0
        }
      }
    }
  }

  private func stop() {
    stopped = true
    spool.stop()
    spool.announceReleased()
  }

  /// After the maximum: gives every chunk back unread.
  private func discard() -> Int {
    merged.removeAll()
    let states = spool.chunkStates
    var count = 0
    for index in attached.indices where attached[index] {
      attached[index] = false
      mallometer_store32(states + index, mallometer_chunk_free.rawValue)
      count += 1
    }
    if count > 0 { spool.announceReleased() }
    threads.removeAll()
    positions.removeAll()
    return 0
  }

  /// Gives chunks back whose events are in the file.
  private func releaseCommitted() {
    var count = 0
    let states = spool.chunkStates
    while count < merged.count, merged[count].events <= committedEvents {
      let chunk = merged[count].chunk
      attached[Int(chunk)] = false
      mallometer_store32(states + Int(chunk), mallometer_chunk_free.rawValue)
      count += 1
    }
    guard count > 0 else { return }
    merged.removeFirst(count)
    spool.announceReleased()
  }
}
