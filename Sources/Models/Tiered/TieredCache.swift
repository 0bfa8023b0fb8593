import Designs

/// The freed mappings that are kept, the most recently used first: mapped.h's list over slots.
struct TieredCache {
  struct Slot {
    var region: Address = 0
    var bytes: UInt64 = 0
    var next = 0
    var previous = 0
  }

  /// Slot 0 begins and ends the list.
  let slots: UnsafeMutablePointer<Slot>
  /// Of two slots each.
  private let lines: UnsafeMutablePointer<SharedLine>
  private(set) var bytes: UInt64 = 0
  private(set) var count = 0
  private var used = 0
  private var free = 0

  init(entries: Int, heap: ModelHeap) {
    slots = heap.allocate(entries + 2, of: Slot())
    lines = heap.allocate(entries / 2 + 1, of: SharedLine())
  }

  mutating func remove(_ slot: Int, by thread: UInt16, _ counts: StepCounts) {
    let entry = slots[slot]
    lines[entry.previous / 2].write(by: thread, counts)
    lines[entry.next / 2].write(by: thread, counts)
    lines[slot / 2].write(by: thread, counts)
    slots[entry.previous].next = entry.next
    slots[entry.next].previous = entry.previous
    bytes -= entry.bytes
    count -= 1
    slots[slot].next = free
    free = slot
  }

  /// - Returns: the slot.
  mutating func insert(
    _ region: Address, bytes added: UInt64, by thread: UInt16, _ counts: StepCounts
  ) -> Int {
    var slot = free
    if slot != 0 {
      free = slots[slot].next
    } else {
      used += 1
      slot = used
    }
    let first = slots[0].next
    lines[slot / 2].write(by: thread, counts)
    lines[first / 2].write(by: thread, counts)
    lines[0].write(by: thread, counts)
    slots[slot] = Slot(region: region, bytes: added, next: first, previous: 0)
    slots[first].previous = slot
    slots[0].next = slot
    bytes += added
    count += 1
    return slot
  }
}
