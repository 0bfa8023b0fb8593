import Designs
import TestSupport
import Testing

@testable import Models

@Suite struct ReusePolicyTests {
  private func withPolicy(
    _ changes: [String: String] = [:], _ body: (inout ReusePolicy, StepCounts) -> Void
  ) {
    let counts = StepCounts.allocate()
    defer { counts.deallocate() }
    let heap = ModelHeap()
    var policy = ReusePolicy(
      options: ReuseOptions(Design(family: .reuse, changes: changes)), counts: counts, heap: heap)
    withExtendedLifetime(heap) { body(&policy, counts) }
  }

  @Test(arguments: [1, 6, 11])
  func findsThePlantedBest(planted: Int) {
    withPolicy { policy, _ in
      let memory = NoMemory()
      for _ in 0..<(100 * ReusePolicy.round) {
        let chosen = policy.select(0, memory)
        policy.record(chosen, size: 4 << 20, cost: chosen == planted ? 10 : 500, thread: 0, memory)
      }
      #expect(policy.best == planted)
      let ratings = (0..<ReusePolicy.count).map { policy.strategies[$0].rating }
      #expect(ratings.indices.allSatisfy { $0 == planted || ratings[$0] < ratings[planted] })
      #expect(ratings[planted] > 1500)
      #expect(abs(ratings.reduce(0, +) - 12 * 1500) < 1e-6, "games move points, they make none")
    }
  }

  @Test func losersRetireButThreeStay() {
    withPolicy { policy, _ in
      let memory = NoMemory()
      for _ in 0..<(400 * ReusePolicy.round) {
        let chosen = policy.select(0, memory)
        policy.record(chosen, size: 4 << 20, cost: UInt64(chosen) * 100, thread: 0, memory)
      }
      #expect(policy.activeCount < ReusePolicy.count)
      #expect(policy.activeCount >= ReusePolicy.activeMinimum)
      #expect(policy.best == 0)
    }
  }

  @Test func equalCostsAndSmallSizesTeachNothing() {
    withPolicy { policy, counts in
      let memory = NoMemory()
      for _ in 0..<(20 * ReusePolicy.round) {
        let chosen = policy.select(0, memory)
        policy.record(chosen, size: 100, cost: UInt64(chosen), thread: 0, memory)
      }
      #expect((0..<ReusePolicy.count).allSatisfy { policy.strategies[$0].rating == 1500 })
      #expect(policy.best == 0)
      #expect(counts[.policyUpdate] == 0 && counts[.policyOutcome] == 0)
    }
  }

  @Test func exploresOneInTen() {
    withPolicy { policy, counts in
      let memory = NoMemory()
      for _ in 0..<100_000 { _ = policy.select(0, memory) }
      let explorations = counts[.policyScanActive] / UInt64(ReusePolicy.count)
      #expect(explorations + counts[.policyScanBest] / UInt64(ReusePolicy.count) == 100_000)
      #expect((9_500...10_500).contains(explorations))
      #expect(counts[.policyRandom] == 100_000 + explorations)
    }
  }

  @Test func frozenAndOffChooseTheGivenThreshold() {
    for policy in ["frozen", "off"] {
      withPolicy(["policy": policy, "threshold": "8MiB"]) { policy, counts in
        #expect(policy.threshold(policy.select(0, NoMemory())) == 8 << 20)
        #expect(counts[.policySelect] == 0)
      }
    }
  }
}

/// The ratings learn from what allocations did cost, in whichever direction that is.
@Suite struct ReuseLearningTests {
  private func learned(
    _ body: (inout ReuseModel<NoMemory>, Int) -> Void
  ) -> [(threshold: UInt64, rating: Double, isActive: Bool)] {
    let counts = StepCounts.allocate()
    defer { counts.deallocate() }
    var model = ReuseModel(
      design: Design(family: .reuse, changes: ["cache": "off"]), memory: NoMemory(),
      counts: counts)
    for number in 0..<(150 * ReusePolicy.round) { body(&model, number) }
    #expect(counts[.policyUpdate] > 0)
    let best = model.policy.strategies[model.policy.best]
    let strategies = (0..<ReusePolicy.count).map { model.policy.strategies[$0] }
    #expect(strategies.allSatisfy { !$0.isActive || $0.rating <= best.rating })
    return ([best] + strategies).map { ($0.threshold, $0.rating, $0.isActive) }
  }

  /// The same block over and over: below the threshold it is recycled for nothing.
  @Test func recyclingTeachesAHighThreshold() {
    let strategies = learned { model, number in
      let block = model.allocate(
        size: 5 << 20, alignment: 0, zeroed: false, site: 1, thread: 0)
      model.deallocate(block, thread: 0)
    }
    #expect(strategies[0].threshold > 5 << 20 && strategies[0].rating > 1500)
    for strategy in strategies.dropFirst() where strategy.threshold <= 5 << 20 {
      #expect(strategy.rating < strategies[0].rating)
    }
    #expect(strategies.dropFirst().contains { $0.threshold <= 5 << 20 && !$0.isActive })
  }

  /// Blocks that stay, of a size just above a class: the backing rounds a fifth up, a mapping
  /// doesn't.
  @Test func wasteTeachesALowThreshold() {
    let strategies = learned { model, number in
      // Most allocations are small: a process can't map a million of these.
      let size: UInt64 = number % 16 == 0 ? 4 << 20 : 16
      _ = model.allocate(size: size, alignment: 0, zeroed: false, site: 1, thread: 0)
    }
    #expect(strategies[0].threshold <= 4 << 20 && strategies[0].rating > 1500)
    for strategy in strategies.dropFirst() where strategy.threshold > 4 << 20 {
      #expect(strategy.rating < strategies[0].rating)
    }
  }
}

@Suite struct ReuseModelTests {
  private func withModel(
    _ changes: [String: String] = [:],
    _ body: (inout ReuseModel<NoMemory>, NoMemory, StepCounts) -> Void
  ) {
    let counts = StepCounts.allocate()
    defer { counts.deallocate() }
    let memory = NoMemory()
    var model = ReuseModel(
      design: Design(family: .reuse, changes: changes), memory: memory, counts: counts)
    body(&model, memory, counts)
  }

  @Test func handsAFreedBlockOutAgainAtTheSameSiteOnly() {
    withModel(["policy": "off"]) { model, _, counts in
      let first = model.allocate(
        size: 2 << 20, alignment: 0, zeroed: false, site: 0x1000, thread: 0)
      model.deallocate(first, thread: 0)
      let other = model.allocate(
        size: 2 << 20, alignment: 0, zeroed: false, site: 0x2000, thread: 0)
      #expect(other != first)
      // The same row, but another site: the slot's site is compared.
      let collision = model.allocate(
        size: 2 << 20, alignment: 0, zeroed: false, site: 0x1000 + 64 << 12, thread: 0)
      #expect(collision != first)
      let again = model.allocate(
        size: 2 << 20, alignment: 0, zeroed: false, site: 0x1000, thread: 0)
      #expect(again == first)
      #expect(counts[.cacheHit] == 1 && counts[.cacheLookup] == 4 && counts[.mapCall] == 3)
    }
  }

  @Test func keyedByClassAnySiteTakesIt() {
    withModel(["policy": "off", "header": "16"]) { model, _, counts in
      let first = model.allocate(size: 2 << 20, alignment: 0, zeroed: false, site: 1, thread: 0)
      model.deallocate(first, thread: 0)
      let again = model.allocate(
        size: 2 << 20, alignment: 0, zeroed: true, site: 9 << 12, thread: 0)
      #expect(again == first)
      #expect(counts[.siteHash] == 0 && counts[.lineZeroed] == 2 << 20 / 64)
    }
  }

  @Test func evictedMappingsArePurgedInBatchesAndUnmappedWhenTooMany() {
    withModel(["policy": "off"]) { model, memory, counts in
      let blocks = (0..<100).map { _ in
        model.allocate(size: 3 << 20, alignment: 0, zeroed: false, site: 1, thread: 0)
      }
      for block in blocks { model.deallocate(block, thread: 0) }
      // 99 evicted: six batches of sixteen purged, of these 64 kept; three wait.
      #expect(counts[.cacheEvict] == 99 && counts[.batchAppend] == 99)
      #expect(counts[.adviseCall] == 96 && counts[.unmapCall] == 32)
      #expect(memory.space.mappedBytes == 68 * (3 << 20 + 4096))
    }
  }

  @Test func aFreeListHoldsSixteenAndOffersTheLastFreed() {
    withModel(["policy": "off", "free-lists": "on", "bins": "size-segregated"]) {
      model, _, counts in
      let blocks = (0..<18).map { _ in
        model.allocate(size: 3 << 20, alignment: 0, zeroed: false, site: 1, thread: 0)
      }
      for block in blocks { model.deallocate(block, thread: 0) }
      #expect(counts[.cacheEvict] == 2 && counts[.freeListPush] == 18 && counts[.cacheStore] == 0)
      // The last freed but two were driven out, each by the next.
      let again = (0..<16).map { site in
        model.allocate(size: 3 << 20, alignment: 0, zeroed: false, site: site << 12, thread: 0)
      }
      #expect(again == [blocks[17]] + blocks[0..<15].reversed())
      #expect(counts[.mapCall] == 18 && counts[.freeListPop] == 16)
      // What is too large for the block freed last finds none, though a larger one lies below it.
      for block in [again[1], again[0]] { model.deallocate(block, thread: 0) }
      let small = model.allocate(
        size: 2 << 20, alignment: 0, zeroed: false, site: 0, thread: 0)
      #expect(small == again[0])
    }
  }

  @Test func arenasMapOncePerSixtyFourMebibytesAndTakeBlocksBack() {
    withModel(["policy": "off", "arenas": "on", "cache": "off"]) { model, memory, counts in
      // 2 MiB and the header take 2.5 MiB: 25 to an arena.
      let blocks = (0..<26).map { _ in
        model.allocate(size: 2 << 20, alignment: 0, zeroed: false, site: 1, thread: 0)
      }
      #expect(counts[.mapCall] == 2 && counts[.blockCarve] == 26)
      #expect(memory.space.mappedBytes == 128 << 20)
      for block in blocks { model.deallocate(block, thread: 0) }
      let again = model.allocate(
        size: 2_200_000, alignment: 0, zeroed: true, site: 1, thread: 0)
      #expect(again == blocks[25])
      #expect(counts[.unmapCall] == 0 && counts[.adviseCall] == 0 && counts[.mapCall] == 2)
      #expect(counts[.lineZeroed] == (2_200_000 + 63) / 64)
    }
  }

  @Test func aThreadHeapGivesHalfBackWhenItHasTooMany() {
    withModel(["policy": "off", "heap": "thread-local"]) { model, _, counts in
      let blocks = (0..<560).map { _ in
        model.allocate(size: 80, alignment: 0, zeroed: false, site: 1, thread: 0)
      }
      // One lock for the heap and one for the first run.
      #expect(counts[.lockUncontended] == 2 && counts[.heapInit] == 1)
      for block in blocks { model.deallocate(block, thread: 1) }
      // Its heap, and at 257, 385 and 513 frees half of the 257 it has then goes.
      #expect(counts[.blockTransfer] == 3 * 128 && counts[.lockUncontended] == 2 + 1 + 3)
      // Thread 2 has nothing of its own and takes what thread 1 gave back.
      let taken = model.allocate(size: 80, alignment: 0, zeroed: false, site: 1, thread: 2)
      #expect(blocks.contains(taken))
      #expect(counts[.blockTransfer] == 4 * 128)
      // An ended thread's heap serves the next thread.
      model.endThread(1)
      let adopted = model.allocate(size: 80, alignment: 0, zeroed: false, site: 1, thread: 3)
      #expect(adopted == blocks[559] && counts[.heapInit] == 3)
    }
  }

  @Test func lazyPurgesKeepTheirPages() {
    for advice in ["dontneed", "free"] {
      withModel(["policy": "off", "madvise": advice, "eviction": "purge"]) { model, _, counts in
        let blocks = (0..<3).map { _ in
          model.allocate(size: 3 << 20, alignment: 0, zeroed: false, site: 1, thread: 0)
        }
        for block in blocks { model.deallocate(block, thread: 0) }
        #expect(counts[.adviseCall] == (advice == "dontneed" ? 2 : 0))
        #expect(counts[.adviseFree] == (advice == "free" ? 2 : 0))
      }
    }
  }

  @Test func threadsHaveTheirOwnCaches() {
    withModel(["policy": "off", "cache": "thread-local"]) { model, _, counts in
      let first = model.allocate(size: 2 << 20, alignment: 0, zeroed: false, site: 1, thread: 3)
      model.deallocate(first, thread: 3)
      #expect(
        model.allocate(size: 2 << 20, alignment: 0, zeroed: false, site: 1, thread: 0) != first)
      #expect(
        model.allocate(size: 2 << 20, alignment: 0, zeroed: false, site: 1, thread: 3) == first)
      #expect(counts[.cacheHit] == 1)
    }
  }

  @Test(arguments: [
    [:], ["header": "16"], ["bins": "size-segregated"], ["policy": "off", "threshold": "512KiB"],
    ["cache": "off", "policy": "off", "threshold": "24MiB"],
    ["free-lists": "on", "heap": "thread-local"],
    ["arenas": "on", "policy": "off", "threshold": "512KiB"],
  ])
  func liveBlocksNeverOverlapAndAreAligned(changes: [String: String]) throws {
    let source = EventArraySource.random(
      operations: 20_000, slots: 300, sizes: 0...(3 << 20), seed: 5)
    let blocks = try LiveBlocks(Design(family: .reuse, changes: changes), source)
    #expect(blocks.problems.isEmpty, "\(blocks.problems.first ?? "")")
    #expect(blocks.allocations > 5_000)
  }
}
