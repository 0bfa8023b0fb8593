import CTraceFormat
import Testing

@testable import Recording

/// A thread's raw records, written by hand as the recorder writes them.
@Suite final class ThreadStreamTests {
  private let memory = UnsafeMutableRawPointer.allocate(
    byteCount: Int(MALLOMETER_CHUNK_BYTES), alignment: 64)
  private let chunk: UnsafeMutablePointer<mallometer_chunk>
  private let records: SpoolRecord
  private let generation: UInt64 = 7

  init() {
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: Int(MALLOMETER_CHUNK_BYTES))
    chunk = memory.bindMemory(to: mallometer_chunk.self, capacity: 1)
    chunk.pointee.limit = MALLOMETER_CHUNK_RECORDS
    chunk.pointee.generation = UInt32(generation)
    chunk.pointee.epoch = 3
    records = (memory + 64).bindMemory(
      to: mallometer_record.self, capacity: Int(MALLOMETER_CHUNK_RECORDS))
  }

  deinit { memory.deallocate() }

  private func write(
    _ kind: mallometer_record_kind, time: UInt64, block: UInt64, site: UInt64 = 0,
    isLong: Bool = false, generation: UInt64? = nil
  ) {
    let kind = UInt64(kind.rawValue) | (isLong ? UInt64(mallometer_record_long.rawValue) : 0)
    records[Int(chunk.pointee.next)] = mallometer_record(
      head: (generation ?? self.generation) << 56 | kind << 48 | site << 32 | time, block: block)
    chunk.pointee.next += 1
  }

  private func writeTail(size: UInt64, caller: UInt64, alignmentLog2: UInt64) {
    records[Int(chunk.pointee.next)] = mallometer_record(
      head: size, block: caller | alignmentLog2 << 48)
    chunk.pointee.next += 1
  }

  private func stream() -> ThreadStream {
    var stream = ThreadStream(raw: 0)
    stream.add(.init(chunk, records: records, index: 0))
    return stream
  }

  private func writeStory() {
    write(mallometer_record_malloc, time: 10, block: 0x7FFF_1234_5678 << 17 | 77, site: 5)
    write(mallometer_record_epoch, time: 11, block: 4)
    write(mallometer_record_aligned, time: 12, block: 0x5555_0000_0001, isLong: true)
    writeTail(size: 5 << 30, caller: 0x7F00_0000_0042, alignmentLog2: 12)
    write(mallometer_record_filler, time: 0, block: 0)
    write(mallometer_record_free, time: 13, block: 0x7FFF_1234_5678 << 17, site: 6)
  }

  @Test func takesRecordsApart() {
    writeStory()
    let short = RecordedCall(records)
    #expect(short.kind == mallometer_record_malloc.rawValue)
    #expect(short.address == 0x7FFF_1234_5678)
    #expect(short.size == 77)
    #expect(short.length == 1)
    guard case .numbered(5) = short.site else {
      Issue.record("\(short.site)")
      return
    }
    let long = RecordedCall(records + 2)
    #expect(long.kind == mallometer_record_aligned.rawValue)
    #expect(long.address == 0x5555_0000_0001)
    #expect(long.size == 5 << 30)
    #expect(long.alignmentLog2 == 12)
    #expect(long.length == 2)
    guard case .at(0x7F00_0000_0042) = long.site else {
      Issue.record("\(long.site)")
      return
    }
  }

  @Test func findsWhatIsPublishedAndItsTimes() {
    writeStory()
    var stream = stream()
    var holes = 0
    #expect(stream.scan(start: 99 << 32, skipHoles: false, holes: &holes) == 99 << 32)
    #expect(stream.available == 6)
    #expect(stream.lastPublishedTime == 4 << 32 | 13)
    #expect(stream.headTime == 3 << 32 | 10)
    #expect(stream.records(until: 0x5555_0000_0001, frees: false, before: .max, among: 9) == 4)
    #expect(stream.records(until: 0x7FFF_1234_5678, frees: true, before: .max, among: 9) == 6)
    #expect(
      stream.records(until: 0x7FFF_1234_5678, frees: true, before: 4 << 32 | 12, among: 9) == nil)
    #expect(stream.records(until: 0x7FFF_1234_5678, frees: true, before: .max, among: 4) == nil)
    stream.readIndex = 1
    #expect(stream.headTime == 0, "an epoch's beginning is no call")
  }

  @Test func stopsAtWhatIsNotWritten() {
    writeStory()
    write(mallometer_record_free, time: 14, block: 16 << 17, generation: generation - 1)
    write(mallometer_record_free, time: 15, block: 32 << 17)
    var stream = stream()
    var holes = 0
    #expect(stream.scan(start: 99 << 32, skipHoles: false, holes: &holes) == 4 << 32 | 13)
    #expect(stream.available == 6)
    #expect(stream.scan(start: 99 << 32, skipHoles: true, holes: &holes) == 99 << 32)
    #expect(stream.available == 8)
    #expect(holes == 1)
  }

  @Test func goesOnInTheEpochInWhichAnotherStopped() {
    writeStory()
    for (index, epoch) in [(1, UInt64(3)), (2, 4), (5, 4)] {
      let cursor = Checkpoint.Cursor(
        raw: 0, number: 0, ended: false, sequence: 0, index: UInt32(index), reallocations: [])
      var stream = ThreadStream(cursor, idleAt: 0)
      stream.add(.init(chunk, records: records, index: 0))
      #expect(stream.readEpoch == epoch << 32)
      #expect(stream.epoch == epoch << 32)
      var holes = 0
      _ = stream.scan(start: 99 << 32, skipHoles: false, holes: &holes)
      #expect(stream.lastPublishedTime == 4 << 32 | 13)
      #expect(stream.available == 6 - index)
    }
  }
}
