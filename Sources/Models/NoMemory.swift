/// Memory that hands out regions and charges for nothing: for runs that want algorithmic steps and
/// addresses only.
public final class NoMemory: MemoryModel {
  /// Callers may leave loops of touches out.
  @inlinable public static var observesTouches: Bool { false }
  /// What the design has mapped.
  public private(set) var space = AddressSpace()
  /// Always 0: pages aren't known.
  @inlinable public var peakResidentBytes: UInt64 { 0 }

  /// Nothing mapped yet.
  public init() {}

  /// Numbers a region.
  public func map(bytes: UInt64) -> Address { space.map(bytes: bytes) }
  /// Counts mapped bytes down.
  public func unmap(_ address: Address, bytes: UInt64) { space.unmap(bytes: bytes) }
  /// Does nothing, as all below: there are no pages, lines or branches.
  @inlinable public func useHugePages(_ address: Address, bytes: UInt64) {}
  /// Does nothing.
  @inlinable public func purge(_ address: Address, bytes: UInt64) {}
  /// Does nothing.
  @inlinable public func touch(_ address: Address, isWrite: Bool) {}
  /// Does nothing.
  @inlinable public func touchRange(_ address: Address, bytes: UInt64, isWrite: Bool) {}
  /// Does nothing.
  @inlinable public func touchPages(_ address: Address, bytes: UInt64) {}
  /// Does nothing: no store is on its way.
  @inlinable public func lockedInstruction() {}
  /// Does nothing.
  @inlinable public func branch(_ site: UInt32, taken: Bool) {}
  /// Does nothing: counts are always up to date.
  @inlinable public func settle() {}
}
