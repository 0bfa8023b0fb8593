import Designs
import Foundation
import Models
import NativeDesigns
import Platform
import TestSupport
import Testing
import Traces

@testable import Replay

/// Threads that really run beside each other: what is counted then, and what is predicted of it.
@Suite struct ConcurrencyTests {
  /// A source's plan, and its order if the threads' calls began then.
  private func order(
    _ source: ThreadsSource, stamps: [[UInt64]]
  ) throws -> (plan: Plan, order: ConcurrentOrder) {
    let plan = try Plan.compile(source, threads: source.threads, pace: .none)
    let order = try ConcurrentOrder(
      plan, siteAddresses: source.siteAddresses, stamps: stamps.flatMap { $0 })
    return (plan, order)
  }

  @Test func followsTheTimeStampsAcrossWindows() throws {
    let stamps: [[UInt64]] = [
      [0, 100, 200, 300, 400, 500, 600, 700, 800, 900],
      [350, 450, 451, 452, 453, 454, 650, 651, 1000, 1001],
    ]
    let (plan, order) = try order(ThreadsSource(calls: 10, windowEvents: 4), stamps: stamps)
    var threads: [UInt16] = []
    var slots: Set<UInt32> = []
    try order.forEachOperationBlock { block in
      threads += block.map(\.thread)
      slots.formUnion(block.map(\.slot))
    }
    #expect(threads == [0, 0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1])
    #expect(slots.count == 20)
    #expect(order.usualDistances == [100, 1])
    withExtendedLifetime(plan) {}
  }

  /// Threads in turn: every call but the first moves the lock's line and the bin's. A lock is held for
  /// 50 ticks here; of the thread's last call nobody knows.
  @Test(arguments: [(10, 19), (50, 0), (60, 19)] as [(UInt64, UInt64)])
  func predictsByHand(lag: UInt64, waits: UInt64) throws {
    let first = (0..<20).map { UInt64($0) * 100 }
    let (plan, order) = try order(
      ThreadsSource(calls: 20), stamps: [first, first.map { $0 + lag }])
    let design = Design(family: .locked, changes: ["lock": "spin"])
    let predicted = try ConcurrencyCheck.predict(order, design: design)
    #expect(predicted.transfers == 78)
    #expect(predicted.waits == waits)
    withExtendedLifetime(plan) {}
  }

  /// A thread that lost its processor in the middle of a call holds no lock all the while.
  @Test func aLongCallHoldsALockNoLongerThanOthers() throws {
    let long: [UInt64] = [0, 100, 200, 300, 100_300]
    let other: [UInt64] = [2000, 2050, 2100, 2150, 2200]
    let (plan, order) = try order(ThreadsSource(calls: 5), stamps: [long, other])
    let predicted = try ConcurrencyCheck.predict(
      order, design: Design(family: .locked, changes: ["lock": "spin"]))
    #expect(predicted.waits == 0)
    withExtendedLifetime(plan) {}
  }

  /// Whoever takes another class's lock waits for nobody.
  @Test func locksOfTwoClassesAreTwoLocks() throws {
    let first = (0..<20).map { UInt64($0) * 100 }
    let stamps = [first, first.map { $0 + 10 }]
    let design = Design(family: .locked, changes: ["lock": "per-class"])
    let (plan, apart) = try order(ThreadsSource(calls: 20, sizes: [24, 200]), stamps: stamps)
    // The heap's own lock, for a run each.
    let few = try ConcurrencyCheck.predict(apart, design: design)
    #expect(few.transfers == 1 && few.waits == 1)
    let (other, together) = try order(ThreadsSource(calls: 20), stamps: stamps)
    let many = try ConcurrencyCheck.predict(together, design: design)
    #expect(many.transfers == 39 && many.waits == 19)
    withExtendedLifetime((plan, other)) {}
  }

  /// What doesn't depend on timing is the same on real threads as on one.
  @Test(arguments: ["mutex", "spin", "per-class"])
  func countingLosesNothingOnRealThreads(lock: String) throws {
    let design = Design(family: .locked, changes: ["lock": lock])
    let source = ThreadsSource(calls: 20_000, threads: 4, frees: true)
    let plan = try Plan.compile(source, threads: 4, pace: .none)
    let library = try testCompiler().build(design, counting: true)
    let counted = try testPlayer().countConcurrently(
      plan, allocator: design.description, library: library)
    let model = try Simulation(design: design).run(source)
    #expect(counted.calls == 80_000 && counted.stamps.count == 80_000)
    for step in [Step.mallocCall, .freeCall, .freeListPush, .headerWrite, .magicMark] {
      #expect(counted[step] == model[step], "\(step)")
    }
    let taken: [Step] = [.lockUncontended, .lockContended, .mutexUncontended, .mutexContended]
    // Cutting runs takes a lock too, as often as blocks run out: that depends on the order.
    let runs = lock == "per-class" ? counted[.runCarve] : 0
    #expect(taken.reduce(0) { $0 + counted[$1] } == 80_000 + runs)
    let outcome = try ConcurrencyCheck(player: testPlayer(), compiler: testCompiler())
      .compare(source, design: design, plan: plan)
    #expect(outcome.calls == 80_000 && outcome.countedTransfers > 0)
    #expect(outcome.predictedTransfers > 0)
  }

  @Test func ordinaryBuildsCountNothing() throws {
    let source = ThreadsSource(calls: 100)
    let plan = try Plan.compile(source, threads: 2, pace: .none)
    let library = try testCompiler().build(Design(family: .locked))
    #expect(throws: PlayerError.self) {
      try testPlayer().countConcurrently(plan, allocator: "locked", library: library)
    }
  }
}

/// Threads in turn, each allocating blocks of its size; with `frees` every other call frees what the
/// thread before allocated.
private struct ThreadsSource: OperationSource {
  let calls: Int
  var threads = 2
  var windowEvents = 1024
  var sizes: [UInt64] = [24]
  var frees = false
  var siteAddresses: [UInt64] { [1 << 32] }
  var touch: TouchPolicy { .firstLine }
  var slots: Int { calls * threads }

  init(
    calls: Int, threads: Int = 2, windowEvents: Int = 1024, sizes: [UInt64] = [24],
    frees: Bool = false
  ) {
    self.calls = calls
    self.threads = threads
    self.windowEvents = windowEvents
    self.sizes = sizes
    self.frees = frees
  }

  func forEachOperationBlock(_ body: (UnsafeBufferPointer<Event>) throws -> Void) throws {
    var events: [Event] = []
    for call in 0..<calls {
      for thread in 0..<threads {
        let isFree = frees && call % 2 == 1
        let owner = isFree ? (thread + 1) % threads : thread
        let slot = UInt32((isFree ? call - 1 : call) * threads + owner)
        events.append(
          Event(
            kind: isFree ? .free : .malloc, thread: UInt16(thread), slot: slot,
            size: isFree ? 0 : sizes[thread % sizes.count]))
      }
    }
    try events.withUnsafeBufferPointer(body)
  }
}
