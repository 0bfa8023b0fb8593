/// A simulated address: region number × 2⁴⁰ + offset. Regions are numbered from 1 in the order in
/// which the design maps them and never reused, so an address is relative to its region by itself.
public typealias Address = UInt64

/// What a model runs on: the address space, and what touching it costs.
///
/// `NoMemory` only hands out regions; `MachineModel` also counts machine steps. Models are generic
/// over it, so that the choice is made once per run and not once per access.
public protocol MemoryModel: AnyObject {
  /// Maps a new region of whole pages; its offset 0 is aligned to any power of two.
  func map(bytes: UInt64) -> Address
  /// Gives a region back.
  func unmap(_ address: Address, bytes: UInt64)
  /// Gives the pages of a range back but keeps the range (MADV_DONTNEED).
  func purge(_ address: Address, bytes: UInt64)
  /// A load or a store of up to a few words at this address.
  func touch(_ address: Address, isWrite: Bool)
  /// A sequential pass over a range (clearing, copying, the program's own touch).
  func touchRange(_ address: Address, bytes: UInt64, isWrite: Bool)
}
