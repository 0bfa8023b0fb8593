import Designs
import Foundation
import Models
import NativeDesigns
import Platform
import Testing
import Traces

@testable import Replay

/// Many threads in one order: models against counting builds that are told whose turn it is.
@Suite struct ThreadedExactnessTests {
  private func outcome(
    _ design: Design, _ source: ThreadedSource, plan: Plan? = nil
  ) throws -> ExactnessCheck.Outcome {
    try exactnessCheck().compare(source, design: design, plan: plan)
  }

  @Test(arguments: Exactness.designs)
  func generatedThreads(design: Design) throws {
    for source in [
      ThreadedSource(seed: 1, concurrent: 4, slots: 800, largest: 3_000),
      ThreadedSource(seed: 2, concurrent: 3, slots: 60, largest: 5_000_000, operations: 20_000),
      ThreadedSource(seed: 3, concurrent: 12, slots: 4_000, largest: 60_000),
    ] {
      let outcome = try outcome(design, source)
      #expect(outcome.windows == (source.operations + 1023) / 1024)
      #expect(outcome.differing == 0, "seed \(source.seed): \(String(describing: outcome.first))")
    }
  }

  /// Sources of one length whose threads end or don't: what a model that forgets ends looks like.
  @Test(arguments: ["pool", "reuse"])
  func endsOfThreadsMatter(family: String) throws {
    var design = try #require(Exactness.designs.first { $0.family == family })
    if family == "reuse" {
      design = try #require(
        Exactness.designs.first { $0.family == "reuse" && $0["cache"] == "thread-local" })
    }
    let source = ThreadedSource(
      seed: 4, concurrent: 4, slots: 60, largest: 5_000_000, operations: 20_000)
    var endless = source
    endless.endsThreads = false
    let outcome = try outcome(design, source, plan: try Plan.compile(endless))
    #expect(outcome.differing > 0)
    #expect(outcome.first?.operation != nil)
  }

  @Test func threadsMatter() throws {
    let design = try #require(Exactness.designs.first { $0.family == "pool" })
    let source = ThreadedSource(seed: 5, concurrent: 4, slots: 800, largest: 3_000)
    var alone = source
    alone.concurrent = 1
    let outcome = try outcome(design, source, plan: try Plan.compile(alone))
    #expect(outcome.differing > 0)
  }

  /// One of every four operations changes the writer of the backing's lock.
  @Test func coherenceTransfersAreWorkedOutByHand() throws {
    var events: [Event] = []
    for slot in 0..<64 {
      events.append(
        Event(kind: .malloc, thread: UInt16(slot / 4 % 2), slot: UInt32(slot), size: 24))
    }
    let source = EventSource(events: events, slots: 64, threads: 2)
    let design = Design(
      family: .reuse, changes: ["policy": "off", "evolution-tracking": "off", "cache": "off"])
    let result = try Simulation(design: design).run(source)
    // The lock's line and the bin's, at each of 15 changes.
    #expect(result[.coherenceTransfer] == 30)
    #expect(result[.lockUncontended] == 64 && result[.lockContended] == 0)
    let outcome = try exactnessCheck().compare(source, design: design)
    #expect(outcome.differing == 0)
  }

  /// An end after the last operation of a window belongs to that window, and makes none of its own.
  @Test func aThreadsEndBelongsToTheWindowBefore() throws {
    var events = (0..<4).map { Event(kind: .malloc, thread: 1, slot: $0, size: 24) }
    events += (0..<4).map { Event(kind: .free, thread: 1, slot: $0) }
    events.append(Event(kind: .threadEnd, thread: 1, slot: 0))
    var source = EventSource(events: events, slots: 4, threads: 2)
    source.windowEvents = 4
    let design = Design(family: .pool)
    var returned: [UInt64] = []
    _ = try Simulation(design: design).run(source) {
      returned.append($0.counts[Int(Step.pageReturn.rawValue)])
    }
    #expect(returned == [0, 1])
    let library = try compiler().build(design, counting: true)
    var counted: [UInt64] = []
    let plan = try Plan.compile(source)
    try testPlayer().count(plan, allocator: "pool", library: library) {
      counted.append($0.counts[Int(Step.pageReturn.rawValue)])
    }
    #expect(counted == [0, 1])
    let dumped = try testPlayer().dump(plan, window: 1, allocator: "pool", library: library)
    #expect(dumped.map(\.isThreadEnd) == [false, false, false, false, true])
    #expect(dumped.last?.counts[Int(Step.pageReturn.rawValue)] == 1)
  }

  @Test func aPlanThatSwitchesThreadsCannotBeTimed() throws {
    let source = ThreadedSource(seed: 6, concurrent: 2, slots: 10, largest: 100, operations: 100)
    let library = try compiler().build(Design(family: .pool))
    #expect(throws: PlayerError.self) {
      try testPlayer().play(
        try Plan.compile(source), mode: .time, allocator: "pool", library: library
      ) { _ in }
    }
  }
}

/// Random calls of every kind from a seed on threads that end and are followed by others; objects
/// are freed and reallocated by any thread.
private struct ThreadedSource: OperationSource {
  let seed: UInt64
  var concurrent: Int
  let slots: Int
  let largest: UInt64
  var operations = 60_000
  var endsThreads = true

  var siteAddresses: [UInt64] { (0..<40).map { UInt64(1 << 32) | (0x1000 &+ $0 &* 0x9_E37) } }
  var touch: TouchPolicy { .firstLine }
  var windowEvents: Int { 1024 }
  var threads: Int { concurrent + operations / 500 + 1 }

  func forEachOperationBlock(_ body: (UnsafeBufferPointer<Event>) throws -> Void) throws {
    var generator = SeededGenerator(seed: seed)
    var live = [Bool](repeating: false, count: slots)
    var events: [Event] = []
    var running = (0..<concurrent).map { UInt16($0) }
    var nextThread = UInt16(concurrent)
    for number in 0..<operations {
      let lane = Int(generator.below(64)) % concurrent
      if number % 500 == 499 {
        if endsThreads {
          events.append(Event(kind: .threadEnd, thread: running[lane], slot: 0))
          running[lane] = nextThread
        }
        nextThread += 1
      }
      let slot = Int(generator.below(UInt64(slots)))
      let scale = generator.below(8) == 0 ? largest : min(largest, 512)
      let size = generator.below(scale + 1)
      let site = UInt32(generator.below(40))
      let choice = generator.below(16)
      let alignment = UInt8(4 + generator.below(10))
      var event = Event(
        kind: .malloc, thread: running[lane], slot: UInt32(slot), size: size, site: site)
      if live[slot] && choice > 1 {
        event.kind = .free
        event.size = 0
      } else if live[slot] {
        event.kind = .realloc
        event.size = max(size, 1)
      } else if choice == 2 {
        event.kind = .calloc
      } else if choice == 3 {
        event.kind = .aligned
        event.alignmentLog2 = alignment
      }
      events.append(event)
      live[slot] = event.kind != .free
    }
    for start in stride(from: 0, to: events.count, by: 5000) {
      try events[start..<min(start + 5000, events.count)].withUnsafeBufferPointer(body)
    }
  }
}

/// Events written down one by one.
private struct EventSource: OperationSource {
  let events: [Event]
  let slots: Int
  let threads: Int
  var siteAddresses: [UInt64] = [1 << 32]
  var touch = TouchPolicy.firstLine
  var windowEvents = 1024

  init(events: [Event], slots: Int, threads: Int) {
    self.events = events
    self.slots = slots
    self.threads = threads
  }

  func forEachOperationBlock(_ body: (UnsafeBufferPointer<Event>) throws -> Void) throws {
    try events.withUnsafeBufferPointer(body)
  }
}

private func compiler() -> VariantCompiler {
  VariantCompiler(sources: repository.appendingPathComponent("Sources/NativeDesigns/C"))
}

private func exactnessCheck() throws -> ExactnessCheck {
  ExactnessCheck(player: try testPlayer(), compiler: compiler())
}

private let repository = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
