extension Family {
  /// hakmem's scheme: remember recent frees by call site and class, and hand them out again.
  public static let reuse = Family(
    name: "reuse",
    doc: "a cache of recent frees keyed by call site and class, headers, a learning policy",
    source: "001 §2, §5; 003 §2",
    toggles: [
      Toggle(
        "header", ["32", "16"], default: "32",
        doc: "bytes of header; 16 has no room for the call site: the cache is keyed by class alone",
        source: "001 §6 Phase 8"),
      Toggle(
        "magic-check", ["on", "off"], default: "on",
        doc: "whether the header's magic number is verified", source: "001 §5.3"),
      Toggle(
        "policy", ["learn", "frozen", "off"], default: "learn",
        doc: "how the malloc/mmap threshold is chosen", source: "001 §5.2"),
      Toggle(
        "cache", ["global", "thread-local"], default: "global",
        doc: "where the cache of recent frees lives", source: "001 §6 Phase 8"),
      Toggle(
        "backing", ["segregated", "glibc"], default: "segregated",
        doc: "who serves blocks below the threshold", source: "001 §2"),
    ],
    nativeSources: ["reuse/reuse.c"])
}
