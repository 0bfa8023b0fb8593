import Designs

/// What every family does with memory, counted where it is done.
extension StepCounts {
  /// The call that an allocation is.
  @inline(__always)
  func countAllocation(alignment: UInt64, zeroed: Bool) {
    count(alignment > 0 ? .alignedCall : zeroed ? .callocCall : .mallocCall)
  }
}

extension MemoryModel {
  // MARK: - Regions

  /// Asks the kernel for a region.
  /// - Returns: its start, or 0 when there is none.
  func mapCall(bytes: UInt64, _ counts: StepCounts) -> Address {
    counts.count(.mapCall)
    return map(bytes: bytes)
  }

  /// Gives a region, or whole pages of one, back to the kernel.
  func unmapCall(_ address: Address, bytes: UInt64, _ counts: StepCounts) {
    counts.count(.unmapCall)
    unmap(address, bytes: bytes)
  }

  // MARK: - Headers and links

  @inline(__always)
  func writeHeader(at address: Address, _ counts: StepCounts) {
    counts.count(.headerWrite)
    touch(address, isWrite: true)
  }

  /// Reads a header and compares its magic word.
  @inline(__always)
  func checkHeader(at address: Address, _ counts: StepCounts) {
    counts.count(.headerRead)
    counts.count(.magicCheck)
    touch(address, isWrite: false)
  }

  /// Marks a header's block as free.
  @inline(__always)
  func markHeader(at address: Address, _ counts: StepCounts) {
    counts.count(.magicMark)
    touch(address, isWrite: true)
  }

  /// A block leaves a free list: its link is read.
  @inline(__always)
  func popLink(at address: Address, _ counts: StepCounts) {
    counts.count(.freeListPop)
    touch(address, isWrite: false)
  }

  /// A block enters a free list: its link is written.
  @inline(__always)
  func pushLink(at address: Address, _ counts: StepCounts) {
    counts.count(.freeListPush)
    touch(address, isWrite: true)
  }

  // MARK: - Payloads

  /// Clears a payload for calloc. Opaque blocks have no lines to touch.
  @inline(__always)
  func zero(_ payload: Address, bytes: UInt64, _ counts: StepCounts) {
    counts.count(.lineZeroed, (bytes &+ 63) / 64)
    if bytes > 0 && payload < OpaqueBlocks.base {
      touchRange(payload, bytes: bytes, isWrite: true)
    }
  }

  /// Copies a payload for realloc. Opaque blocks have no lines to touch.
  func copy(
    _ payload: Address, to target: Address, bytes: UInt64, _ counts: StepCounts
  ) {
    counts.count(.lineCopied, (bytes + 63) / 64)
    guard bytes > 0 else { return }
    if payload < OpaqueBlocks.base { touchRange(payload, bytes: bytes, isWrite: false) }
    if target < OpaqueBlocks.base { touchRange(target, bytes: bytes, isWrite: true) }
  }

  /// Whether realloc leaves a block where it is: it is large enough, and not half of it is wasted.
  /// - Parameter site: the number of the family's branch.
  @inline(__always)
  func staysInPlace(_ size: UInt64, usable: UInt64, branch site: UInt32) -> Bool {
    let stays = size <= usable && size >= usable / 2
    branch(site, taken: stays)
    return stays
  }
}
