/// An allocator that a machine may have: what it is called, what is looked for, what brings it.
public struct SystemAllocator: Equatable, Sendable {
  /// As `--design` names it.
  public let name: String
  /// Names that its shared library may have, the one that is taken first; empty where nothing is
  /// preloaded for it.
  public let files: [String]
  /// Debian's package; empty for what every machine has.
  public let package: String

  /// The C library's own: always there.
  public static let glibc = SystemAllocator(name: "glibc", files: [], package: "")

  /// Every one, in the order in which they are listed.
  public static let all = [
    glibc,
    SystemAllocator(
      name: "mimalloc", files: ["libmimalloc.so.2", "libmimalloc.so.3", "libmimalloc.so"],
      package: "libmimalloc2.0"),
    SystemAllocator(
      name: "jemalloc", files: ["libjemalloc.so.2", "libjemalloc.so"], package: "libjemalloc2"),
    SystemAllocator(
      name: "tcmalloc",
      files: ["libtcmalloc_minimal.so.4", "libtcmalloc_minimal.so", "libtcmalloc.so.4"],
      package: "libtcmalloc-minimal4"),
  ]
}
