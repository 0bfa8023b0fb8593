import Designs

/// The executable model of a design: its algorithm over simulated addresses.
///
/// A model counts the same steps and hands out the same addresses, relative to its regions, as the
/// counting build of the native design with the same toggles.
public protocol AllocatorModel {
  /// What it runs on: a type, so that a model is compiled once for each.
  associatedtype Memory: MemoryModel

  /// - Parameters:
  ///   - design: of the model's family; its toggles are read here and never again.
  ///   - counts: where steps are counted; `memory` counts into the same.
  init(design: Design, memory: Memory, counts: StepCounts)

  /// malloc (alignment 0), calloc (`zeroed`) or the aligned family.
  /// - Parameters:
  ///   - size: bytes asked for, any number.
  ///   - alignment: 0 or a power of two.
  ///   - site: `Site.address` of the caller.
  ///   - thread: the caller's number, as in the trace.
  /// - Returns: the block's address, or 0 when out of memory.
  mutating func allocate(
    size: UInt64, alignment: UInt64, zeroed: Bool, site: UInt64, thread: UInt16
  ) -> Address

  /// free of a live block.
  /// - Parameter address: what `allocate` or `reallocate` returned for it, never 0.
  mutating func deallocate(_ address: Address, thread: UInt16)

  /// realloc of a live block; malloc of no block never comes here.
  /// - Returns: where the block is now, or 0 when out of memory: then it stays as it was.
  mutating func reallocate(_ address: Address, size: UInt64, site: UInt64, thread: UInt16)
    -> Address

  /// The thread ends, and its destructors run; it may still allocate and free afterwards, as a new
  /// thread would.
  mutating func endThread(_ thread: UInt16)

  /// Figures of the design's own, beside what steps tell: ratios from 0 to 1 by name. Only what
  /// happened has one: a cache that was never asked has no hit ratio.
  var metrics: [String: Double] { get }

  /// A hint that this live block will be freed or reallocated soon, for models that keep an entry
  /// per block: changes nothing but the simulation's speed.
  func prefetch(_ address: Address)
}

extension AllocatorModel {
  /// For models without an entry per block.
  @inlinable public func prefetch(_ address: Address) {}
  /// For designs that measure nothing of their own.
  public var metrics: [String: Double] { [:] }
  /// For designs that keep nothing per thread.
  @inlinable public mutating func endThread(_ thread: UInt16) {}
}
