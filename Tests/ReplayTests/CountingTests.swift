import Designs
import Foundation
import Platform
import TestSupport
import Testing
import Traces

@testable import Replay

@Suite struct CountingTests {
  private struct Window: Equatable {
    var counts: [UInt64]
    var hash: UInt64
  }

  private func count(_ source: EventArraySource) throws -> [Window] {
    let fixture = try Fixture.compile("counting")
    var windows: [Window] = []
    try testPlayer().count(
      try Plan.compile(source), allocator: "counting", library: fixture.library
    ) { window in
      #expect(window.index == windows.count)
      windows.append(Window(counts: Array(window.counts), hash: window.addressHash))
    }
    return windows
  }

  @Test func countsWorkedOutByHand() throws {
    let events = [
      Event(kind: .malloc, slot: 0, size: 10, site: 0),
      Event(kind: .calloc, slot: 1, size: 20, site: 1),
      Event(kind: .free, slot: 0),
      Event(kind: .aligned, alignmentLog2: 8, slot: 0, size: 30, site: 1),
      Event(kind: .realloc, slot: 1, size: 40, site: 0),
      Event(kind: .free, slot: 1),
      Event(kind: .free, slot: 0),
    ]
    var source = EventArraySource(events: events, slots: 2)
    source.windowEvents = 4
    let windows = try count(source)
    #expect(windows.count == 2)
    let siteA = source.siteAddresses[0]
    let siteB = source.siteAddresses[1]
    #expect(Array(windows[0].counts[0..<7]) == [1, 1, 0, 1, 1, 60, siteA + siteB + siteB])
    #expect(Array(windows[1].counts[0..<7]) == [0, 0, 1, 0, 2, 40, siteA])
    #expect(windows[0].hash != windows[1].hash)
  }

  @Test func addressHashFollowsTheContract() throws {
    let source = EventArraySource(
      events: [
        Event(kind: .malloc, slot: 0, size: 16), Event(kind: .malloc, slot: 1, size: 16),
      ], slots: 2)
    let fixture = try Fixture.compile("counting")
    let plan = try Plan.compile(source)
    let player = try testPlayer()
    let dumped = try player.dump(plan, window: 0, allocator: "c", library: fixture.library)
    #expect(dumped.map(\.number) == [0, 1])
    #expect(dumped[1].address == dumped[0].address + 32)
    #expect(dumped[0].counts[0] == 1 && dumped[1].counts[0] == 1)
    let expected = dumped.reduce(UInt64(0)) { hash, operation in
      (hash ^ operation.address) &* 0x9E37_79B9_7F4A_7C15
    }
    var hashes: [UInt64] = []
    try player.count(plan, allocator: "c", library: fixture.library) {
      hashes.append($0.addressHash)
    }
    #expect(hashes == [expected])
  }

  @Test(arguments: [1, 3, 1000, 1024, 8192])
  func everyOperationIsPerformedOnceWhateverTheWindow(length: Int) throws {
    var source = EventArraySource.mixed(operations: length == 1 ? 500 : 20_001, slots: 300, seed: 7)
    source.windowEvents = length
    let windows = try count(source)
    #expect(windows.count == (source.events.count + length - 1) / length)
    for (index, kind) in [EventKind.malloc, .calloc, .realloc, .aligned, .free].enumerated() {
      let expected = source.events.count { $0.kind == kind }
      #expect(windows.reduce(0) { $0 + $1.counts[index] } == UInt64(expected), "\(kind)")
    }
    for (index, window) in windows.enumerated() {
      let calls = window.counts[0..<5].reduce(0, +)
      #expect(calls == UInt64(min(length, source.events.count - index * length)))
    }
  }

  @Test func dumpOfALaterWindowAgreesWithItsCounts() throws {
    var source = EventArraySource.mixed(operations: 9000, slots: 100, seed: 3)
    source.windowEvents = 256
    let fixture = try Fixture.compile("counting")
    let plan = try Plan.compile(source)
    let player = try testPlayer()
    var expected: [UInt64] = []
    try player.count(plan, allocator: "c", library: fixture.library) { window in
      if window.index == 30 { expected = Array(window.counts) }
    }
    let dumped = try player.dump(plan, window: 30, allocator: "c", library: fixture.library)
    #expect(dumped.count == 256)
    #expect(dumped.first?.number == 30 * 256)
    let sums = (0..<Step.count).map { step in dumped.reduce(0) { $0 + $1.counts[step] } }
    #expect(sums == expected)
  }

  @Test func countingOverAnAllocatorWithoutCountersIsRefused() throws {
    let plan = try Plan.compile(EventArraySource.mixed(operations: 10, slots: 5, seed: 1))
    let library = URL(fileURLWithPath: "/usr/lib/x86_64-linux-gnu/libmimalloc.so.2")
    try #require(FileManager.default.fileExists(atPath: library.path))
    #expect {
      try testPlayer().count(plan, allocator: "mimalloc", library: library) { _ in }
    } throws: { error in
      "\(error)".contains("no counting build")
    }
  }
}
