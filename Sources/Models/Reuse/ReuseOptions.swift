import Designs

/// The toggles of a reuse design as the model's hot path tests them.
struct ReuseOptions {
  enum Policy { case learn, frozen, off }
  enum Cache { case global, threadLocal, off }
  enum Eviction { case batched, purge, unmap }

  let headerBytes: UInt64
  let checksMagic: Bool
  let policy: Policy
  let cache: Cache
  /// Rows of bins: call sites told apart, 1 when they are size-segregated.
  let cacheRows: Int
  let keyedBySite: Bool
  let prefetches: Bool
  /// Blocks that a bin of the cache holds: 1, or as many as its list may have.
  let cacheDepth: Int
  let siteFieldsAlways: Bool
  let eviction: Eviction
  /// MADV_FREE instead of MADV_DONTNEED.
  let purgesLazily: Bool
  /// A heap per thread in front of the shared one.
  let localHeaps: Bool
  let arenas: Bool
  /// The threshold in bytes where the policy doesn't learn it.
  let threshold: UInt64
  let scansBest: Bool
  let scansActive: Bool
  let testsInFloat: Bool
  let tracksEvolution: Bool
  /// Whether blocks below the threshold come from glibc, opaquely.
  let opaqueBacking: Bool

  init(_ design: Design) {
    headerBytes = design["header"] == "16" ? 16 : 32
    checksMagic = design["magic-check"] == "on"
    policy =
      switch design["policy"] {
      case "frozen": .frozen
      case "off": .off
      default: .learn
      }
    cache =
      switch design["cache"] {
      case "thread-local": .threadLocal
      case "off": .off
      default: .global
      }
    keyedBySite = headerBytes == 32 && design["bins"] == "hashed" && cache != .off
    cacheRows = keyedBySite ? (design["cache-sites"] == "256" ? 256 : 64) : 1
    prefetches = design["cache-prefetch"] == "on"
    cacheDepth = design["free-lists"] == "on" ? 16 : 1
    purgesLazily = design["madvise"] == "free"
    localHeaps = design["heap"] == "thread-local"
    arenas = design["arenas"] == "on"
    siteFieldsAlways = design["site-fields"] == "always"
    eviction =
      switch design["eviction"] {
      case "purge": .purge
      case "unmap": .unmap
      default: .batched
      }
    threshold =
      switch design["threshold"] {
      case "512KiB": 512 << 10
      case "8MiB": 8 << 20
      case "24MiB": 24 << 20
      default: 2 << 20
      }
    scansBest = design["best-strategy"] == "scanned"
    scansActive = design["active-list"] == "scanned"
    testsInFloat = design["random-test"] == "float"
    tracksEvolution = design["evolution-tracking"] == "on"
    opaqueBacking = design["backing"] == "glibc"
  }
}

/// Where the C source keeps its static data, line for line.
enum ReuseLayout {
  static let page: UInt64 = 4096
  static let line: UInt64 = 64

  static let policy = StaticData.base
  static let strategies = policy + 64
  static let strategyBytes: UInt64 = 40
  static let evolution = policy + 576

  static let backing = StaticData.base + 4096
  static let bins = backing + 64
  static let binBytes: UInt64 = 32

  static let mappings = StaticData.base + 8192
  static let pending = mappings + 64
  static let retained = mappings + 320
  static let arenas = mappings + 2048
  /// From the arenas' state to their lists.
  static let arenaLists: UInt64 = 64
  /// From a thread's own data to the pointer to its heap.
  static let heapPointer: UInt64 = 512 << 10

  static let cache = StaticData.base + 12288
  /// From a cache's lock to its slots.
  static let cacheSlots: UInt64 = 64
  static let slotBytes: UInt64 = 32
  /// A bin that is a list: its head and how many there are.
  static let listBytes: UInt64 = 16

  static let cacheMinimum: UInt64 = 1 << 20
  static let cacheMaximum: UInt64 = 16 << 20
  static let cacheClasses = 4
}
