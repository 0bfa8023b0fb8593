/// Memory that hands out regions and charges for nothing: for runs that want algorithmic steps and
/// addresses only.
public final class NoMemory: MemoryModel {
  @inlinable public static var observesTouches: Bool { false }
  public private(set) var space = AddressSpace()
  @inlinable public var peakResidentBytes: UInt64 { 0 }

  public init() {}

  public func map(bytes: UInt64) -> Address { space.map(bytes: bytes) }
  public func unmap(_ address: Address, bytes: UInt64) { space.unmap(bytes: bytes) }
  @inlinable public func useHugePages(_ address: Address, bytes: UInt64) {}
  @inlinable public func purge(_ address: Address, bytes: UInt64) {}
  @inlinable public func touch(_ address: Address, isWrite: Bool) {}
  @inlinable public func touchRange(_ address: Address, bytes: UInt64, isWrite: Bool) {}
  @inlinable public func touchPages(_ address: Address, bytes: UInt64) {}
  @inlinable public func lockedInstruction() {}
  @inlinable public func branch(_ site: UInt32, taken: Bool) {}
  @inlinable public func settle() {}
}
