import Designs
import Traces

@testable import Models

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): streams of the tests, the same on every run.
struct TestGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Operations held in an array.
struct ArraySource: OperationSource {
  var events: [Event]
  var slots: Int
  var siteAddresses: [UInt64] = [1 << 32]
  var touch = TouchPolicy.firstLine
  var windowEvents = 1024
  var blockLength = 4096

  func forEachOperationBlock(_ body: (UnsafeBufferPointer<Event>) throws -> Void) throws {
    try events.withUnsafeBufferPointer { events in
      for start in stride(from: 0, to: events.count, by: blockLength) {
        let end = min(start + blockLength, events.count)
        try body(UnsafeBufferPointer(rebasing: events[start..<end]))
      }
    }
  }

  /// Random mallocs, reallocs and frees over so many slots.
  static func random(
    operations: Int, slots: Int, sizes: ClosedRange<UInt64> = 1...4096, seed: UInt64
  ) -> ArraySource {
    var generator = TestGenerator(state: seed)
    var live = [Bool](repeating: false, count: slots)
    let events = (0..<operations).map { _ in
      let slot = Int.random(in: 0..<slots, using: &generator)
      let size = UInt64.random(in: sizes, using: &generator)
      let choice = Int.random(in: 0..<8, using: &generator)
      defer { live[slot] = !live[slot] || choice == 0 }
      if !live[slot] {
        let kind: EventKind = choice == 1 ? .calloc : (choice == 2 ? .aligned : .malloc)
        return Event(
          kind: kind, alignmentLog2: kind == .aligned ? 6 : 0, slot: UInt32(slot), size: size)
      }
      return choice == 0
        ? Event(kind: .realloc, slot: UInt32(slot), size: size)
        : Event(kind: .free, slot: UInt32(slot))
    }
    return ArraySource(events: events, slots: slots)
  }
}

/// The simplest allocator there is: every block is a region of its own.
struct RegionModel<Memory: MemoryModel>: AllocatorModel {
  let memory: Memory
  let counts: StepCounts
  private var bytes: [Address: UInt64] = [:]

  init(design: Design, memory: Memory, counts: StepCounts) {
    self.memory = memory
    self.counts = counts
  }

  mutating func allocate(
    size: UInt64, alignment: UInt64, zeroed: Bool, site: UInt64, thread: UInt16
  ) -> Address {
    counts.count(.mallocCall)
    let address = memory.map(bytes: max(size, 1))
    bytes[address] = max(size, 1)
    return address
  }

  mutating func deallocate(_ address: Address, thread: UInt16) {
    counts.count(.freeCall)
    memory.unmap(address, bytes: bytes.removeValue(forKey: address) ?? 0)
  }

  mutating func reallocate(
    _ address: Address, size: UInt64, site: UInt64, thread: UInt16
  ) -> Address {
    counts.count(.reallocCall)
    deallocate(address, thread: thread)
    return allocate(size: size, alignment: 0, zeroed: false, site: site, thread: thread)
  }
}
