import Designs
import Traces

@testable import Models

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
