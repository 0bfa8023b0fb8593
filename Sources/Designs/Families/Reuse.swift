extension Family {
  /// hakmem's scheme: remember recent frees by call site and class, and hand them out again.
  public static let reuse = Family(
    kind: .reuse,
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
        "cache", ["global", "thread-local", "off"], default: "global",
        doc: "where the cache of recent frees lives", source: "001 §6 Phase 8; §8.1"),
      Toggle(
        "backing", ["segregated", "glibc"], default: "segregated",
        doc: "who serves blocks below the threshold", source: "001 §2"),
    ] + cacheToggles + heapToggles + policyToggles,
    nativeSources: ["reuse/reuse.c"])

  private static let aCache = Requirement(
    "cache", ["global", "thread-local"], reason: "there is no cache")
  private static let roomForSite = Requirement(
    "header", ["32"], reason: "a header of 16 bytes has no room for the call site")
  private static let siteKey = Requirement(
    "bins", ["hashed"], reason: "size-segregated bins tell no call sites apart")
  private static let purging = Requirement(
    "eviction", ["batched", "purge"], reason: "an evicted mapping is unmapped at once")
  private static let ownHeap = Requirement(
    "backing", ["segregated"], reason: "glibc keeps heaps of its own")
  private static let fixedThreshold = Requirement(
    "policy", ["frozen", "off"], reason: "a learning policy finds the threshold itself")
  private static let learning = Requirement(
    "policy", ["learn"], reason: "only a learning policy chooses among strategies")

  private static let cacheToggles = [
    Toggle(
      "cache-sites", ["64", "256"], default: "64",
      doc: "how many call sites the cache tells apart", source: "001 §5.1",
      requires: [aCache, roomForSite, siteKey]),
    Toggle(
      "bins", ["hashed", "size-segregated"], default: "hashed",
      doc: "whether the cache is hashed by call site or segregated by size class alone",
      source: "001 §5.4; §6 Phase 9; §9 Priority 2",
      requires: [aCache, roomForSite]),
    Toggle(
      "free-lists", ["off", "on"], default: "off",
      doc: "whether a bin of the cache holds one block or an intrusive list of up to 16",
      source: "001 §5.4; §6 Phase 9; §9 Priority 2",
      requires: [aCache]),
    Toggle(
      "cache-prefetch", ["off", "on"], default: "off",
      doc: "whether the cache slot is prefetched before it is looked up", source: "001 §6 Phase 7",
      requires: [aCache]),
    Toggle(
      "site-fields", ["always", "cacheable"], default: "always",
      doc: "whether call site and class are written into every header or only where they can serve",
      source: "001 §6 Phase 7",
      requires: [roomForSite]),
    Toggle(
      "eviction", ["batched", "purge", "unmap"], default: "batched",
      doc: "what happens to an evicted mapping: purged in batches, purged at once, or unmapped",
      source: "001 §5.4, §8.3",
      requires: [aCache]),
    Toggle(
      "madvise", ["dontneed", "free"], default: "dontneed",
      doc: "which madvise purges: MADV_DONTNEED, or MADV_FREE, which waits for need of memory",
      source: "001 §5.4",
      requires: [aCache, purging]),
  ]

  private static let heapToggles = [
    Toggle(
      "heap", ["global", "thread-local"], default: "global",
      doc: "whether threads share the heap below the threshold or have one each in front of it",
      source: "001 §5.4; §6 Phase 9",
      requires: [ownHeap]),
    Toggle(
      "arenas", ["off", "on"], default: "off",
      doc: "whether blocks above the threshold are mapped alone or cut from arenas of 64 MiB",
      source: "001 §6 Phase 9",
      requires: [
        Requirement(
          "eviction", ["batched", "purge"],
          reason: "the blocks of an arena can't be unmapped one by one")
      ]),
  ]

  private static let policyToggles = [
    Toggle(
      "threshold", ["512KiB", "2MiB", "8MiB", "24MiB"], default: "2MiB",
      doc: "from which size on blocks are mapped, unless the policy learns it",
      source: "001 §8.1",
      requires: [fixedThreshold]),
    Toggle(
      "best-strategy", ["scanned", "cached"], default: "scanned",
      doc: "whether every allocation searches the best strategy or reads it from the last update",
      source: "001 §5.2",
      requires: [learning]),
    Toggle(
      "active-list", ["scanned", "precomputed"], default: "scanned",
      doc: "whether the active strategies are searched at every exploration or kept in a list",
      source: "001 §5.2",
      requires: [learning]),
    Toggle(
      "random-test", ["float", "integer"], default: "float",
      doc: "how the random number is tested against epsilon", source: "001 §5.2",
      requires: [learning]),
    Toggle(
      "evolution-tracking", ["on", "off"], default: "on",
      doc: "whether every size is entered in a histogram", source: "001 §2"),
  ]
}
