import CTraceFormat

/// One recorded thread's records, in the order in which it wrote them, across its chunks.
///
/// Two positions move along the chunks: up to where records are known to be published, and up to
/// where they were merged into the trace.
struct ThreadStream {
  typealias Record = mallometer_record

  /// A chunk of this thread and what is known of it.
  struct Part {
    var index: UInt32
    var sequence: UInt32
    var chunk: UnsafeMutablePointer<mallometer_chunk>
    var records: UnsafeMutablePointer<Record>
    var generation: UInt64

    /// Records that it can hold: lowered when its thread ends.
    var limit: Int { Int(chunkLimit(chunk)) }
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
  var lastPublishedTime: UInt64 = 0
  /// Last scan at which nothing was under way.
  var idleAt: UInt64 = 0
  /// Since when a reserved record hasn't been published although later ones were.
  var holeSince: UInt64 = 0
  var available = 0

  var readPart = 0
  var readIndex = 0
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
      while publishedIndex < reserved {
        let record = part.records + publishedIndex
        if published(record, part.generation) {
          lastPublishedTime = max(lastPublishedTime, record.pointee.time)
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

  @inline(__always) private func published(
    _ record: UnsafeMutablePointer<Record>, _ generation: UInt64
  ) -> Bool {
    recordWord(record) & 0xFFFF_0000_0000_0000 == generation
  }

  /// The next record to merge; only valid while `available` isn't 0.
  @inline(__always) var head: UnsafeMutablePointer<Record> {
    parts[readPart].records + readIndex
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

@inline(__always) func recordWord(_ record: UnsafeMutablePointer<mallometer_record>) -> UInt64 {
  mallometer_load64(UnsafeRawPointer(record).assumingMemoryBound(to: UInt64.self) + 3)
}
