import CTraceFormat

/// One recorded thread's records, in the order in which it wrote them, across its chunks.
///
/// Two positions move along the chunks: up to where records are known to be published, and up to
/// where they were merged into the trace.
struct ThreadStream {
  /// A chunk of this thread and what is known of it.
  struct Part {
    var index: UInt32
    var sequence: UInt32
    var chunk: UnsafeMutablePointer<mallometer_chunk>
    var records: SpoolRecord
    var generation: UInt64
    /// Upper half of the first record's time stamp, in its place.
    var epoch: UInt64

    init(_ chunk: UnsafeMutablePointer<mallometer_chunk>, records: SpoolRecord, index: UInt32) {
      self.index = index
      self.chunk = chunk
      self.records = records
      sequence = chunk.pointee.sequence
      generation = UInt64(chunk.pointee.generation)
      epoch = UInt64(chunk.pointee.epoch) << 32
    }

    /// Records that it can hold: lowered when its thread ends.
    var limit: Int { Int(chunkLimit(chunk)) }

    /// The epoch that holds behind its first records.
    func epoch(behind count: Int) -> UInt64 {
      var epoch = epoch
      for index in 0..<min(count, limit) {
        let head = RecordHead((records + index).publishedHead)
        if head.isPublished(in: generation), head.kind == mallometer_record_epoch.rawValue {
          epoch = records[index].block << 32
        }
      }
      return epoch
    }
  }

  /// A realloc between its two records.
  struct Reallocation: Equatable {
    var address: UInt64
    /// Nil if the old block was never seen allocated.
    var slot: UInt32?
  }

  /// The recorder's number of the thread.
  let raw: UInt32
  /// The trace's number; nil until its first record is merged.
  var number: UInt16?
  var parts: [Part] = []
  /// Parts seen out of order wait here.
  var early: [Part] = []
  var nextSequence: UInt32 = 0

  var publishedPart = 0
  var publishedIndex = 0
  var publishedEpoch: UInt64 = 0
  var lastPublishedTime: UInt64 = 0
  /// Last scan at which nothing was under way.
  var idleAt: UInt64 = 0
  /// Since when a reserved record hasn't been published although later ones were.
  var holeSince: UInt64 = 0
  /// Records between the two positions.
  var available = 0

  var readPart = 0
  var readIndex = 0
  /// Holds where the merge stands, but for a part's beginning: see `readEpoch`.
  var epoch: UInt64 = 0
  var reallocations: [Reallocation] = []
  var ended = false

  init(raw: UInt32) { self.raw = raw }

  /// A stream whose records before the cursor are in the trace.
  init(_ cursor: Checkpoint.Cursor, idleAt: UInt64) {
    raw = cursor.raw
    number = cursor.number
    ended = cursor.ended
    reallocations = cursor.reallocations
    nextSequence = cursor.sequence
    readIndex = Int(cursor.index)
    publishedIndex = readIndex
    self.idleAt = idleAt
  }

  /// Where the merge stands.
  var cursor: Checkpoint.Cursor {
    .init(
      raw: raw, number: number, ended: ended,
      sequence: readPart < parts.count ? parts[readPart].sequence : nextSequence,
      index: UInt32(readIndex), reallocations: reallocations)
  }

  mutating func add(_ part: Part) {
    early.append(part)
    while let position = early.firstIndex(where: { $0.sequence == nextSequence }) {
      if parts.isEmpty && readIndex > 0 {
        // The chunk in which an earlier drainer stopped.
        epoch = early[position].epoch(behind: readIndex)
        publishedEpoch = epoch
      }
      parts.append(early.remove(at: position))
      nextSequence += 1
    }
  }

  /// Moves the published position as far as records are there.
  ///
  /// - Parameters:
  ///   - start: A time stamp taken before the chunks were looked for.
  ///   - skipHoles: Whether reserved records that were never written are left out: their thread was
  ///     killed, or a signal handler never came back to it.
  /// - Returns: The time up to which nothing of this thread can still turn up.
  mutating func scan(start: UInt64, skipHoles: Bool, holes: inout Int) -> UInt64 {
    while publishedPart < parts.count {
      let part = parts[publishedPart]
      let limit = Int(chunkLimit(part.chunk))
      let reserved = min(Int(chunkNext(part.chunk)), limit)
      if publishedIndex == 0 { publishedEpoch = part.epoch }
      while publishedIndex < reserved {
        let record = part.records + publishedIndex
        let head = RecordHead(record.publishedHead)
        if head.isPublished(in: part.generation) {
          if head.isLong && publishedIndex + 1 < reserved {
            publishedIndex += 1
            available += 1
          } else if head.kind == mallometer_record_epoch.rawValue {
            publishedEpoch = record.pointee.block << 32
          }
          if head.kind != mallometer_record_filler.rawValue {
            lastPublishedTime = max(lastPublishedTime, head.time(in: publishedEpoch))
          }
          available += 1
        } else if skipHoles {
          // The merge skips it likewise: its generation is wrong.
          available += 1
          holes += 1
        } else {
          return max(lastPublishedTime, idleAt)
        }
        publishedIndex += 1
      }
      if publishedIndex < limit || publishedPart + 1 == parts.count { break }
      publishedPart += 1
      publishedIndex = 0
    }
    if !early.isEmpty { return max(lastPublishedTime, idleAt) }
    idleAt = start
    return start
  }

  /// The next record to merge; only valid while `available` isn't 0.
  @inline(__always) var head: SpoolRecord { parts[readPart].records + readIndex }

  /// The epoch that holds for it.
  @inline(__always) var readEpoch: UInt64 { readIndex == 0 ? parts[readPart].epoch : epoch }

  /// Its time stamp; 0 if it stands for no call, so that it is passed over at once.
  @inline(__always) var headTime: UInt64 {
    let word = RecordHead(head.publishedHead)
    guard word.isPublished(in: parts[readPart].generation), !word.isMark else { return 0 }
    return word.time(in: readEpoch)
  }

  /// Records from the next one up to, and with, a call that allocates or frees a block at an
  /// address; nil if there is none before a time.
  ///
  /// - Parameter most: Records looked at.
  func records(
    until address: UInt64, frees: Bool, before limit: UInt64, among most: Int
  ) -> Int? {
    var part = readPart
    var position = readIndex
    var epoch = readEpoch
    var passed = 0
    while passed < min(available, most) {
      let record = parts[part].records + position
      let head = RecordHead(record.publishedHead)
      var length = 1
      if head.isPublished(in: parts[part].generation) {
        if head.kind == mallometer_record_epoch.rawValue { epoch = record.pointee.block << 32 }
        if !head.isMark && !(head.isLong && passed + 1 >= available) {
          if head.time(in: epoch) > limit { return nil }
          let call = RecordedCall(record)
          length = call.length
          if call.address == address && call.frees == frees { return passed + length }
        }
      }
      passed += length
      position += length
      if position >= parts[part].limit, part + 1 < parts.count {
        part += 1
        position = 0
        epoch = parts[part].epoch
      }
    }
    return nil
  }
}

@inline(__always) private func chunkNext(_ chunk: UnsafeMutablePointer<mallometer_chunk>) -> UInt32
{
  mallometer_load32(UnsafeRawPointer(chunk).assumingMemoryBound(to: UInt32.self))
}

@inline(__always) private func chunkLimit(
  _ chunk: UnsafeMutablePointer<mallometer_chunk>
) -> UInt32 {
  min(
    mallometer_load32(UnsafeRawPointer(chunk).assumingMemoryBound(to: UInt32.self) + 1),
    UInt32(MALLOMETER_CHUNK_RECORDS))
}
