extension Family {
  /// mimalloc's scheme: a thread-local heap of size-segregated pages with intrusive free lists.
  ///
  /// With `free-lists=local` or `one` a page has no list for other threads: then a heap has a lock,
  /// which every allocation and every free takes, whoever frees. A single heap for all threads has
  /// that lock, too.
  public static let pool = Family(
    kind: .pool,
    doc: "thread-local heap, size-segregated pages, intrusive free lists",
    source: "001 §3, 002, 003 §1",
    toggles: [
      Toggle(
        "index", ["direct", "binary-search"], default: "direct",
        doc: "how a size finds its bin", source: "002 §1"),
      Toggle(
        "used-counter", ["plain", "atomic"], default: "plain",
        doc: "how a page counts its live blocks", source: "002 §2", locking: ["atomic"]),
      Toggle(
        "header", ["0", "16", "32"], default: "0",
        doc: "bytes of header before every block", source: "001 §3.4"),
    ] + listToggles + pathToggles + blockToggles,
    nativeSources: ["pool/pool.c"])

  private static let listToggles = [
    Toggle(
      "free-lists", ["remote", "local", "one"], default: "remote",
      doc: "a page's lists: allocation, local and remote frees; the first two; or one for all",
      source: "002 §2", locking: ["local", "one"]),
    Toggle(
      "remote-collection", ["lazily", "eagerly"], default: "lazily",
      doc: "whether remote frees are collected when a page has run out, or at every allocation",
      source: "002 §3",
      requires: [
        Requirement("free-lists", ["remote"], reason: "a page has no list of remote frees")
      ]),
    Toggle(
      "heap", ["thread-local", "global"], default: "thread-local",
      doc: "whether every thread has its heap or all share one behind a lock",
      source: "001 §3.1",
      requires: [
        Requirement(
          "free-lists", ["local", "one"], reason: "no free is remote to a heap that all share")
      ], locking: ["global"]),
    Toggle(
      "encoding", ["off", "xor-rotate"], default: "off",
      doc: "whether the links of free blocks are kept encoded",
      source: "002, What Doesn't Matter"),
  ]

  private static let pathToggles = [
    Toggle(
      "branch-hints", ["on", "off"], default: "on",
      doc: "whether the compiler is told which side of a branch is likely", source: "002 §3"),
    Toggle(
      "page-flags", ["packed", "separate"], default: "packed",
      doc: "whether a free asks about its page in one comparison or flag by flag",
      source: "002 §3"),
    Toggle(
      "fast-path", ["inlined", "called"], default: "inlined",
      doc: "whether fast paths lie in malloc and free or in functions that these call",
      source: "002, Summary"),
    Toggle(
      "tls-model", ["initial-exec", "global-dynamic"], default: "initial-exec",
      doc: "how compiled code finds a thread's variables: by an offset, or by a call",
      source: "001 §7.3",
      requires: [
        Requirement("heap", ["thread-local"], reason: "a heap that all share is no thread's")
      ]),
    Toggle(
      "prefetch", ["off", "on"], default: "off",
      doc: "whether malloc fetches the block that it will give out next",
      source: "002, What Doesn't Matter; 001 §5.4"),
  ]

  private static let blockToggles = [
    Toggle(
      "magazine", ["off", "on"], default: "off",
      doc: "whether small blocks are freed into an array of the bin, from which malloc takes first",
      source: "002, What Doesn't Matter"),
    Toggle(
      "bump", ["off", "on"], default: "off",
      doc: "whether blocks of a fresh page are cut from it in order instead of linked beforehand",
      source: "002, What Doesn't Matter"),
    Toggle(
      "large-pages", ["off", "on"], default: "off",
      doc: "whether blocks of up to 2 MiB go through a free list, which is kept when it is empty",
      source: "001 §3.3"),
    Toggle(
      "bins", ["60", "32"], default: "60",
      doc: "how many size classes there are up to 1 MiB: four per doubling, or two",
      source: "002 §1"),
  ]
}
