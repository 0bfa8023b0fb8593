import Foundation
import Platform
import TestSupport
import Testing
import Traces

@testable import Replay

@Suite struct TimingTests {
  private func nullLibrary() throws -> URL {
    try Installation(
      executable: try testPlayer().executable.deletingLastPathComponent()
        .appendingPathComponent("mallometer")
    ).nullAllocator()
  }

  @Test func everyWindowIsTimedOnce() throws {
    let plan = try Plan.compile(EventArraySource.mixed(operations: 10_000, slots: 200, seed: 5))
    let measured = try testPlayer().time(plan, allocator: "null", library: try nullLibrary())
    #expect(measured.windowNanoseconds.count == 10)
    #expect(measured.windowNanoseconds.allSatisfy { $0 > 0 })
    #expect(measured.calls == 10_000)
    #expect(measured.waitedNanoseconds == 0)
    #expect(measured.coreGHz > 0.5 && measured.coreGHz < 8)
    #expect(measured.referenceNanoseconds > 0)
    #expect(measured.throughputNanoseconds > 0)
    #expect(measured.tscGHz > 0.5 && measured.tscGHz < 8)
  }

  @Test(arguments: ["mimalloc", "jemalloc", "tcmalloc", "glibc"])
  func systemAllocatorsAreReplayed(name: String) throws {
    let library = try SystemLibraries().find(name)
    let plan = try Plan.compile(EventArraySource.mixed(operations: 4000, slots: 100, seed: 2))
    let measured = try testPlayer().time(plan, allocator: name, library: library)
    #expect(measured.calls == 4000)
  }

  /// Blocks of 64 pages each, freed at the end only: touching every page must fault it in.
  @Test func touchPoliciesFaultAsManyPagesAsTheyTouch() throws {
    let blocks = 100
    let pages = 64
    func faults(_ touch: TouchPolicy, library: URL?) throws -> Int {
      var source = EventArraySource(
        events: (0..<blocks).map {
          Event(kind: .malloc, slot: UInt32($0), size: UInt64(pages * 4096))
        }, slots: blocks)
      source.touch = touch
      let plan = try Plan.compile(source)
      return Int(try testPlayer().time(plan, allocator: "a", library: library).pageFaults)
    }
    let none = try faults(.none, library: nil)
    let firstLine = try faults(.firstLine, library: nil)
    let perPage = try faults(.perPage, library: nil)
    let all = try faults(.all, library: nil)
    #expect(none < 3 * blocks)
    #expect(firstLine <= 3 * blocks)
    #expect(perPage >= blocks * (pages - 1) && perPage <= blocks * (pages + 3))
    #expect(abs(all - perPage) <= blocks * 2)
    let null = try faults(.all, library: try nullLibrary())
    #expect(null < blocks)
  }

  @Test func peakResidentMemoryIsTheAllocatorsAlone() throws {
    var source = EventArraySource(
      events: (0..<1000).map { Event(kind: .malloc, slot: UInt32($0), size: 64 << 10) },
      slots: 1000)
    source.touch = .all
    let plan = try Plan.compile(source)
    let glibc = try testPlayer().time(plan, allocator: "glibc", library: nil)
    #expect(glibc.peakResidentBytes > 60 << 20)
    #expect(glibc.peakResidentBytes < 72 << 20)
    let null = try testPlayer().time(plan, allocator: "null", library: try nullLibrary())
    #expect(null.peakResidentBytes < 8 << 20)
  }

  @Test func hugeSizesAndAlignmentsPassTheNullAllocator() throws {
    var source = EventArraySource(
      events: [
        Event(kind: .malloc, slot: 0, size: 3 << 30),
        Event(kind: .aligned, alignmentLog2: 20, slot: 1, size: 5 << 20),
        Event(kind: .realloc, slot: 0, size: 1 << 20),
        Event(kind: .malloc, slot: 2, size: 0),
        Event(kind: .free, slot: 2), Event(kind: .free, slot: 1), Event(kind: .free, slot: 0),
      ], slots: 3)
    source.touch = .perPage
    let plan = try Plan.compile(source)
    #expect(plan.largest == 3 << 30)
    let measured = try testPlayer().time(plan, allocator: "null", library: try nullLibrary())
    #expect(measured.calls == 7)
  }

  @Test func latenciesAreOrderedAndComplete() throws {
    let source = EventArraySource.mixed(operations: 30_000, slots: 500, seed: 11)
    let plan = try Plan.compile(source)
    let latencies = try testPlayer().latencies(plan, allocator: "glibc", library: nil)
    let kinds: [(String, EventKind)] = [
      ("malloc", .malloc), ("calloc", .calloc), ("realloc", .realloc), ("aligned", .aligned),
      ("free", .free),
    ]
    for (name, kind) in kinds {
      let one = try #require(latencies[name])
      #expect(one.calls == UInt64(source.events.count { $0.kind == kind }))
      #expect(one.p50 <= one.p90 && one.p90 <= one.p99 && one.p99 <= one.p999)
      #expect(one.p999 <= one.p9999 && one.p9999 <= one.max)
      #expect(one.max > 0)
    }
  }
}
