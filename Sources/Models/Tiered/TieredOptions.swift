import Designs

/// The toggles of a tiered design as the model's hot path tests them.
struct TieredOptions {
  enum Statistics { case off, own, shared }

  let tiers: Bool
  let ownMedium: Bool
  let detectsPatterns: Bool
  let statistics: Statistics
  let warms: Bool
  let hugePages: Bool
  /// Where the tiers of mappings and of huge pages begin.
  let mapThreshold: UInt64
  let hugeThreshold: UInt64
  /// 0 is no cache.
  let cacheEntries: Int
  let cacheBytes: UInt64
  let advisesWillNeed: Bool
  let advisesSequential: Bool

  /// Whether every allocation needs the thread's heap, and not only the medium tier.
  var heapAlways: Bool { detectsPatterns || statistics == .own }

  init(_ design: Design) {
    let tiers = design["tiers"] == "on"
    self.tiers = tiers
    ownMedium = tiers && design["medium"] == "thread-local"
    detectsPatterns = tiers && design["pattern-detection"] == "on"
    statistics =
      switch design["statistics"] {
      case "thread-local" where tiers: .own
      case "relaxed" where tiers: .shared
      default: .off
      }
    warms = tiers && design["warming"] == "on"
    hugePages = tiers && design["hugepages"] == "on"
    mapThreshold = design["mmap-threshold"] == "8KiB" ? 8 << 10 : 16 << 10
    hugeThreshold = design["hugepage-threshold"] == "1MiB" ? 1 << 20 : 2 << 20
    // The toggle's values are integers by declaration.
    cacheEntries = tiers ? Int(design["region-cache-entries"]) ?? 0 : 0
    cacheBytes =
      switch design["region-cache-bytes"] {
      case "16MiB": 16 << 20
      case "256MiB": 256 << 20
      default: 64 << 20
      }
    let hint = design["madvise"]
    advisesWillNeed = tiers && (hint == "willneed" || hint == "both")
    advisesSequential = tiers && (hint == "sequential" || hint == "both")
  }
}

/// Sizes of the C source (Sources/NativeDesigns/C/tiered), and where it keeps its static data.
enum TieredLayout {
  static let page: UInt64 = 4096
  static let headerBytes: UInt64 = 8
  static let smallEnd: UInt64 = 1 << 10
  /// Without tiers, what one heap serves.
  static let poolEnd: UInt64 = 128 << 10
  static let largestRequest: UInt64 = 1 << 39
  /// From a mapping's region to its payload.
  static let mappedOffset: UInt64 = 64
  /// From here on an alignment is met by a mapping.
  static let mappedAlignment: UInt64 = 4096

  static let run: UInt64 = 32 << 10
  static let segment: UInt64 = 1 << 20
  static let runsPerSegment = 32
  static let smallWarm: UInt32 = 8

  static let mediumClasses = 5
  static let chunk: UInt64 = 256 << 10
  static let mediumLimit = 32
  static let mediumMove = 16
  static let mediumWarm: UInt32 = 4

  static let patternRound: UInt32 = 256
  static let patternMappings: UInt32 = 8

  static let small = StaticData.base
  static let medium = StaticData.base + 4096
  /// From a pool's lock to its classes.
  static let classes: UInt64 = 64
  static let classBytes: UInt64 = 32
  static let cache = StaticData.base + 8192
  static let cacheSlots = cache + 64
  static let slotBytes: UInt64 = 32
  static let huge = StaticData.base + 20480
  static let statistics = StaticData.base + 24576

  /// Within a thread's heap.
  static let pattern: UInt64 = 192
  static let ownStatistics: UInt64 = 256
  static let heapBytes: UInt64 = 384
}

/// The tiers in the order of their sizes.
enum Tier: Int {
  case small, medium, mapped, huge

  static let count = 4
}

/// The family's data-dependent branches.
enum TieredBranch {
  static let isSmall: UInt32 = 16
  static let isMedium: UInt32 = 17
  static let smallHasFree: UInt32 = 18
  static let mediumHasFree: UInt32 = 19
  static let freesSmall: UInt32 = 20
  static let freesMedium: UInt32 = 21
  static let fits: UInt32 = 22
  static let inPlace: UInt32 = 23
}
