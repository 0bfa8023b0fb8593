/// Gives objects their dense numbers: an allocation takes the slot that was freed last, else the
/// next new one. The rule is part of the trace format, which is why an allocation's slot costs no
/// bytes: whoever feeds a `TraceWriter` takes slots from here.
///
/// A slot costs 4 bytes. Freeing a slot twice, or one that isn't live, is the caller's mistake and
/// refused by the writer.
public struct SlotAllocator: Sendable {
  @usableFromInline var freed: [UInt32] = []
  @usableFromInline var nextSlot: UInt32 = 0

  /// Slots handed out so far: every slot is below it.
  @inlinable public var count: UInt32 { nextSlot }

  @inlinable public init() {}

  /// - Complexity: O(1), amortised.
  @inlinable public mutating func allocate() -> UInt32 {
    if let slot = freed.popLast() { return slot }
    nextSlot += 1
    return nextSlot - 1
  }

  /// - Complexity: O(1), amortised.
  @inlinable public mutating func free(_ slot: UInt32) { freed.append(slot) }
}
