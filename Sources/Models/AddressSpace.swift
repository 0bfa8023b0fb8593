/// The regions a design has mapped: numbers, and how much is mapped now and was at most.
///
/// The native counting builds number their regions in the same way, so that addresses of both can
/// be compared.
public struct AddressSpace: Sendable {
  /// Bits of an address that are the offset within its region.
  public static let offsetBits: UInt64 = 40
  /// Bytes per page, on the native side as well.
  public static let pageBytes: UInt64 = 4096
  /// The most bytes one region can hold: its offsets must fit below the region number.
  public static let largestRegion: UInt64 = 1 << offsetBits

  /// Regions mapped so far; the last one has this number.
  public private(set) var regions: UInt64 = 0
  /// Bytes mapped now, in whole pages.
  public private(set) var mappedBytes: UInt64 = 0
  /// The most bytes that were mapped at once.
  public private(set) var peakMappedBytes: UInt64 = 0

  /// Nothing mapped yet.
  public init() {}

  /// Bytes rounded up to whole pages.
  @inlinable
  public static func wholePages(_ bytes: UInt64) -> UInt64 {
    (bytes &+ (pageBytes - 1)) & ~(pageBytes - 1)
  }

  /// The number of the region that an address is in.
  @inlinable @inline(__always)
  public static func region(of address: Address) -> UInt64 { address >> offsetBits }

  /// Bytes from the start of its region to an address.
  @inlinable @inline(__always)
  public static func offset(of address: Address) -> UInt64 { address & (largestRegion &- 1) }

  /// The next region, or 0 when `bytes` is 0 or more than a region can hold.
  public mutating func map(bytes: UInt64) -> Address {
    guard bytes > 0, bytes <= Self.largestRegion else { return 0 }
    regions += 1
    mappedBytes += Self.wholePages(bytes)
    peakMappedBytes = max(peakMappedBytes, mappedBytes)
    return regions << Self.offsetBits
  }

  /// Gives bytes of a region back. A model that unmaps more than it mapped is wrong.
  public mutating func unmap(bytes: UInt64) {
    let pages = Self.wholePages(bytes)
    precondition(pages <= mappedBytes, "a model unmapped more than it had mapped")
    mappedBytes -= pages
  }
}
