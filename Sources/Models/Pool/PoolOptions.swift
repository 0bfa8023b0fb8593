import Designs

/// The pool's toggles, read once (Sources/NativeDesigns/C/pool/toggles.h).
struct PoolOptions {
  let isDirect: Bool
  let isGlobal: Bool
  /// Whether every operation takes the heap's lock.
  let isLocked: Bool
  let hasOneList: Bool
  let isEager: Bool
  let isEncoded: Bool
  let prefetches: Bool
  let hasMagazines: Bool
  let hasBump: Bool
  let hasFewBins: Bool
  /// The largest block of a page, and the largest whose empty page is kept.
  let largestBlock: UInt64
  let keptBlock: UInt64
  let header: UInt64
  /// One of each pair of alternative steps.
  let usedCounter: Step
  let branches: Step
  let path: Step
  let flags: Step
  let threadLocal: Step

  init(_ design: Design) {
    isDirect = design["index"] == "direct"
    isGlobal = design["heap"] == "global"
    isLocked = design["free-lists"] != "remote"
    hasOneList = design["free-lists"] == "one"
    isEager = design["remote-collection"] == "eagerly"
    isEncoded = design["encoding"] == "xor-rotate"
    prefetches = design["prefetch"] == "on"
    hasMagazines = design["magazine"] == "on"
    hasBump = design["bump"] == "on"
    hasFewBins = design["bins"] == "32"
    let hasLargePages = design["large-pages"] == "on"
    largestBlock = hasLargePages ? 2 << 20 : 1 << 20
    keptBlock = hasLargePages ? largestBlock : PoolLayout.mediumPageBlock
    // The toggle's values are integers by declaration.
    header = UInt64(design["header"]) ?? 0
    usedCounter = design["used-counter"] == "atomic" ? .usedCounterAtomic : .usedCounterPlain
    branches = design["branch-hints"] == "off" ? .branchUnhinted : .branchHinted
    path = design["fast-path"] == "called" ? .fastPathCalled : .fastPathInlined
    flags = design["page-flags"] == "separate" ? .pageFlagsSeparate : .pageFlagsPacked
    threadLocal =
      design["tls-model"] == "global-dynamic" ? .threadLocalCall : .threadLocalAccess
  }

  /// Block bytes by bin: multiples of 16, then four or two per doubling; bin 0 is none.
  var binBytes: [UInt64] {
    let linear: UInt64 = hasFewBins ? 4 : 8
    var bytes = (0...linear).map { $0 * 16 }
    while let last = bytes.last, last < largestBlock {
      bytes += hasFewBins ? [last / 2 * 3, last * 2] : (5...8).map { last / 4 * $0 }
    }
    return bytes
  }
}
