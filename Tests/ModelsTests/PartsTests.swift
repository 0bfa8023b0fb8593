import Designs
import Platform
import Testing

@testable import Models

@Suite struct SizeClassTests {
  @Test func aClassHoldsWhatItSaysAndTheOneBelowDoesNot() {
    let wrong = (UInt64(1)...70_000).first { bytes in
      let number = SizeClasses.number(of: bytes)
      return SizeClasses.bytes(of: number) < bytes
        || (number > 0 && SizeClasses.bytes(of: number - 1) >= bytes)
    }
    #expect(wrong == nil)
    #expect(SizeClasses.number(of: 256 << 10) == LockedLayout.bins - 1)
    #expect(SizeClasses.number(of: 24 << 20 + 8192) < ReuseBacking.bins)
  }

  @Test func classesAreFoundByAShiftUpTo128Bytes() {
    #expect(SizeClasses.isLinear(SizeClasses.number(of: 128)))
    #expect(!SizeClasses.isLinear(SizeClasses.number(of: 129)))
  }
}

@Suite struct ModelMemoryTests {
  /// What was freed is used again by others: values that move must not share memory.
  @Test func listsInOneHeapKeepTheirValuesWhileTheyGrow() {
    let heap = ModelHeap()
    withExtendedLifetime(heap) {
      var generator = SeededGenerator(seed: 3)
      var lists = [ModelList<UInt64>](repeating: ModelList(), count: 7)
      var plain = [[UInt64]](repeating: [], count: 7)
      for value in UInt64(0)..<50_000 {
        let number = Int.random(in: 0..<7, using: &generator)
        if value % 3 == 2, let last = plain[number].popLast() {
          #expect(lists[number].removeLast() == last)
        } else {
          lists[number].append(value, heap)
          plain[number].append(value)
        }
      }
      for (list, plain) in zip(lists, plain) {
        #expect(Array(UnsafeBufferPointer(start: list.first, count: list.count)) == plain)
      }
    }
  }

  @Test func freedMemoryLeavesTheRestOwned() {
    let heap = ModelHeap()
    withExtendedLifetime(heap) {
      var kept: [UnsafeMutablePointer<Int>] = []
      for value in 0..<300 {
        kept.append(heap.allocate(10, of: value))
        if value % 3 == 0 { heap.free(kept.remove(at: kept.count / 2)) }
      }
      for index in kept.indices { kept[index] = heap.grow(kept[index], from: 10, to: 20, of: -1) }
      for pointer in kept {
        let value = pointer[0]
        #expect((0..<20).allSatisfy { pointer[$0] == ($0 < 10 ? value : -1) })
      }
      #expect(Set(kept.map { $0[0] }).count == kept.count)
    }
  }

  @Test func recordsAreRecycledTheLastFreedFirst() {
    let heap = ModelHeap()
    withExtendedLifetime(heap) {
      var records = RecycledRecords<Int>()
      for value in 0..<100 { #expect(records.add(value, heap) == value) }
      records.remove(17, heap)
      records.remove(4, heap)
      #expect(records.add(-4, heap) == 4)
      #expect(records.add(-17, heap) == 17)
      #expect(records.add(100, heap) == 100)
      #expect(records.records[4] == -4 && records.records[17] == -17 && records.records[99] == 99)
    }
  }

  @Test func aRegionTableAgreesWithADictionary() {
    let heap = ModelHeap()
    withExtendedLifetime(heap) {
      var generator = SeededGenerator(seed: 11)
      var table = RegionTable(heap)
      var plain: [UInt64: Int64] = [:]
      for region in UInt64(1)...5_000 {
        table.insert(region << AddressSpace.offsetBits, Int64(region) * 3, heap)
        plain[region] = Int64(region) * 3
        if region % 2 == 0, let gone = plain.keys.sorted().randomElement(using: &generator) {
          table.remove(gone << AddressSpace.offsetBits + 12_345)
          plain[gone] = nil
        }
      }
      #expect(plain.allSatisfy { table[$0 << AddressSpace.offsetBits + 77] == $1 })
    }
  }

  @Test func aRemainderIsCutFromItsStart() {
    var rest = Remainder()
    #expect(!rest.holds(1))
    rest = Remainder(1 << 40, bytes: 100)
    #expect(rest.cut(64) == 1 << 40 && rest.cut(36) == 1 << 40 + 64)
    #expect(!rest.holds(1))
  }
}

@Suite struct LockedInstructionTests {
  /// Memory that remembers what a locked instruction would have waited for.
  private final class Recorder: MemoryModel {
    static var observesTouches: Bool { true }
    private(set) var space = AddressSpace()
    var peakResidentBytes: UInt64 { 0 }
    var locked: UInt64 = 0

    func map(bytes: UInt64) -> Address { space.map(bytes: bytes) }
    func unmap(_ address: Address, bytes: UInt64) { space.unmap(bytes: bytes) }
    func purge(_ address: Address, bytes: UInt64) {}
    func useHugePages(_ address: Address, bytes: UInt64) {}
    func touch(_ address: Address, isWrite: Bool) {}
    func lockedInstruction() { locked += 1 }
    func touchRange(_ address: Address, bytes: UInt64, isWrite: Bool) {}
    func touchPages(_ address: Address, bytes: UInt64) {}
    func branch(_ site: UInt32, taken: Bool) {}
    func settle() {}
  }

  private static let steps: [Step] = [
    .lockUncontended, .atomicUncontended, .usedCounterAtomic, .statisticAtomic,
  ]

  /// Every step that is a locked instruction makes the memory wait, once, and a mutex doesn't: whoever
  /// counts one without, or waits without counting, is found here.
  @Test(arguments: [
    (Family.pool, [:]), (.pool, ["used-counter": "atomic"]),
    (.pool, ["free-lists": "local", "magazine": "on"]), (.pool, ["remote-collection": "eagerly"]),
    (.reuse, [:]), (.reuse, ["heap": "thread-local", "arenas": "on"]),
    (.reuse, ["cache": "thread-local", "policy": "off", "threshold": "512KiB"]),
    (.tiered, [:]), (.tiered, ["statistics": "relaxed", "warming": "on"]),
    (.tiered, ["medium": "global", "hugepage-threshold": "1MiB"]), (.tiered, ["tiers": "off"]),
    (.locked, [:]), (.locked, ["lock": "spin"]), (.locked, ["lock": "per-class"]),
  ])
  func everyLockedStepIsOne(family: Family, changes: [String: String]) {
    let counts = StepCounts.allocate()
    defer { counts.deallocate() }
    let memory = Recorder()
    let design = Design(family: family, changes: changes)
    switch family.kind {
    case .pool: exercise(PoolModel(design: design, memory: memory, counts: counts))
    case .reuse: exercise(ReuseModel(design: design, memory: memory, counts: counts))
    case .tiered: exercise(TieredModel(design: design, memory: memory, counts: counts))
    case .locked: exercise(LockedModel(design: design, memory: memory, counts: counts))
    }
    let counted = Self.steps.reduce(0) { $0 + counts[$1] }
    #expect(counted + counts[.mutexUncontended] > 0)
    #expect(memory.locked == counted)
  }

  /// Three threads that free each other's blocks, end and begin again.
  private func exercise(_ model: some AllocatorModel) {
    var model = model
    var generator = SeededGenerator(seed: 5)
    var live: [Address] = []
    for operation in 0..<30_000 {
      let thread = UInt16.random(in: 0..<3, using: &generator)
      if operation % 5_000 == 4_999 {
        model.endThread(thread)
      } else if live.count > 400 || (Bool.random(using: &generator) && !live.isEmpty) {
        let freed = live.remove(at: Int.random(in: 0..<live.count, using: &generator))
        model.deallocate(freed, thread: thread)
      } else {
        let size = UInt64(1) << UInt64.random(in: 0...22, using: &generator)
        live.append(
          model.allocate(size: size, alignment: 0, zeroed: false, site: size << 12, thread: thread))
      }
    }
  }
}
