extension Family {
  /// mimalloc's scheme: a thread-local heap of size-segregated pages with intrusive free lists.
  public static let pool = Family(
    name: "pool",
    doc: "thread-local heap, size-segregated pages, intrusive free lists",
    source: "001 §3, 002, 003 §1",
    toggles: [
      Toggle(
        "index", ["direct", "binary-search"], default: "direct",
        doc: "how a size finds its bin", source: "002 §1"),
      Toggle(
        "used-counter", ["plain", "atomic"], default: "plain",
        doc: "how a page counts its live blocks", source: "002 §2"),
      Toggle(
        "header", ["0", "16", "32"], default: "0",
        doc: "bytes of header before every block", source: "001 §3.4"),
    ],
    nativeSources: ["pool/pool.c"])
}
