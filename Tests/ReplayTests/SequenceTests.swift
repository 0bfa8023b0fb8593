import Foundation
import Platform
import TestSupport
import Testing
import Traces

@testable import Replay

/// Several threads, and the recorded pace.
@Suite struct SequenceTests {
  /// Every operation on a thread chosen at random: most objects change threads.
  private func scattered(threads: Int, operations: Int, seed: UInt64) -> EventArraySource {
    var source = EventArraySource.mixed(operations: operations, slots: 300, seed: seed)
    var random = SeededGenerator(seed: seed)
    for index in source.events.indices {
      source.events[index].thread = UInt16.random(in: 0..<UInt16(threads), using: &random)
    }
    source.touch = .firstLine
    return source
  }

  /// Thread 0 allocates, thread 1 frees the oldest of `live` objects.
  private func producerConsumer(operations: Int, live: Int) -> EventArraySource {
    var events: [Event] = []
    for number in 0..<operations {
      let slot = UInt32(number % live)
      if number >= live { events.append(Event(kind: .free, thread: 1, slot: slot)) }
      events.append(Event(kind: .malloc, thread: 0, slot: slot, size: 64))
    }
    return EventArraySource(events: events, slots: live)
  }

  @Test(arguments: [2, 5])
  func everyFreeGetsALiveBlockOnce(threads: Int) throws {
    let fixture = try Fixture.compile("checking")
    let player = try testPlayer()
    for seed in 1...3 as ClosedRange<UInt64> {
      let source = scattered(threads: threads, operations: 20_000, seed: seed)
      let plan = try Plan.compile(source, threads: threads, pace: .none)
      let measured = try player.time(plan, allocator: "checking", library: fixture.library)
      #expect(measured.calls == 20_000)
      #expect(measured.windowNanoseconds.count == plan.windows)
      #expect(measured.nanoseconds > 0)
    }
  }

  @Test func slotsThatThreadsTakeOverAreEmpty() throws {
    let fixture = try Fixture.compile("checking")
    let source = producerConsumer(operations: 40_000, live: 50)
    let plan = try Plan.compile(source, threads: 2, pace: .none)
    let measured = try testPlayer().time(plan, allocator: "checking", library: fixture.library)
    #expect(measured.calls == UInt64(source.events.count))
  }

  @Test func slotsAreBoundedByTheLiveObjects() {
    var owners = SlotOwners(slots: 100, threads: 2)
    var takeovers = 0
    for number in 0..<200_000 {
      let slot = UInt32(number % 100)
      if number >= 100 { owners.remove(slot, by: 1) }
      if owners.insert(slot, by: 0).1 != nil { takeovers += 1 }
    }
    #expect(owners.count <= 4096 + 2 * 100 + 64)
    #expect(takeovers > 0 && takeovers < 2000)
  }

  /// Slots are 16 bytes, and processors fetch lines in pairs: a line shared by two threads would be
  /// waited for at every free, whatever the allocator does.
  @Test func threadsThatShareNothingShareNoLineOfSlots() {
    var owners = SlotOwners(slots: 3000, threads: 3)
    var random = SeededGenerator(seed: 1)
    var lines: [UInt32: Set<Int>] = [:]
    for thread in 0..<3 {
      if thread > 0 { lines[owners.insertGate() / 8, default: []].insert(-1) }
      for number in 0..<20 {
        lines[owners.insert(UInt32(1000 * thread + number), by: thread).slot / 8, default: []]
          .insert(thread)
      }
    }
    for number in 20..<1000 {
      let thread = Int.random(in: 0..<3, using: &random)
      lines[owners.insert(UInt32(1000 * thread + number), by: thread).slot / 8, default: []]
        .insert(thread)
    }
    #expect(lines.values.allSatisfy { $0.count == 1 })
  }

  /// What one thread and several take is only comparable when the same loop plays them.
  @Test func oneRecordedThreadIsPlayedAsSeveralAre() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("one-\(UUID().uuidString).mlt").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    _ = try Recipes.generate(
      "local-threads", parameters: ["threads=1", "events=3000"], seed: 1, path: path)
    let trace = try TraceReader(path: path)
    for (threads, isSequenced) in [(ThreadMode.recorded, true), (.one, false)] {
      let workload = Workload(trace: trace, options: WorkloadOptions(threads: threads))
      #expect(try Plan.compile(workload: workload).isSequenced == isSequenced)
    }
  }

  /// Thread 1 frees what takes thread 0 a long time to allocate. A busy machine may start thread 1
  /// only when there is nothing left to wait for: one replay of several must show it.
  @Test func waitingForAnotherThreadIsNotCharged() throws {
    let fixture = try Fixture.compile("checking")
    let source = EventArraySource(
      events: [
        Event(kind: .malloc, thread: 0, slot: 1, size: 64),
        Event(kind: .free, thread: 1, slot: 1),
        Event(kind: .malloc, thread: 0, slot: 0, size: 4242),
        Event(kind: .free, thread: 1, slot: 0),
      ], slots: 2)
    let plan = try Plan.compile(source, threads: 2, pace: .none)
    let player = try testPlayer()
    let isShown = try (0..<10).contains { _ in
      let measured = try player.time(plan, allocator: "checking", library: fixture.library)
      // The one that waited is charged less than it waited, and less than whom it waited for.
      return measured.waitedNanoseconds > Double(measured.windowNanoseconds[1])
        && measured.windowNanoseconds[1] < measured.windowNanoseconds[0]
    }
    #expect(isShown)
  }

  /// Threads that work the same, more of them than processors: those that had to wait for one are
  /// charged no more than those that had not.
  @Test func losingTheProcessorIsNotCharged() throws {
    let fixture = try Fixture.compile("checking")
    let threads = 2 * ProcessorSet.available.count + 1
    let source = EventArraySource(
      events: (0..<threads).map {
        Event(kind: .malloc, thread: UInt16($0), slot: UInt32($0), size: 64)
      }
        + (0..<threads).map {
          Event(
            kind: .malloc, thread: UInt16($0), slot: UInt32(threads + $0), size: 4242)
        }, slots: 2 * threads)
    let plan = try Plan.compile(source, threads: threads, pace: .none)
    let measured = try testPlayer().time(plan, allocator: "checking", library: fixture.library)
    // Were lost time charged, the last thread's charge would hold that of those before it too.
    let least = try #require(measured.windowNanoseconds.min())
    #expect(measured.nanoseconds < 2 * Double(threads) * Double(least))
  }

  @Test func theRecordedPaceIsKeptAndNotCharged() throws {
    var source = EventArraySource.mixed(operations: 3000, slots: 100, seed: 4)
    for index in source.events.indices { source.events[index].time = UInt64(index) * 20_000 }
    let player = try testPlayer()
    let paced = try player.time(
      try Plan.compile(source, threads: 1, pace: .recorded), allocator: "glibc", library: nil)
    let unpaced = try player.time(
      try Plan.compile(source, threads: 1, pace: .none), allocator: "glibc", library: nil)
    #expect(paced.calls == unpaced.calls)
    #expect(paced.waitedNanoseconds > 0)
    #expect(unpaced.waitedNanoseconds == 0)
  }

  @Test(arguments: ["mimalloc", "jemalloc", "tcmalloc", "glibc", "null"])
  func allocatorsAreReplayedOnThreads(name: String) throws {
    let player = try testPlayer()
    let library =
      name == "null"
      ? player.executable.deletingLastPathComponent().appendingPathComponent("libMallometerNull.so")
      : try SystemLibraries().find(name)
    let source = scattered(threads: 3, operations: 20_000, seed: 9)
    let plan = try Plan.compile(source, threads: 3, pace: .none)
    let measured = try player.time(plan, allocator: name, library: library)
    #expect(measured.calls == 20_000)
  }

  @Test func sequencedPlansAreTimedOnly() throws {
    let plan = try Plan.compile(
      scattered(threads: 2, operations: 100, seed: 1), threads: 2, pace: .none)
    #expect(plan.isSequenced)
    #expect(throws: PlayerError.self) {
      try testPlayer().latencies(plan, allocator: "glibc", library: nil)
    }
  }

  @Test func tooManyThreadsAreRefused() throws {
    let source = EventArraySource(events: [], slots: 0)
    #expect(throws: PlanError.tooManyThreads(257)) {
      try Plan.compile(source, threads: 257, pace: .none)
    }
  }
}
