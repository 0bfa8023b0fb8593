import Designs

/// The executable model of a design: its algorithm over simulated addresses.
///
/// A model counts the same steps and hands out the same addresses, relative to its regions, as the
/// counting build of the native design with the same toggles.
public protocol AllocatorModel {
  associatedtype Memory: MemoryModel

  init(design: Design, memory: Memory, counts: StepCounts)

  /// malloc (alignment 0), calloc (`zeroed`) or the aligned family.
  /// - Parameter site: `Site.address` of the caller.
  mutating func allocate(
    size: UInt64, alignment: UInt64, zeroed: Bool, site: UInt64, thread: UInt16
  ) -> Address

  mutating func deallocate(_ address: Address, thread: UInt16)

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
  @inlinable public func prefetch(_ address: Address) {}
  public var metrics: [String: Double] { [:] }
  /// For designs that keep nothing per thread.
  @inlinable public mutating func endThread(_ thread: UInt16) {}
}
