extension Step {
  /// How its cost is measured alone.
  var isolation: StepInfo.Isolation {
    switch self {
    case .usedCounterPlain: .primitive("plain-add")
    case .usedCounterAtomic: .primitive("atomic-add")
    case .adviseWillNeed: .primitive("advise-will-need")
    case .adviseSequential: .primitive("advise-sequential")
    case .adviseHugePage: .primitive("advise-huge-page")
    case .lineCopied: .primitive("line-copy")
    case .lineZeroed: .primitive("line-clear")
    case .mapCall: .primitive("map")
    case .unmapCall: .primitive("unmap")
    case .adviseCall: .primitive("advise-dont-need")
    case .adviseFree: .primitive("advise-free")
    // A load's cost is what it takes beyond a load that hits the first level; a store's likewise.
    case .levelTwoLoad: .primitive("load-level-two", less: "load-level-one")
    case .levelThreeLoad: .primitive("load-level-three", less: "load-level-one")
    case .levelTwoStore: .primitive("store-level-two", less: "store-level-one")
    case .levelThreeStore: .primitive("store-level-three", less: "store-level-one")
    case .loadOverlapped: .primitive("load-scattered", less: "load-scattered-near")
    case .memoryLoad: .primitive("load-memory", less: "load-level-one")
    case .memoryStore: .primitive("store-memory", less: "store-level-one")
    case .lineStreamedNear: .primitive("pass-level-three", less: "pass-level-one")
    case .lineStreamedMemory: .primitive("pass-memory", less: "pass-level-one")
    case .translationHit: .primitive("load-translation-hit", less: "load-level-two")
    case .translationWalk: .primitive("load-translation-walk", less: "load-level-two")
    case .pageFault: .primitive("page-fault")
    case .pageTablePage: .primitive("page-fault-apart", less: "page-fault")
    case .clearedLine: .primitive("page-fault-far", less: "page-fault", factor: 1.0 / 64)
    case .kernelLine:
      .primitive(
        "page-fault-cold", less: "page-fault-far", factor: 1 / Double(Step.kernelLinesOfAFault))
    case .hugePageFault:
      .primitive("huge-page-fault", unless: "the kernel gives no huge pages here")
    // Half of the random branches are mispredicted.
    case .branchMiss: .primitive("branch-random", less: "branch-steady", factor: 2)
    // Page flags are asked for by the free alone.
    case .branchUnhinted: .builds(toggle: "branch-hints", value: "off", factor: 1)
    case .fastPathCalled: .builds(toggle: "fast-path", value: "called", factor: 1)
    case .pageFlagsSeparate: .builds(toggle: "page-flags", value: "separate", factor: 2)
    // A page made full and available again; a region taken from the cache and put back: half of the
    // time to each.
    case .pageFull, .pageAvailable: .kernel("page-full-available", share: 0.5)
    case .regionCacheHit, .regionCacheStore: .kernel("region-cache-hit-store", share: 0.5)
    case .threadLocalAccess, .sizeClassDirect, .sizeClassSearchProbe, .freeListPop, .freeListPush,
      .freeListCollect, .pageLookup, .allocateSlow, .pageVisit, .pageExtend, .blockLink,
      .pageFresh, .pageReturn, .segmentInit, .pageRetire, .directEntryWrite, .blockUnalign,
      .reallocateInPlace, .remoteFree, .remoteCollect, .siteHash, .cacheClass, .cacheLookup,
      .cacheHit, .cacheStore, .cacheEvict, .cachePrefetch, .policySelect, .policyRandom,
      .policyUpdate, .policyTestFloat, .policyTestInteger, .policyScanBest, .policyScanActive,
      .policyBestCached, .policyActiveCached, .policyThreshold, .policyRecord, .policyOutcome,
      .evolutionRecord, .sizeClassLeadingZeros, .blockCarve, .runCarve, .backingCall,
      .batchAppend, .sizeClassShift, .blockTransfer, .patternRecord, .patternUpdate,
      .patternRounding, .statisticAtomic, .statisticPlain, .regionCacheProbe, .hugePageDetect,
      .lockUncontended, .mutexUncontended, .atomicUncontended, .headerWrite, .headerRead,
      .magicCheck, .siteFieldsWrite, .magicMark, .threadLocalCall, .blockPrefetch,
      .freeListEncode, .freeListDecode, .remoteCheck, .magazinePop, .magazinePush, .blockBump:
      .kernel(name, share: 1)
    case .mallocCall, .callocCall, .reallocCall, .alignedCall, .freeCall:
      .impossible(
        reason: "the call itself is in the null allocator's replay, which every time is less by")
    case .branchHinted, .fastPathInlined, .pageFlagsPacked: .baseline
    case .lockContended, .mutexContended, .atomicContended, .coherenceTransfer:
      .impossible(reason: "needs two threads that meet; calibration has one")
    case .heapInit, .poolWarm:
      .impossible(reason: "once in a thread's or a process's life, with a mapping")
    case .blockAlign, .tierSelect:
      .impossible(reason: "two compares within the allocation that it decides about")
    case .regionCacheEvict:
      .impossible(reason: "every eviction unmaps a region")
    case .hugePageMap, .giganticPageFallback, .hugePageFallback, .transparentPageFallback:
      .impossible(reason: "depends on the kernel's reserve of huge pages")
    case .localCount, .magazineCheck, .bumpCheck, .lockLookup:
      .impossible(reason: "a compare or an address within the operation that it is part of")
    }
  }
}
