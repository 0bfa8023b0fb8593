import Designs

/// Counts of every step, contiguous, shared by a model and its memory.
///
/// A count is one add to memory that stays in L1: no dictionary, no reference counting (the owner
/// is kept by the simulation, this is the pointer that is passed around).
public struct StepCounts: @unchecked Sendable {
  @usableFromInline let base: UnsafeMutablePointer<UInt64>

  /// Zeroed counts; release them with `deallocate`.
  public static func allocate() -> StepCounts {
    let base = UnsafeMutablePointer<UInt64>.allocate(capacity: Step.count + 2)
    base.initialize(repeating: 0, count: Step.count + 2)
    return StepCounts(base: base)
  }

  @usableFromInline init(base: UnsafeMutablePointer<UInt64>) { self.base = base }

  /// Ends the counts and all copies of them.
  public func deallocate() { base.deallocate() }

  /// Counts a step, so many times.
  @inlinable @inline(__always)
  public func count(_ step: Step, _ times: UInt64 = 1) {
    base[Int(step.rawValue)] &+= times
  }

  /// How often a step was counted so far.
  @inlinable public subscript(step: Step) -> UInt64 { base[Int(step.rawValue)] }

  /// The number of the operation under way, for whoever looks at operations one by one; else 0.
  @inlinable public var operation: UInt64 {
    get { base[Step.count] }
    nonmutating set { base[Step.count] = newValue }
  }

  /// The operation in which a lock had been taken last, by another thread, that the operation under
  /// way took; nobody but its reader sets it back.
  @inlinable public var lockTakenOverFrom: UInt64 {
    get { base[Step.count + 1] }
    nonmutating set { base[Step.count + 1] = newValue }
  }

  /// All counts, in the order of `Step.allCases`.
  public var values: UnsafeBufferPointer<UInt64> {
    UnsafeBufferPointer(start: base, count: Step.count)
  }
}
