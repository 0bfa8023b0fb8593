import Designs
import Platform
import TestSupport
import Testing

@testable import Models

@Suite struct TieredModelTests {
  private func withModel(
    _ changes: [String: String] = [:],
    hugePages: HugePages = HugePages(reserved: 0, gigantic: 0, transparent: true),
    _ body: (inout TieredModel<NoMemory>, NoMemory, StepCounts) -> Void
  ) {
    let counts = StepCounts.allocate()
    defer { counts.deallocate() }
    let memory = NoMemory()
    var model = TieredModel(
      design: Design(family: .tiered, changes: changes), memory: memory, counts: counts)
    model.givenHugePages = hugePages
    body(&model, memory, counts)
  }

  private func allocate(
    _ model: inout TieredModel<NoMemory>, _ size: UInt64, alignment: UInt64 = 0,
    thread: UInt16 = 0
  ) -> Address {
    model.allocate(size: size, alignment: alignment, zeroed: false, site: 0, thread: thread)
  }

  /// The seed's sizes lie in the tiers it names them for.
  @Test func aTierBeginsAtItsThreshold() {
    withModel(["madvise": "willneed"]) { model, _, counts in
      for (size, small, medium, mapped, huge) in [
        (1023, 1, 0, 0, 0), (1024, 1, 1, 0, 0), (16383, 1, 2, 0, 0), (16384, 1, 2, 1, 0),
        ((2 << 20) - 1, 1, 2, 2, 0), (2 << 20, 1, 2, 2, 1),
      ] as [(UInt64, UInt64, UInt64, UInt64, UInt64)] {
        _ = allocate(&model, size)
        #expect(counts[.sizeClassShift] == small, "\(size)")
        #expect(counts[.sizeClassLeadingZeros] == medium, "\(size)")
        #expect(counts[.adviseWillNeed] == mapped, "\(size)")
        #expect(counts[.adviseHugePage] == huge, "\(size)")
      }
    }
  }

  @Test func theCacheGivesTheMostRecentThatFitsAndDropsTheOldest() {
    withModel(["region-cache-entries": "16", "pattern-detection": "off"]) { model, memory, counts in
      let blocks = (0..<20).map { _ in allocate(&model, 100 << 10) }
      for block in blocks { model.deallocate(block, thread: 0) }
      #expect(counts[.regionCacheStore] == 20 && counts[.regionCacheEvict] == 4)
      #expect(memory.space.mappedBytes == 16 * AddressSpace.wholePages(100 << 10 + 64) + 4096)
      #expect(allocate(&model, 90 << 10) == blocks[19])
      #expect(counts[.regionCacheHit] == 1 && counts[.regionCacheProbe] == 1)
      // More than a quarter would be wasted: every entry is looked at in vain.
      let map = counts[.mapCall]
      _ = allocate(&model, 60 << 10)
      #expect(counts[.regionCacheHit] == 1 && counts[.regionCacheProbe] == 16)
      #expect(counts[.mapCall] == map + 1)
    }
  }

  @Test func theCacheKeepsNoMoreBytesThanItMay() {
    withModel([
      "region-cache-bytes": "16MiB", "pattern-detection": "off", "statistics": "off",
    ]) { model, memory, counts in
      let blocks = (0..<20).map { _ in allocate(&model, 1 << 20) }
      for block in blocks { model.deallocate(block, thread: 0) }
      // 15 regions of 1 MiB and a page fit into 16 MiB.
      #expect(counts[.regionCacheEvict] == 5)
      #expect(memory.space.mappedBytes <= 16 << 20)
    }
  }

  @Test func reservedPagesAreTakenAndGivenBack() {
    let machine = HugePages(reserved: 3, gigantic: 1, transparent: false)
    withModel(hugePages: machine) { model, _, counts in
      let first = allocate(&model, 3 << 20)
      #expect(counts[.hugePageMap] == 1 && counts[.hugePageDetect] == 1)
      #expect(first % (2 << 20) == 0)
      // Two of the three pages are taken, and nothing else is to be had.
      let second = allocate(&model, 4 << 20)
      #expect(counts[.hugePageFallback] == 1 && counts[.transparentPageFallback] == 1)
      #expect(counts[.hugePageMap] == 1 && counts[.regionCacheProbe] == 0)
      model.deallocate(first, thread: 0)
      _ = allocate(&model, 6 << 20)
      #expect(counts[.hugePageMap] == 2 && counts[.hugePageDetect] == 1)
      _ = allocate(&model, 1 << 30)
      #expect(counts[.hugePageMap] == 3 && counts[.giganticPageFallback] == 0)
      _ = allocate(&model, 1 << 30)
      #expect(counts[.giganticPageFallback] == 1 && counts[.hugePageFallback] == 2)
      model.deallocate(second, thread: 0)
      #expect(counts[.regionCacheStore] == 1)
    }
  }

  @Test func variedMappingsAreRoundedUpAndRepeatedOnesAreNot() {
    for (varied, rounds) in [(true, true), (false, false)] {
      withModel { model, _, counts in
        for number in 0..<600 {
          let size = 100_000 + (varied ? UInt64(number % 7) * 9_000 : 0)
          model.deallocate(allocate(&model, size), thread: 0)
        }
        #expect(counts[.patternUpdate] == 2)
        #expect((counts[.patternRounding] > 0) == rounds)
      }
    }
  }

  @Test func listsBeyondTheirLimitFlowOverToOtherThreads() {
    withModel { model, _, counts in
      let blocks = (0..<40).map { _ in allocate(&model, 4000, thread: 1) }
      for block in blocks { model.deallocate(block, thread: 2) }
      #expect(counts[.blockTransfer] == 16)
      let carved = counts[.blockCarve]
      // What is left of the first thread's chunk is used up before it takes from others.
      while counts[.blockTransfer] == 16 { _ = allocate(&model, 4000, thread: 1) }
      #expect(counts[.blockTransfer] == 32 && counts[.blockCarve] > carved)
    }
  }

  @Test func anEndedThreadsHeapIsAdopted() {
    withModel { model, memory, counts in
      let block = allocate(&model, 4000, thread: 1)
      model.deallocate(block, thread: 1)
      let regions = memory.space.regions
      model.endThread(1)
      #expect(allocate(&model, 4000, thread: 2) == block)
      #expect(memory.space.regions == regions && counts[.heapInit] == 1)
    }
  }

  @Test(arguments: Design.singleToggleVariants(of: .tiered))
  func liveBlocksNeverOverlapAndAreAligned(design: Design) throws {
    let source = EventArraySource.random(
      operations: 10_000, slots: 300, sizes: 0...(40 << 10), seed: 5)
    let blocks = try LiveBlocks(design, source)
    #expect(blocks.problems.isEmpty, "\(blocks.problems.first ?? "")")
    #expect(blocks.allocations > 3_000)
  }
}
