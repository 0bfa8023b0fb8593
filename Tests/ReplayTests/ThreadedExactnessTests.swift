import Designs
import Foundation
import Models
import NativeDesigns
import Platform
import TestSupport
import Testing
import Traces

@testable import Replay

/// Many threads in one order: models against counting builds that are told whose turn it is.
@Suite struct ThreadedExactnessTests {
  private func outcome(
    _ design: Design, _ source: EventArraySource, plan: Plan? = nil
  ) throws -> ExactnessCheck.Outcome {
    try exactnessCheck().compare(source, design: design, plan: plan)
  }

  @Test(arguments: Exactness.designs)
  func generatedThreads(design: Design) throws {
    for source in [
      EventArraySource.threaded(seed: 1, concurrent: 4, slots: 800, largest: 3_000),
      EventArraySource.threaded(
        seed: 2, concurrent: 3, slots: 60, largest: 5_000_000, operations: 20_000),
      EventArraySource.threaded(seed: 3, concurrent: 12, slots: 4_000, largest: 60_000),
    ] {
      let outcome = try outcome(design, source)
      #expect(outcome.windows == source.windows)
      #expect(
        outcome.differing == 0, "\(source.threads) threads: \(String(describing: outcome.first))")
    }
  }

  /// Sources of one length whose threads end or don't: what a model that forgets ends looks like.
  @Test(arguments: ["pool", "reuse"])
  func endsOfThreadsMatter(family: String) throws {
    var design = try #require(Exactness.designs.first { $0.family.name == family })
    if family == "reuse" {
      design = try #require(
        Exactness.designs.first { $0.family == .reuse && $0["cache"] == "thread-local" })
    }
    func source(endsThreads: Bool) -> EventArraySource {
      .threaded(
        seed: 4, concurrent: 4, slots: 60, largest: 5_000_000, operations: 20_000,
        endsThreads: endsThreads)
    }
    let endless = try Plan.compile(source(endsThreads: false))
    let outcome = try outcome(design, source(endsThreads: true), plan: endless)
    #expect(outcome.differing > 0)
    #expect(outcome.first?.operation != nil)
  }

  @Test func threadsMatter() throws {
    let design = try #require(Exactness.designs.first { $0.family == .pool })
    let source = EventArraySource.threaded(
      seed: 5, concurrent: 4, slots: 800, largest: 3_000)
    let alone = EventArraySource.threaded(seed: 5, concurrent: 1, slots: 800, largest: 3_000)
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
    let source = EventArraySource(
      events: events, slots: 64, threads: 2, siteAddresses: [1 << 32], touch: .firstLine)
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
    var source = EventArraySource(
      events: events, slots: 4, threads: 2, siteAddresses: [1 << 32], touch: .firstLine)
    source.windowEvents = 4
    let design = Design(family: .pool)
    var returned: [UInt64] = []
    _ = try Simulation(design: design).run(source) {
      returned.append($0.counts[Int(Step.pageReturn.rawValue)])
    }
    #expect(returned == [0, 1])
    let library = try testCompiler().build(design, counting: true)
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
    let source = EventArraySource.threaded(
      seed: 6, concurrent: 2, slots: 10, largest: 100, operations: 100)
    let library = try testCompiler().build(Design(family: .pool))
    #expect(throws: PlayerError.self) {
      try testPlayer().play(
        try Plan.compile(source), mode: .time, allocator: "pool", library: library
      ) { _ in }
    }
  }
}
