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
  /// Merged chunks whose events aren't all in the file yet.
  private var merged: [Checkpoint.Merged] = []
  /// Chunks that an earlier drainer merged and didn't give back.
  private var mergedBefore: Set<Checkpoint.Merged> = []
  private let journal: RecordingJournal
  private var mergedUpTo: UInt64 = 0
  private let maximumEvents: Int?
  /// The recording was cut short at the maximum that was asked for.
  private(set) var stopped = false
  private(set) var pageFaults: UInt64 = 0
  private let ticksPerMicrosecond: UInt64

  init(
    spool: SpoolFile, writer: TraceWriter, journal: RecordingJournal, nanosecondsPerTick: Double,
    maximumEvents: Int?
  ) {
    self.spool = spool
    self.writer = writer
    self.journal = journal
    self.maximumEvents = maximumEvents
    ticksPerMicrosecond = UInt64(1000 / nanosecondsPerTick)
    assembler = EventAssembler(
      writer: writer, spool: spool, journal: journal, nanosecondsPerTick: nanosecondsPerTick)
  }

  /// Takes up where an earlier drainer stopped: see `RecordingRecovery`.
  func resume(
    _ checkpoint: Checkpoint, slots: consuming SlotStack, live: [(slot: UInt32, address: UInt64)]
  ) throws(TraceError) {
    assembler.resume(checkpoint, slots: slots, live: live)
    mergedUpTo = checkpoint.mergedUpTo
    pageFaults = checkpoint.pageFaults
    mergedBefore = Set(checkpoint.merged)
    for cursor in checkpoint.cursors {
      positions[cursor.raw] = threads.count
      threads.append(ThreadStream(cursor, idleAt: mergedUpTo))
    }
    // Before anything is taken for a thread's end: its last chunk may not be given back yet.
    findChunks()
    if let maximumEvents, assembler.calls >= maximumEvents { try stop() }
  }

  /// Records merged at a time, so that others get their turn: a run more at most.
  private static let passRecords = 1 << 17

  /// Whether more than half of the spool waits to be drained, or a thread waits for a chunk.
  var isFillingUp: Bool {
    spool.hasWaiters || attached.count { $0 } > Int(spool.base.pointee.max_chunks) / 2
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
    // A merge that was cut short leaves earlier records for the next pass.
    if count < Self.passRecords { mergedUpTo = max(mergedUpTo, ended ? 0 : upTo) }
    // A small spool may be full before a block is.
    if spool.hasWaiters && !merged.isEmpty { try commit() }
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
      if let known = mergedBefore.remove(
        .init(chunk: index, thread: chunk.pointee.thread, sequence: chunk.pointee.sequence))
      {
        merged.append(known)
        continue
      }
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
      threads[position].add(.init(chunk, records: records, index: index))
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
        let time = threads[active[position]].headTime
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
      if stopped || count >= Self.passRecords { return count }
      if threads[index].available == 0 { active.remove(at: first) }
    }
    return count
  }

  /// Takes one thread's records while they are the earliest.
  private func takeRun(from index: Int, upTo: UInt64, alone: Bool) throws(TraceError) -> Int {
    var count = 0
    while threads[index].available > 0, count < Self.passRecords {
      let (taken, end) = try take(from: index, upTo: upTo, alone: alone)
      count += taken
      if stopped || end == .bound { break }
      if end == .disputed {
        let time = threads[index].headTime
        try takeOther(than: index, time: time)
        if stopped { break }
        count += try take(from: index, upTo: time, atMost: 1, alone: true).taken
        if stopped { break }
      }
    }
    return count
  }

  /// Takes records of a thread from its current chunk, and writes a block where one is full.
  private func take(
    from index: Int, upTo: UInt64, atMost: Int = EventAssembler.runRecords, alone: Bool
  ) throws(TraceError) -> (taken: Int, end: EventAssembler.RunEnd) {
    if writer.roomInBlock < 2 * EventAssembler.spareEvents || journal.isNearlyFull { try commit() }
    let part = threads[index].parts[threads[index].readPart]
    let place = threads[index].readIndex
    threads[index].epoch = threads[index].readEpoch
    let room = min(threads[index].available, part.limit - place)
    var count = min(atMost, room, writer.roomInBlock - EventAssembler.spareEvents)
    if let maximumEvents { count = min(count, maximumEvents - assembler.calls) }
    let (taken, end) = try assembler.append(
      run: part.records + place, count: count, room: room, generation: part.generation,
      upTo: upTo, mergedUpTo: mergedUpTo, alone: alone, from: &threads[index])
    threads[index].available -= taken
    threads[index].readIndex += taken
    if threads[index].readIndex >= part.limit { finishPart(index) }
    if let maximumEvents, assembler.calls >= maximumEvents { try stop() }
    return (taken, end)
  }

  private func finishPart(_ index: Int) {
    let part = threads[index].readPart
    let finished = threads[index].parts[part]
    merged.append(
      .init(chunk: finished.index, thread: threads[index].raw, sequence: finished.sequence))
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
  private func takeOther(than index: Int, time: UInt64) throws(TraceError) {
    let call = RecordedCall(threads[index].head)
    try takeOther(than: index, until: call.address, gives: !call.frees, before: time)
  }

  @inline(never) private func takeOther(
    than index: Int, until address: UInt64, gives: Bool, before time: UInt64
  ) throws(TraceError) {
    let limit = time + 5 * ticksPerMicrosecond
    for other in threads.indices where other != index {
      guard
        let count = threads[other].records(
          until: address, frees: gives, before: limit, among: 128)
      else { continue }
      var left = count
      while left > 0, !stopped {
        left -= try take(from: other, upTo: .max, atMost: left, alone: true).taken
      }
      assembler.counters.reordered += 1
      return
    }
  }

  private func stop() throws(TraceError) {
    stopped = true
    // What is discarded from now on can't be read again.
    try commit()
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

  /// Writes the events so far as a block, and gives the chunks back that it holds.
  ///
  /// Whenever this process is killed, another can go on: before the block is written, a checkpoint
  /// tells what comes after it, and no chunk is given back before the block is in the file.
  func commit() throws(TraceError) {
    guard writer.eventsInBlock > 0 else { return }
    try journal.prepare(checkpoint())
    try writer.flush()
    journal.apply()
    guard !merged.isEmpty else { return }
    let states = spool.chunkStates
    for part in merged {
      attached[Int(part.chunk)] = false
      mallometer_store32(states + Int(part.chunk), mallometer_chunk_free.rawValue)
    }
    merged.removeAll(keepingCapacity: true)
    spool.announceReleased()
  }

  private func checkpoint() -> Checkpoint {
    var checkpoint = Checkpoint()
    checkpoint.events = writer.eventCount
    checkpoint.calls = assembler.calls
    checkpoint.lastTime = assembler.lastTime
    checkpoint.mergedUpTo = mergedUpTo
    checkpoint.pageFaults = pageFaults
    checkpoint.threadNumbers = UInt32(assembler.threads)
    checkpoint.counters = assembler.counters
    checkpoint.endedNumbers = Array(assembler.endedNumbers[assembler.endedNumbersUsed...])
    checkpoint.cursors = threads.map(\.cursor)
    checkpoint.merged = merged
    return checkpoint
  }
}
