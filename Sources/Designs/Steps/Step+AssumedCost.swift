extension Step {
  /// Nanoseconds that what it does may take in place, by its order of magnitude; nil for a few
  /// instructions on lines at hand.
  var orderNs: Double? {
    switch self {
    // A system call with work on page tables behind it.
    case .mapCall, .unmapCall: 1500
    case .adviseCall, .adviseFree, .adviseWillNeed, .adviseSequential, .adviseHugePage: 300
    case .hugePageMap: 1500
    // Five files of the kernel opened and read.
    case .hugePageDetect: 30_000
    // 2 MiB cleared at some ten bytes per nanosecond.
    case .hugePageFault: 200_000
    case .pageFault: 1000
    case .pageTablePage: 1000
    case .clearedLine: 7
    case .kernelLine: 30
    // Misses overlap with other work; the latency of a chain of loads is the upper bound.
    case .memoryLoad: 100
    case .memoryStore: 50
    case .levelThreeLoad: 30
    case .loadOverlapped: 10
    case .levelThreeStore: 20
    case .lineStreamedMemory: 15
    case .lineStreamedNear, .translationHit: 2
    case .levelTwoLoad: 3
    case .translationWalk: 15
    // Some fifteen to twenty core cycles.
    case .branchMiss: 6
    // A locked instruction.
    case .usedCounterAtomic, .lockUncontended, .statisticAtomic, .atomicUncontended: 5
    case .mutexUncontended: 10
    // A line fetched from another core's cache; a lock waited for, spinning or asleep.
    case .coherenceTransfer, .atomicContended: 60
    case .lockContended: 100
    case .mutexContended: 2000
    case .remoteFree, .remoteCollect, .backingCall: 20
    case .lineCopied, .lineZeroed: 0.5
    // A game between two of twelve strategies: some ten operations of floating point.
    case .policyUpdate: 15
    // Loops over the entries of a page or a heap.
    case .heapInit: 1000
    case .segmentInit: 500
    case .pageFresh, .runCarve: 30
    case .pageReturn: 20
    case .pageExtend: 10
    case .allocateSlow, .policyOutcome, .cacheEvict, .batchAppend: 5
    case .policySelect, .reallocateInPlace: 2
    // A few instructions on lines at hand; a store that waits in the buffer while other work goes on.
    case .mallocCall, .callocCall, .reallocCall, .alignedCall, .freeCall, .threadLocalAccess,
      .sizeClassDirect, .sizeClassSearchProbe, .freeListPop, .freeListPush, .freeListCollect,
      .usedCounterPlain, .pageLookup, .pageVisit, .blockLink, .pageRetire, .pageFull,
      .pageAvailable, .directEntryWrite, .blockAlign, .blockUnalign, .siteHash, .cacheClass,
      .cacheLookup, .cacheHit, .cacheStore, .cachePrefetch, .policyRandom, .policyTestFloat,
      .policyTestInteger, .policyScanBest, .policyScanActive, .policyBestCached,
      .policyActiveCached, .policyThreshold, .policyRecord, .evolutionRecord,
      .sizeClassLeadingZeros, .blockCarve, .tierSelect, .sizeClassShift, .blockTransfer,
      .localCount, .poolWarm, .patternRecord, .patternUpdate, .patternRounding, .statisticPlain,
      .regionCacheProbe, .regionCacheHit, .regionCacheStore, .regionCacheEvict,
      .giganticPageFallback, .hugePageFallback, .transparentPageFallback, .lockLookup,
      .headerWrite, .headerRead, .magicCheck, .siteFieldsWrite, .magicMark, .branchHinted,
      .branchUnhinted, .fastPathInlined, .fastPathCalled, .pageFlagsPacked, .pageFlagsSeparate,
      .threadLocalCall, .blockPrefetch, .freeListEncode, .freeListDecode, .remoteCheck,
      .magazinePop, .magazinePush, .magazineCheck, .blockBump, .bumpCheck, .levelTwoStore:
      nil
    }
  }
}
