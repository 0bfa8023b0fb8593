import Designs
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
    [:], ["header": "16"], ["cache-key": "class"], ["policy": "off", "threshold": "512KiB"],
    ["cache": "off", "policy": "off", "threshold": "24MiB"],
  ])
  func liveBlocksNeverOverlapAndAreAligned(changes: [String: String]) throws {
    var live: [UInt32: Range<Address>] = [:]
    let source = ArraySource.random(
      operations: 20_000, slots: 300, sizes: 0...(3 << 20), seed: 5)
    var checked = 0
    _ = try Simulation(design: Design(family: .reuse, changes: changes)).run(
      source,
      onOperation: { _, event, address, _ in
        live[event.slot] = nil
        guard event.kind.allocates else { return }
        checked += 1
        #expect(address % max(event.alignment, 16) == 0)
        live[event.slot] = address..<(address + max(event.size, 1))
        guard checked % 500 == 0 else { return }
        let sorted = live.values.sorted { $0.lowerBound < $1.lowerBound }
        #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
      })
    #expect(checked > 5_000)
  }

  @Test func aBinHoldsWhatItSays() {
    let wrong = (UInt64(17)...70_000).first { bytes in
      let bin = ReuseBacking.bin(of: bytes)
      return ReuseBacking.bytes(ofBin: bin) < bytes || ReuseBacking.bytes(ofBin: bin - 1) >= bytes
    }
    #expect(wrong == nil)
    #expect(ReuseBacking.bin(of: 24 << 20 + 8192) < ReuseBacking.bins)
  }
}
