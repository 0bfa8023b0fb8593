import Foundation
import Platform
import TestSupport
import Testing

@testable import Traces

/// A folder that is removed with the test.
final class TemporaryFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("traces-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }
}

/// Random valid events of every kind, with the extremes of every field.
struct RandomEvents {
  var generator: SeededGenerator
  var slots = SlotAllocator()
  var live: [UInt32] = []
  var time: UInt64 = 0
  let sites: UInt32
  let threads: UInt64

  init(seed: UInt64, sites: UInt32, threads: UInt64) {
    generator = SeededGenerator(seed: seed)
    self.sites = sites
    self.threads = threads
  }

  mutating func size() -> UInt64 {
    switch generator.below(12) {
    case 0: 0
    case 1: 1 << generator.below(48)
    case 2: UInt64(UInt32.max) &+ generator.below(3) &- 1
    case 3: 240 << 8 &+ generator.below(3) &- 1
    default: generator.below(1000)
    }
  }

  mutating func next() -> Event {
    switch generator.below(20) {
    case 0: time &+= generator.below(1 << 40)
    case 1: time = time > 5000 ? time - 5000 : 0
    default: time &+= generator.below(4000)
    }
    let thread = UInt16(generator.below(threads))
    let site = UInt32(generator.below(UInt64(sites)))
    let roll = generator.below(100)
    if roll < 3 { return Event(kind: .threadStart, thread: thread, slot: 0, time: time) }
    if roll < 5 { return Event(kind: .threadEnd, thread: thread, slot: 0, time: time) }
    if roll < 8 {
      return Event(kind: .foreignFree, thread: thread, slot: 0, time: time, site: site)
    }
    if !live.isEmpty && roll < 48 {
      let near = generator.below(2) == 0
      let index =
        near
        ? live.count - 1 - Int(generator.below(UInt64(min(live.count, 10))))
        : Int(generator.below(UInt64(live.count)))
      let slot = live.remove(at: index)
      slots.free(slot)
      let kind: EventKind = roll < 12 ? .impliedFree : .free
      return Event(kind: kind, thread: thread, slot: slot, time: time, site: site)
    }
    if !live.isEmpty && roll < 58 {
      let slot = live[Int(generator.below(UInt64(live.count)))]
      return Event(
        kind: .realloc, thread: thread, slot: slot, size: size(), time: time, site: site)
    }
    let slot = slots.allocate()
    live.append(slot)
    let kind: EventKind =
      roll < 62 ? .realloc : roll < 70 ? .aligned : roll < 80 ? .calloc : .malloc
    let alignment = kind == .aligned ? UInt8(generator.below(48)) : 0
    return Event(
      kind: kind, alignmentLog2: alignment, thread: thread, slot: slot, size: size(), time: time,
      site: site)
  }
}

func readAll(_ reader: TraceReader) throws -> [Event] {
  var events: [Event] = []
  try reader.forEachBlock { events.append(contentsOf: $0) }
  return events
}

@Suite struct RoundTripTests {
  @Test(arguments: [(1, 1, 1), (2, 3, 2), (3, 400, 7), (4, 70_000, 65_536), (5, 20, 300)])
  func everyEventComesBack(seed: UInt64, sites: UInt32, threads: UInt64) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.mlt")
    var header = TraceHeader(program: "/bin/program", arguments: ["-c", "ä\u{0}\n"])
    header.timeResolutionLog2 = 0
    let writer = try TraceWriter(path: path, header: header)
    let module = try writer.moduleNumber(Module(path: "/lib/a.so", buildID: "beef"))
    for site in 1..<max(sites, 1) {
      let number = try writer.siteNumber(module: module, offset: UInt64(site) << 20)
      #expect(number == site)
    }
    var random = RandomEvents(seed: seed, sites: sites, threads: threads)
    var expected: [Event] = []
    for index in 0..<150_000 {
      let event = random.next()
      expected.append(event)
      try writer.append(event)
      if index % 40_000 == 1000 { try writer.flush() }
    }
    let footer = TraceFooter(wallSeconds: 1.5, exitStatus: 3, recorder: .init(dropped: 2))
    try writer.finish(footer: footer)
    let reader = try TraceReader(path: path)
    #expect(reader.completeness.isComplete)
    #expect(reader.header == header)
    #expect(reader.footer == footer)
    #expect(reader.sites.count == Int(sites))
    #expect(reader.modules == [.unknown, Module(path: "/lib/a.so", buildID: "beef")])
    #expect(reader.slots == Int(random.slots.count))
    #expect(reader.liveObjectsAtEnd == random.live.count)
    #expect(reader.operationCount == expected.count { $0.kind.isOperation })
    let events = try readAll(reader)
    #expect(events.count == expected.count)
    let different = zip(events, expected).enumerated().first { $0.element.0 != $0.element.1 }
    #expect(different == nil)
  }
}
