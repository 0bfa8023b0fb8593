extension Family {
  /// The coarse-grained system heap: every thread allocates from one heap, behind a lock.
  public static let locked = Family(
    kind: .locked,
    doc: "one heap of segregated bins for all threads, behind one lock",
    source: "000, Windows Allocator Performance",
    toggles: [
      Toggle(
        "lock", ["mutex", "spin", "per-class"], default: "mutex",
        doc: "a mutex of the C library, a spin lock, or a spin lock for every size class",
        source: "000, Windows Allocator Performance")
    ],
    nativeSources: ["locked/locked.c"])
}
