extension Family {
  /// zipora's scheme: a block's size alone decides which of four allocators serves it.
  ///
  /// A tier begins at its threshold, so that the seed's own sizes fall into the tiers it names them
  /// for: 1 KiB is medium, 16 KiB is mapped, 2 MiB is huge. Blocks of the small pool lie on 8-byte
  /// boundaries, as the seed says; what callers get behind the header of 8 bytes is aligned to 16,
  /// because malloc's contract asks for that.
  public static let tiered = Family(
    kind: .tiered,
    doc: "tiers by size: a small pool, medium classes, cached mappings, huge pages",
    source: "004, Architecture Overview",
    toggles: [
      Toggle(
        "tiers", ["on", "off"], default: "on",
        doc: "whether size chooses a tier or one plain locked heap serves everything",
        source: "004, Benchmark Infrastructure 1", locking: ["off"]),
      Toggle(
        "medium", ["thread-local", "global"], default: "thread-local",
        doc: "whether every thread has its own medium classes or all share them behind a lock",
        source: "004, Key Implementation Features 3", requires: [someTiers], locking: ["global"]),
      Toggle(
        "pattern-detection", ["on", "off"], default: "on",
        doc: "whether mappings are rounded up while their sizes vary, so that cached ones fit",
        source: "004, Key Implementation Features 1", requires: [someTiers]),
      Toggle(
        "statistics", ["thread-local", "relaxed", "off"], default: "thread-local",
        doc: "who counts: every thread for itself, all together by locked additions, or nobody",
        source: "004, Key Implementation Features 5", requires: [someTiers],
        locking: ["relaxed"]),
      Toggle(
        "warming", ["off", "on"], default: "off",
        doc: "whether pools have blocks of every class ready before they are asked for",
        source: "004, Benchmark Infrastructure 3", requires: [someTiers]),
    ] + mappingToggles + hugeToggles,
    nativeSources: ["tiered/tiered.c"])

  private static let someTiers = Requirement(
    "tiers", ["on"], reason: "without tiers one heap serves everything")
  private static let aRegionCache = Requirement(
    "region-cache-entries", ["64", "16", "256"], reason: "there is no region cache")
  private static let someHugePages = Requirement(
    "hugepages", ["on"], reason: "no request is for huge pages")

  private static let mappingToggles = [
    Toggle(
      "mmap-threshold", ["16KiB", "8KiB"], default: "16KiB",
      doc: "from which size on a block is a mapping of its own",
      source: "004, Custom Configuration", requires: [someTiers]),
    Toggle(
      "region-cache-entries", ["64", "0", "16", "256"], default: "64",
      doc: "how many freed mappings are kept; 0 is no cache",
      source: "004, Core Components 1", requires: [someTiers]),
    Toggle(
      "region-cache-bytes", ["64MiB", "16MiB", "256MiB"], default: "64MiB",
      doc: "how many bytes of freed mappings are kept",
      source: "004, Core Components 1", requires: [someTiers, aRegionCache]),
    Toggle(
      "madvise", ["both", "none", "willneed", "sequential"], default: "both",
      doc: "which hints go with a new mapping",
      source: "004, Core Components 1", requires: [someTiers]),
  ]

  private static let hugeToggles = [
    Toggle(
      "hugepages", ["on", "off"], default: "on",
      doc: "whether large blocks ask for huge pages, reserved ones first, then transparent ones",
      source: "004, Key Implementation Features 4", requires: [someTiers]),
    Toggle(
      "hugepage-threshold", ["2MiB", "1MiB"], default: "2MiB",
      doc: "from which size on a block asks for huge pages",
      source: "004, Custom Configuration", requires: [someTiers, someHugePages]),
  ]
}
