import Designs

/// Memory that counts machine steps: caches, address translation, first-touch page faults.
public final class MachineModel: MemoryModel {
  @inlinable public static var observesTouches: Bool { true }
  public private(set) var space = AddressSpace()
  private let counts: StepCounts

  public init(geometry: MachineGeometry, counts: StepCounts) {
    self.counts = counts
  }

  public func map(bytes: UInt64) -> Address { space.map(bytes: bytes) }
  public func unmap(_ address: Address, bytes: UInt64) { space.unmap(bytes: bytes) }
  public func purge(_ address: Address, bytes: UInt64) {}
  public func touch(_ address: Address, isWrite: Bool) {}
  public func touchRange(_ address: Address, bytes: UInt64, isWrite: Bool) {}
  public func touchPages(_ address: Address, bytes: UInt64) {}
  public func branch(_ site: UInt32, taken: Bool) {}
}
