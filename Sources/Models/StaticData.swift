/// Region 0: what a design keeps outside the regions it maps, its globals and thread-local state.
///
/// Offset 0 is never used, because address 0 is no address. A family lays its static data out from
/// `base` in the order of its C source, page-aligned, one run of `threadStride` bytes per thread for
/// what is thread-local; all of it is resident from the start, or faults as .bss does.
public enum StaticData {
  /// Where a family's static data begins.
  public static let base: Address = 4096
  /// Where thread-local data begins.
  public static let threadBase: Address = 1 << 32
  /// From one thread's data to the next thread's.
  public static let threadStride: UInt64 = 1 << 20

  /// Where a thread's own data begins.
  @inlinable @inline(__always)
  public static func ofThread(_ thread: UInt16) -> Address {
    threadBase &+ UInt64(thread) &* threadStride
  }
}

/// Blocks of an allocator that isn't modelled, such as glibc behind a design: they have an identity,
/// so that the design can be asked about them, but no place. Hashes of addresses take them as 0,
/// which is also what a counting build answers for an address outside its regions; memory models
/// charge nothing for touching them.
public enum OpaqueBlocks {
  /// Block number × 64 further lies the block: above every region that can be mapped.
  public static let base: Address = 0xFF_0000 << 40

  /// The address as hashes take it.
  @inlinable @inline(__always)
  public static func located(_ address: Address) -> Address { address < base ? address : 0 }
}
