import Glibc
import Traces

/// Goes on with a trace whose drainer was killed.
///
/// The blocks that are whole are written once more into a new file, which brings the writer to where
/// it was; the checkpoint for their last event and the addresses beside it bring back the rest. Then
/// the new file takes the old one's place, and draining goes on as if nothing had happened: a
/// recovery that is itself killed can be recovered. Takes about as long as `info` on the trace.
enum RecordingRecovery {
  /// What was left of a trace.
  enum State: ~Copyable {
    /// Its footer is written: only the spool was left to remove.
    case whole(events: Int, threads: Int, bytes: UInt64)
    /// No block is in it: the spool has everything.
    case empty
    case resumable(Resumable)
  }

  struct Resumable: ~Copyable {
    var writer: TraceWriter
    var nanosecondsPerTick: Double
    var checkpoint: Checkpoint
    var slots: SlotStack
    var live: [(slot: UInt32, address: UInt64)]
  }

  /// - Throws: `TraceError` if the trace and its journal don't fit each other, or the new file
  ///   can't be written.
  static func open(trace path: String, journal: RecordingJournal) throws(TraceError) -> State {
    if access(path, F_OK) != 0 { return .empty }
    let reader: TraceReader
    do throws(TraceError) { reader = try TraceReader(path: path) } catch {
      if error.kind == .notATrace { return .empty }
      throw error
    }
    if reader.completeness.isComplete {
      return .whole(
        events: reader.eventCount, threads: reader.threads, bytes: reader.byteCount)
    }
    if reader.eventCount == 0 { return .empty }
    guard let checkpoint = try journal.restore(events: reader.eventCount) else {
      throw TraceError(
        .file, path: path,
        "has \(reader.eventCount) whole events, and no checkpoint beside its spool fits them",
        remedy: "its whole blocks can be read as they are")
    }
    return .resumable(try resume(reader, checkpoint, journal))
  }

  private static func resume(
    _ reader: TraceReader, _ checkpoint: Checkpoint, _ journal: RecordingJournal
  ) throws(TraceError) -> Resumable {
    let temporary = reader.path + ".recovering"
    let writer = try TraceWriter(path: temporary, header: reader.header)
    for module in reader.modules.dropFirst() { _ = try writer.moduleNumber(module) }
    for site in reader.sites.dropFirst() {
      _ = try writer.siteNumber(module: site.module, offset: site.offset)
    }
    var slots = SlotStack()
    var isLive = [Bool](repeating: false, count: reader.slots)
    var block = 0
    do {
      try reader.forEachBlock { events in
        try writer.append(contentsOf: events)
        for event in events {
          if event.kind.frees {
            slots.give(event.slot)
            isLive[Int(event.slot)] = false
          } else if event.kind.allocates && !isLive[Int(event.slot)] {
            slots.take()
            isLive[Int(event.slot)] = true
          }
        }
        while block < reader.blocks.count,
          reader.blocks[block].firstEvent + reader.blocks[block].events <= writer.eventCount
        {
          writer.minorFaults = reader.blocks[block].minorFaults
          writer.residentBytes = reader.blocks[block].residentBytes
          try writer.flush()
          block += 1
        }
      }
    } catch let error as TraceError {
      throw error
    } catch {
      throw TraceError(.file, path: reader.path, "can't be copied: \(error)")
    }
    guard rename(temporary, reader.path) == 0 else {
      throw TraceError(
        .file, path: reader.path, "can't be replaced: \(RecordingError.reason())")
    }
    // A block whose realloc is under way has left its address already.
    for reallocation in checkpoint.cursors.flatMap(\.reallocations) {
      if let slot = reallocation.slot, Int(slot) < isLive.count { isLive[Int(slot)] = false }
    }
    let live = isLive.indices.compactMap { slot -> (slot: UInt32, address: UInt64)? in
      let address = isLive[slot] ? journal.address(ofSlot: slot) : 0
      return address == 0 ? nil : (UInt32(slot), address)
    }
    return Resumable(
      writer: writer, nanosecondsPerTick: reader.header.timeStampGHz.map { 1 / $0 } ?? 1,
      checkpoint: checkpoint, slots: slots, live: live)
  }
}
