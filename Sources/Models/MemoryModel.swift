import Designs

/// A simulated address: region number × 2⁴⁰ + offset. Regions are numbered from 1 in the order in
/// which the design maps them and never reused, so an address is relative to its region by itself.
/// 0 is no address, as NULL is.
public typealias Address = UInt64

/// What a model runs on: the address space, and what touching it costs.
///
/// `NoMemory` only hands out regions; `MachineModel` also counts machine steps. Models are generic
/// over it, so that the choice is made once per run and not once per access.
public protocol MemoryModel: AnyObject {
  /// Whether touches have any effect: where they don't, callers may leave out loops of them.
  static var observesTouches: Bool { get }
  /// The regions mapped so far.
  var space: AddressSpace { get }
  /// The most bytes in whole pages that had been touched and not given back at once; 0 where
  /// touches have no effect.
  var peakResidentBytes: UInt64 { get }

  /// Maps a new region of whole pages; its offset 0 is aligned to any power of two.
  /// - Returns: the region's offset 0, or 0 when `bytes` is 0 or more than a region can hold
  ///   (`AddressSpace.largestRegion`), as the native build's mapping fails.
  func map(bytes: UInt64) -> Address
  /// Gives a region, or whole pages of one, back.
  /// - Parameters:
  ///   - address: the start of a page.
  ///   - bytes: rounded up to whole pages; no more than are mapped.
  func unmap(_ address: Address, bytes: UInt64)
  /// Gives the pages of a range back but keeps the range (MADV_DONTNEED).
  func purge(_ address: Address, bytes: UInt64)
  /// Huge pages of 2 MiB serve these bytes of a region from now on: whole ones, the only ones in it.
  func useHugePages(_ address: Address, bytes: UInt64)
  /// A load or a store of up to a few words at this address, within one cache line.
  func touch(_ address: Address, isWrite: Bool)
  /// A locked instruction: it waits for the stores before it that are still on their way. Models
  /// say which step it is (`lockedInstruction(_:_:)`).
  func lockedInstruction()
  /// A sequential pass over a range (clearing, copying, the program's own touch).
  func touchRange(_ address: Address, bytes: UInt64, isWrite: Bool)
  /// One store for each multiple of a page within `bytes`, in its page: see `TouchPolicy.perPage`.
  func touchPages(_ address: Address, bytes: UInt64)
  /// A conditional branch of the design whose outcome depends on the data.
  /// - Parameters:
  ///   - site: which branch: a number that no other branch of the run has. Below 16 is the
  ///     simulation driver's own; families count from 16.
  ///   - taken: the way it went.
  func branch(_ site: UInt32, taken: Bool)
  /// Brings the counts up to date: touches and branches may wait until there are many of them.
  func settle()
}

extension MemoryModel {
  /// A step that is a locked instruction: a spin lock taken, an exchange or an addition that is atomic.
  /// It stands behind the touches of the stores that it waits for.
  @inlinable @inline(__always)
  public func lockedInstruction(_ step: Step, _ counts: StepCounts) {
    counts.count(step)
    lockedInstruction()
  }
}
