import CTraceFormat

/// What a drainer must know, besides the trace and the spool, to go on after a block of the trace.
///
/// Written before the block, and valid once the trace has as many events as it says.
struct Checkpoint: Equatable {
  /// Where the merge stands in one thread's records.
  struct Cursor: Equatable {
    /// The recorder's number of the thread.
    var raw: UInt32
    /// The trace's; nil before its first record.
    var number: UInt16?
    var ended: Bool
    /// The chunk of its stream from which the next record comes, and the record in it.
    var sequence: UInt32
    var index: UInt32
    var reallocations: [ThreadStream.Reallocation]
  }

  /// A chunk whose records are all in the trace and that may not have been given back.
  struct Merged: Hashable {
    var chunk: UInt32
    var thread: UInt32
    var sequence: UInt32
  }

  /// A slot and the address of the block in it; 0 if it has none that is known.
  struct Assignment: Equatable {
    var slot: UInt32
    var address: UInt64
  }

  /// Counts checkpoints: of two for the same event the later one holds.
  var serial: UInt64 = 0
  /// Events in the trace, with the block that follows this checkpoint.
  var events = 0
  var calls = 0
  var lastTime: UInt64 = 0
  var mergedUpTo: UInt64 = 0
  var pageFaults: UInt64 = 0
  var threadNumbers: UInt32 = 0
  var counters = RecordingCounters()
  /// Numbers of ended threads that haven't been used again.
  var endedNumbers: [UInt16] = []
  var cursors: [Cursor] = []
  var merged: [Merged] = []
  /// What the block's allocations did, in their order.
  var assignments: [Assignment] = []

  private static let magic: UInt64 = 0x3154_504B_4354_4C4D
  private static let fixedWords = 18
  private static let noSlot = UInt64(UInt32.max)

  /// Everything but the assignments as words of 64 bits, with room for those behind it.
  func encoded(
    slots: UnsafeBufferPointer<UInt32>, addresses: UnsafeBufferPointer<UInt64>
  ) -> [UInt64] {
    var words: [UInt64] = [
      Self.magic, serial, UInt64(events), UInt64(calls), lastTime, mergedUpTo, pageFaults,
      UInt64(threadNumbers), counters.foreignFrees, counters.impliedFrees, counters.reordered,
      counters.late, counters.unfinished, UInt64(endedNumbers.count), UInt64(cursors.count),
      UInt64(merged.count), UInt64(addresses.count), 0,
    ]
    words.reserveCapacity(
      words.count + endedNumbers.count + 4 * cursors.count + 2 * merged.count
        + 2 * addresses.count + 1)
    for number in endedNumbers { words.append(UInt64(number)) }
    for cursor in cursors {
      words.append(
        UInt64(cursor.raw) | (cursor.number.map { UInt64($0) + 1 } ?? 0) << 32
          | (cursor.ended ? 1 << 63 : 0))
      words.append(UInt64(cursor.sequence) | UInt64(cursor.index) << 32)
      words.append(UInt64(cursor.reallocations.count))
      for reallocation in cursor.reallocations {
        words.append(reallocation.address)
        words.append(reallocation.slot.map { UInt64($0) } ?? Self.noSlot)
      }
    }
    for chunk in merged {
      words.append(UInt64(chunk.chunk))
      words.append(UInt64(chunk.thread) | UInt64(chunk.sequence) << 32)
    }
    words.append(contentsOf: addresses)
    for slot in slots { words.append(UInt64(slot)) }
    words[Self.fixedWords - 1] = UInt64(words.count + 1)
    words.append(serial)
    return words
  }

  init() {}

  /// Reads what `encoded` wrote; nil for anything else, cut or mixed.
  init?(_ words: [UInt64]) {
    guard words.count > Self.fixedWords, words[0] == Self.magic,
      let total = Int(exactly: words[Self.fixedWords - 1]), total <= words.count,
      total > Self.fixedWords, words[total - 1] == words[1],
      let events = Int(exactly: words[2]), let calls = Int(exactly: words[3]),
      let threads = UInt32(exactly: words[7])
    else { return nil }
    serial = words[1]
    self.events = events
    self.calls = calls
    lastTime = words[4]
    mergedUpTo = words[5]
    pageFaults = words[6]
    threadNumbers = threads
    counters = RecordingCounters(
      foreignFrees: words[8], impliedFrees: words[9], reordered: words[10], late: words[11],
      unfinished: words[12])
    var rest = words[Self.fixedWords..<(total - 1)]
    for _ in 0..<words[13] {
      guard let word = rest.popFirst() else { return nil }
      endedNumbers.append(UInt16(truncatingIfNeeded: word))
    }
    for _ in 0..<words[14] {
      guard let name = rest.popFirst(), let place = rest.popFirst(), let count = rest.popFirst()
      else { return nil }
      let number = name >> 32 & 0x7FFF_FFFF
      var cursor = Cursor(
        raw: UInt32(truncatingIfNeeded: name),
        number: number == 0 ? nil : UInt16(truncatingIfNeeded: number - 1),
        ended: name >> 63 != 0, sequence: UInt32(truncatingIfNeeded: place),
        index: UInt32(truncatingIfNeeded: place >> 32), reallocations: [])
      guard cursor.index <= MALLOMETER_CHUNK_RECORDS else { return nil }
      for _ in 0..<count {
        guard let address = rest.popFirst(), let slot = rest.popFirst() else { return nil }
        cursor.reallocations.append(
          .init(
            address: address,
            slot: slot == Self.noSlot ? nil : UInt32(truncatingIfNeeded: slot)))
      }
      cursors.append(cursor)
    }
    for _ in 0..<words[15] {
      guard let chunk = rest.popFirst(), let owner = rest.popFirst() else { return nil }
      merged.append(
        Merged(
          chunk: UInt32(truncatingIfNeeded: chunk), thread: UInt32(truncatingIfNeeded: owner),
          sequence: UInt32(truncatingIfNeeded: owner >> 32)))
    }
    guard let count = Int(exactly: words[16]), rest.count == 2 * count else { return nil }
    let first = rest.startIndex
    assignments = (0..<count).map {
      Assignment(
        slot: UInt32(truncatingIfNeeded: rest[first + count + $0]), address: rest[first + $0])
    }
  }
}
