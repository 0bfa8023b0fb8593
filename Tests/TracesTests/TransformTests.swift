import Platform
import TestSupport
import Testing

@testable import Traces

@Suite struct TransformTests {
  /// Site 1 is the one that is changed, site 2 another.
  private func transformed(_ events: [Event], _ transform: String) throws
    -> (events: [Event], reader: TraceReader)
  {
    let folder = try TemporaryFolder()
    let writer = try TraceWriter(
      path: folder.file("a.mlt"), header: TraceHeader(program: "a", timeResolutionLog2: 0))
    let module = try writer.moduleNumber(Module(path: "/bin/a"))
    _ = try writer.siteNumber(module: module, offset: 16)
    _ = try writer.siteNumber(module: module, offset: 32)
    for number in 3...4 where events.contains(where: { $0.site == number }) {
      _ = try writer.siteNumber(module: module, offset: UInt64(16 * number))
    }
    for event in events { try writer.append(event) }
    try writer.finish(footer: TraceFooter(wallSeconds: 3))
    _ = try Transform(transform).apply(
      to: try TraceReader(path: folder.file("a.mlt")), writing: folder.file("b.mlt"))
    let reader = try TraceReader(path: folder.file("b.mlt"))
    var result: [Event] = []
    try reader.forEachBlock { result.append(contentsOf: $0) }
    return (result, reader)
  }

  private static let growth: [Event] = [
    Event(kind: .malloc, slot: 0, size: 10, time: 1, site: 1),
    Event(kind: .malloc, slot: 1, size: 7, time: 2, site: 2),
    Event(kind: .realloc, slot: 0, size: 20, time: 3, site: 2),
    Event(kind: .realloc, slot: 0, size: 40, time: 4, site: 2),
    Event(kind: .realloc, slot: 1, size: 9, time: 5, site: 1),
    Event(kind: .realloc, slot: 0, size: 30, time: 6, site: 2),
    Event(kind: .free, slot: 0, time: 7, site: 2),
    Event(kind: .realloc, slot: 0, size: 5, time: 8, site: 1),
  ]

  @Test func preallocationAsksOnceForTheMost() throws {
    let (events, reader) = try transformed(Self.growth, "preallocate(1)")
    #expect(
      events == [
        Event(kind: .malloc, slot: 0, size: 40, time: 1, site: 1),
        Event(kind: .malloc, slot: 1, size: 7, time: 2, site: 2),
        Event(kind: .realloc, slot: 1, size: 9, time: 5, site: 1),
        Event(kind: .free, slot: 0, time: 7, site: 2),
        Event(kind: .malloc, slot: 0, size: 5, time: 8, site: 1),
      ])
    #expect(reader.header.transforms == ["preallocate(1)"])
    #expect(reader.footer?.wallSeconds == 3)
    #expect(reader.sites.map(\.offset) == [0, 16, 32])
  }

  @Test func droppedObjectsLeaveNoEvent() throws {
    let (events, _) = try transformed(Self.growth, "drop(1)")
    #expect(
      events == [
        Event(kind: .malloc, slot: 0, size: 7, time: 2, site: 2),
        Event(kind: .realloc, slot: 0, size: 9, time: 5, site: 1),
      ])
  }

  @Test func keptBuffersAreHandedOutAgainGrownOrFreed() throws {
    let events: [Event] = [
      Event(kind: .malloc, slot: 0, size: 100, time: 1, site: 1),
      Event(kind: .malloc, slot: 1, size: 50, time: 2, site: 1),
      Event(kind: .free, slot: 0, time: 3, site: 2),
      // One is kept: this one is freed.
      Event(kind: .free, slot: 1, time: 4, site: 2),
      Event(kind: .malloc, slot: 1, size: 60, time: 5, site: 1),
      Event(kind: .realloc, slot: 1, size: 90, time: 6, site: 1),
      Event(kind: .free, slot: 1, time: 7, site: 2),
      Event(kind: .calloc, slot: 1, size: 200, time: 8, site: 1),
    ]
    let (result, _) = try transformed(events, "reuse-buffer(1,keep=1)")
    #expect(
      result == [
        Event(kind: .malloc, slot: 0, size: 100, time: 1, site: 1),
        Event(kind: .malloc, slot: 1, size: 50, time: 2, site: 1),
        Event(kind: .free, slot: 1, time: 4, site: 2),
        Event(kind: .realloc, slot: 0, size: 200, time: 8, site: 1),
      ])
  }

  @Test func arenasCutObjectsFromChunksAndUseThemAgain() throws {
    var events: [Event] = []
    // Four of 100 bytes don't fit 400 with each aligned to 16: three do.
    for slot in 0..<4 {
      events.append(
        Event(kind: .malloc, slot: UInt32(slot), size: 100, time: UInt64(slot), site: 1))
    }
    for slot in 0..<4 {
      events.append(Event(kind: .free, slot: UInt32(slot), time: UInt64(10 + slot), site: 2))
    }
    events.append(Event(kind: .malloc, slot: 3, size: 400, time: 20, site: 1))
    events.append(Event(kind: .malloc, slot: 2, size: 401, time: 21, site: 1))
    let (result, _) = try transformed(events, "arena(1,bytes=400)")
    #expect(
      result == [
        Event(kind: .malloc, slot: 0, size: 400, time: 0, site: 1),
        Event(kind: .malloc, slot: 1, size: 400, time: 3, site: 1),
        Event(kind: .free, slot: 0, time: 12),
        // The second chunk is empty again and serves the 400 bytes.
        Event(kind: .malloc, slot: 0, size: 401, time: 21, site: 1),
      ])
  }

  @Test func arenasKeepWhatGrowsAtTheirEndInPlace() throws {
    let (result, _) = try transformed(Self.growth, "arena(1,bytes=256)")
    #expect(result.count { $0.kind == .realloc } == 1)
    #expect(result.filter { $0.site == 1 && $0.kind == .malloc }.map(\.size) == [256])
  }

  /// A reader refuses a trace that frees what isn't live: every transformation must leave a whole
  /// one, with no more live at the end than before.
  @Test(arguments: [
    "preallocate(1)", "drop(2)", "reuse-buffer(1)", "reuse-buffer(3,keep=100)", "arena(1)",
    "arena(2,bytes=1024)",
  ])
  func randomTracesStayWhole(text: String) throws {
    let folder = try TemporaryFolder()
    let writer = try TraceWriter(path: folder.file("a.mlt"), header: TraceHeader(program: "a"))
    let module = try writer.moduleNumber(Module(path: "/bin/a"))
    for offset in 1...3 { _ = try writer.siteNumber(module: module, offset: UInt64(offset)) }
    var random = SeededGenerator(seed: 5)
    var slots = SlotAllocator()
    var live: [UInt32] = []
    for step in 0..<40_000 {
      let thread = UInt16(random.next() % 3)
      let site = UInt32(random.next() % 4)
      let time = UInt64(step) * 64
      switch random.next() % 5 {
      case 0, 1:
        let slot = slots.allocate()
        live.append(slot)
        try writer.append(
          Event(
            kind: random.next() % 4 == 0 ? .calloc : .malloc, thread: thread, slot: slot,
            size: random.next() % 3000, time: time, site: site))
      case 2 where !live.isEmpty:
        let slot = live[Int(random.next() % UInt64(live.count))]
        try writer.append(
          Event(
            kind: .realloc, thread: thread, slot: slot, size: random.next() % 5000, time: time,
            site: site))
      case 3 where live.count < 50:
        let slot = slots.allocate()
        live.append(slot)
        try writer.append(
          Event(
            kind: .aligned, alignmentLog2: 6, thread: thread, slot: slot,
            size: random.next() % 500, time: time, site: site))
      default:
        guard !live.isEmpty else { continue }
        let slot = live.remove(at: Int(random.next() % UInt64(live.count)))
        try writer.append(
          Event(kind: .free, thread: thread, slot: slot, time: time, site: site))
        slots.free(slot)
      }
    }
    try writer.finish()
    let before = try TraceReader(path: folder.file("a.mlt"))
    let summary = try Transform(text).apply(to: before, writing: folder.file("b.mlt"))
    let after = try TraceReader(path: folder.file("b.mlt"))
    var operations = 0
    try after.forEachBlock { operations += $0.count { $0.kind.isOperation } }
    #expect(after.completeness.isComplete)
    #expect(UInt64(operations) == summary.operationsAfter)
    #expect(summary.operationsAfter < summary.operationsBefore)
    #expect(after.liveObjectsAtEnd <= before.liveObjectsAtEnd)
    #expect(summary.objects > 0 && summary.sites == 1)
  }

  @Test(arguments: [
    ("drop", "isn't a transformation"), ("dorp(1)", "the known ones are drop"),
    ("drop()", "names no call site"), ("drop(1,keep=2)", "none besides the site"),
    ("arena(1,bytes=3)", "from 256 to"), ("reuse-buffer(1,kep=3)", "only keep=N"),
  ])
  func badTransformationsAreRefused(text: String, expected: String) throws {
    let error = try #require(throws: TraceError.self) { _ = try Transform(text) }
    #expect(error.message.contains(expected))
    #expect(error.remedy != nil)
  }

  /// Site 2 only reallocates what site 1 gave birth to; site 1's other object never grows.
  @Test(arguments: [
    ("preallocate(2)", "born at 1 (", "preallocate(1)"),
    ("preallocate(3)", "none of them is ever reallocated", "info"),
    ("arena(3)", "no two of them", "info"), ("drop(4)", "no object is born", "info"),
  ])
  func whatChangesNothingIsAnError(text: String, problem: String, remedy: String) throws {
    let events = [
      Event(kind: .malloc, slot: 0, size: 10, time: 1, site: 1),
      Event(kind: .realloc, slot: 0, size: 20, time: 2, site: 2),
      Event(kind: .realloc, slot: 0, size: 40, time: 3, site: 2),
      Event(kind: .malloc, slot: 1, size: 40, time: 4, site: 3),
      Event(kind: .free, slot: 0, time: 5, site: 4),
    ]
    let error = try #require(throws: TraceError.self) { _ = try transformed(events, text) }
    #expect(error.message.contains(problem), "\(error.message)")
    #expect(error.remedy?.contains(remedy) == true, "\(error.remedy ?? "")")
  }

  @Test func anUnknownSiteIsNamed() throws {
    let error = try #require(throws: TraceError.self) {
      _ = try transformed(Self.growth, "drop(99)")
    }
    #expect(error.message.contains("has no call site \"99\""))
  }
}
