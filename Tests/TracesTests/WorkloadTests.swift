import Foundation
import Testing

@testable import Traces

@Suite struct WorkloadTests {
  private func operations(_ workload: Workload) throws -> [Event] {
    var events: [Event] = []
    try workload.forEachBlock { events.append(contentsOf: $0) }
    return events
  }

  @Test func keepsOperationsOnlyAndMakesThemReady() throws {
    let folder = try TemporaryFolder()
    let writer = try TraceWriter(path: folder.file("a.mlt"), header: TraceHeader(program: "a"))
    let events: [Event] = [
      Event(kind: .threadStart, thread: 2, slot: 0), Event(kind: .foreignFree, slot: 0),
      Event(kind: .realloc, thread: 2, slot: 0, size: 5),
      Event(kind: .realloc, thread: 1, slot: 0, size: 6),
      Event(kind: .aligned, alignmentLog2: 5, slot: 1, size: 7),
      Event(kind: .impliedFree, slot: 0), Event(kind: .calloc, thread: 1, slot: 0, size: 8),
    ]
    for event in events { try writer.append(event) }
    try writer.finish()
    let reader = try TraceReader(path: folder.file("a.mlt"))
    let recorded = Workload(trace: reader, options: WorkloadOptions(threads: .recorded))
    #expect(
      try operations(recorded) == [
        Event(kind: .malloc, thread: 2, slot: 0, size: 5),
        Event(kind: .realloc, thread: 1, slot: 0, size: 6),
        Event(kind: .aligned, alignmentLog2: 5, slot: 1, size: 7), Event(kind: .free, slot: 0),
        Event(kind: .calloc, thread: 1, slot: 0, size: 8),
      ])
    #expect(recorded.threads == 3)
    let one = Workload(trace: reader, options: WorkloadOptions(threads: .one))
    #expect(try operations(one).allSatisfy { $0.thread == 0 })
    #expect(one.threads == 1 && one.operationCount == 5 && one.windowCount == 1)
  }

  @Test func keepsTheEndsOfRecordedThreads() throws {
    let folder = try TemporaryFolder()
    let writer = try TraceWriter(path: folder.file("a.mlt"), header: TraceHeader(program: "a"))
    let events: [Event] = [
      Event(kind: .threadStart, thread: 1, slot: 0),
      Event(kind: .malloc, thread: 1, slot: 0, size: 5),
      Event(kind: .threadEnd, thread: 1, slot: 0), Event(kind: .free, slot: 0),
    ]
    for event in events { try writer.append(event) }
    try writer.finish()
    let reader = try TraceReader(path: folder.file("a.mlt"))
    let recorded = Workload(trace: reader, options: WorkloadOptions(threads: .recorded))
    #expect(try operations(recorded).map(\.kind) == [.malloc, .threadEnd, .free])
    #expect(recorded.operationCount == 2 && recorded.windowCount == 1)
    let one = Workload(trace: reader, options: WorkloadOptions(threads: .one))
    #expect(try operations(one).map(\.kind) == [.malloc, .free])
  }

  @Test func freesWhatLivesBetweenRounds() throws {
    let folder = try TemporaryFolder()
    _ = try Recipes.generate(
      "random-mixed", parameters: ["events=30000", "live=6000"], seed: 3,
      path: folder.file("a.mlt"))
    let reader = try TraceReader(path: folder.file("a.mlt"))
    let once = try operations(Workload(trace: reader))
    let workload = Workload(trace: reader, options: WorkloadOptions(loops: 3))
    let thrice = try operations(workload)
    let live = reader.liveObjectsAtEnd
    #expect(live > 5000)
    #expect(thrice.count == 3 * 30_000 + 2 * live && workload.operationCount == thrice.count)
    let frees = thrice[30_000..<30_000 + live]
    #expect(frees.allSatisfy { $0.kind == .free && $0.thread == 0 })
    #expect(zip(frees, frees.dropFirst()).allSatisfy { $0.slot < $1.slot })
    let second = thrice[(30_000 + live)...].prefix(30_000)
    #expect(zip(once, second).allSatisfy { $0.slot == $1.slot && $0.size == $1.size })
    #expect(zip(thrice, thrice.dropFirst()).allSatisfy { $0.time <= $1.time })
  }

  @Test func touchFollowsTheRecordedPageFaults() throws {
    let folder = try TemporaryFolder()
    func resolved(faults: UInt64) throws -> TouchPolicy {
      let path = folder.file("\(faults).mlt")
      let header = TraceHeader(program: "a", minorFaultsAtStart: 100)
      let writer = try TraceWriter(path: path, header: header)
      var slots = SlotAllocator()
      // A hundred blocks of 64 KiB at a time: 100 first lines, 1600 pages.
      for _ in 0..<100 {
        try writer.append(Event(kind: .malloc, slot: slots.allocate(), size: 64 << 10))
      }
      writer.minorFaults = faults
      try writer.finish()
      return Workload(trace: try TraceReader(path: path)).resolvedTouch
    }
    #expect(try resolved(faults: 0) == .firstLine)
    #expect(try resolved(faults: 110) == TouchPolicy.none)
    #expect(try resolved(faults: 210) == .firstLine)
    #expect(try resolved(faults: 1500) == .perPage)
    #expect(try resolved(faults: 9999) == .perPage)
  }

  @Test func statisticsOfAKnownTrace() throws {
    let folder = try TemporaryFolder()
    let writer = try TraceWriter(path: folder.file("a.mlt"), header: TraceHeader(program: "a"))
    let site = try writer.siteNumber(module: 0, offset: 9)
    let events: [Event] = [
      Event(kind: .malloc, slot: 0, size: 100, site: site),
      Event(kind: .malloc, slot: 1, size: 0), Event(kind: .realloc, slot: 0, size: 300, site: site),
      Event(kind: .free, thread: 1, slot: 0), Event(kind: .foreignFree, slot: 0),
      Event(kind: .free, slot: 1), Event(kind: .aligned, alignmentLog2: 6, slot: 1, size: 64),
    ]
    for event in events { try writer.append(event) }
    try writer.finish()
    let statistics = try TraceStatistics(of: TraceReader(path: folder.file("a.mlt")))
    #expect(statistics.events == 7 && statistics.objects == 3 && statistics.threads == 2)
    #expect(statistics.mallocs == 2 && statistics.reallocs == 1 && statistics.aligned == 1)
    #expect(statistics.frees == 2 && statistics.foreignFrees == 1)
    #expect(statistics.crossThreadFrees == 1 && statistics.liveObjectsAtEnd == 1)
    #expect(statistics.peakLiveObjects == 2 && statistics.peakLiveBytes == 300)
    #expect(
      statistics.sizes == [
        .init(upTo: 1, count: 1), .init(upTo: 64, count: 1), .init(upTo: 128, count: 1),
        .init(upTo: 512, count: 1),
      ])
    #expect(statistics.lifetimes == [.init(upToEvents: 4, count: 2)])
    #expect(statistics.sites.first { $0.site == site } == .init(site: site, events: 2, bytes: 400))
  }
}
