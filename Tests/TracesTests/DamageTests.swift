import Foundation
import Testing

@testable import Traces

/// A small trace with every kind of event, several blocks, modules, sites and threads.
func writeSmallTrace(_ path: String, events: Int, blocks: Int) throws -> [Event] {
  let writer = try TraceWriter(path: path, header: TraceHeader(program: "small"))
  var random = RandomEvents(seed: 11, sites: 9, threads: 5)
  var written: [Event] = []
  for number in 1..<9 {
    let module = try writer.moduleNumber(Module(path: "/lib/\(number / 3).so"))
    _ = try writer.siteNumber(module: module, offset: UInt64(number) * 100)
  }
  for index in 0..<events {
    var event = random.next()
    event.time &= ~63
    written.append(event)
    try writer.append(event)
    if (index + 1) % (events / blocks) == 0 { try writer.flush() }
  }
  try writer.finish()
  return written
}

@Suite struct DamageTests {
  @Test func aFileCutAnywhereGivesItsWholeBlocks() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("whole.mlt")
    let expected = try writeSmallTrace(path, events: 200, blocks: 4)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let whole = try TraceReader(path: path)
    #expect(whole.completeness.isComplete && whole.blocks.count == 4)
    let cut = folder.file("cut.mlt")
    let headerEnd = Int(whole.blocks[0].offset)
    for length in 0..<bytes.count {
      try Data(bytes[..<length]).write(to: URL(fileURLWithPath: cut))
      if length < headerEnd {
        #expect(throws: TraceError.self) { try TraceReader(path: cut) }
        continue
      }
      let reader = try TraceReader(path: cut)
      let blocks = whole.blocks.filter { Int($0.offset) + $0.storedBytes <= length }
      #expect(!reader.completeness.isComplete && reader.completeness.reason != nil)
      #expect(reader.blocks.count == blocks.count)
      let events = try readAll(reader)
      #expect(events == Array(expected.prefix(blocks.reduce(0) { $0 + $1.events })))
    }
  }

  @Test func aChangedByteLosesNothingBeforeItsBlock() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("whole.mlt")
    let expected = try writeSmallTrace(path, events: 200, blocks: 4)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let whole = try TraceReader(path: path)
    let changedPath = folder.file("changed.mlt")
    for position in stride(from: Int(whole.blocks[0].offset), to: bytes.count, by: 3) {
      var changed = bytes
      changed[position] ^= 0x41
      try Data(changed).write(to: URL(fileURLWithPath: changedPath))
      let reader = try TraceReader(path: changedPath)
      let before = whole.blocks.filter { Int($0.offset) + $0.storedBytes <= position }
      #expect(!reader.completeness.isComplete)
      #expect(reader.blocks.count == before.count)
      #expect(try readAll(reader) == Array(expected.prefix(reader.eventCount)))
      if position < Int(whole.blocks[3].offset) {
        #expect(reader.completeness.lostBlocks == 4 - before.count)
        #expect(reader.completeness.lostEvents == 200 - reader.eventCount)
      }
    }
  }

  @Test func refusesWhatIsNoTrace() throws {
    let folder = try TemporaryFolder()
    func kind(_ bytes: [UInt8]) throws -> TraceError.Kind? {
      let path = folder.file("x.mlt")
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      do {
        _ = try TraceReader(path: path)
        return nil
      } catch { return (error as TraceError).kind }
    }
    #expect(try kind([]) == .notATrace)
    #expect(try kind(Array("#!/bin/sh\necho something else entirely".utf8)) == .notATrace)
    #expect(try kind(TraceFormat.magic + [9, 0, 0, 0, 0, 0, 0, 0]) == .version)
    #expect(try kind(TraceFormat.magic + [1, 0, 0, 0, 0, 0, 0, 0]) == .notATrace)
    #expect(throws: TraceError.self) { try TraceReader(path: folder.file("missing.mlt")) }
    #expect(throws: TraceError.self) { try TraceReader(path: folder.path) }
  }

  @Test func aWriterRefusesEventsThatBreakTheRules() throws {
    let folder = try TemporaryFolder()
    let writer = try TraceWriter(path: folder.file("a.mlt"), header: TraceHeader(program: "a"))
    try writer.append(Event(kind: .malloc, slot: 0, size: 8))
    let refused = [
      Event(kind: .malloc, slot: 0, size: 8), Event(kind: .malloc, slot: 2, size: 8),
      Event(kind: .free, slot: 1), Event(kind: .free, slot: .max),
      Event(kind: .impliedFree, slot: 7), Event(kind: .realloc, slot: 5, size: 1),
      Event(kind: .malloc, slot: 1, size: 1 << 48), Event(kind: .malloc, slot: 1, site: 1),
      Event(kind: .aligned, alignmentLog2: 48, slot: 1),
      Event(kind: .malloc, alignmentLog2: 4, slot: 1),
    ]
    for event in refused {
      #expect(throws: TraceError.self) { try writer.append(event) }
    }
    try writer.append(Event(kind: .free, slot: 0))
    try writer.finish()
    #expect(try TraceReader(path: folder.file("a.mlt")).eventCount == 2)
    var status = stat()
    #expect(stat(folder.file("a.mlt"), &status) == 0 && status.st_mode & 0o777 == 0o600)
  }
}
