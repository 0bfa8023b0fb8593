extension Step {
  /// What part of an allocator it belongs to.
  var group: StepInfo.Group {
    switch self {
    case .mallocCall, .callocCall, .reallocCall, .alignedCall, .freeCall:
      .entry
    case .threadLocalAccess, .localCount, .heapInit, .threadLocalCall:
      .heap
    case .sizeClassDirect, .sizeClassSearchProbe, .freeListPop, .freeListPush, .freeListCollect,
      .usedCounterPlain, .usedCounterAtomic, .pageLookup, .allocateSlow, .pageVisit, .pageExtend,
      .blockLink, .pageFresh, .pageReturn, .segmentInit, .pageRetire, .pageFull, .pageAvailable,
      .directEntryWrite, .blockAlign, .blockUnalign, .reallocateInPlace, .remoteFree,
      .remoteCollect, .branchHinted, .branchUnhinted, .fastPathInlined, .fastPathCalled,
      .pageFlagsPacked, .pageFlagsSeparate, .blockPrefetch, .freeListEncode, .freeListDecode,
      .remoteCheck, .magazinePop, .magazinePush, .magazineCheck,
      .blockBump, .bumpCheck:
      .pool
    case .siteHash, .cacheClass, .cacheLookup, .cacheHit, .cacheStore, .cacheEvict,
      .cachePrefetch:
      .reuse
    case .policySelect, .policyRandom, .policyUpdate, .policyTestFloat, .policyTestInteger,
      .policyScanBest, .policyScanActive, .policyBestCached, .policyActiveCached,
      .policyThreshold, .policyRecord, .policyOutcome, .evolutionRecord:
      .policy
    case .sizeClassLeadingZeros, .blockCarve, .runCarve, .backingCall, .batchAppend:
      .backing
    case .tierSelect, .sizeClassShift, .blockTransfer, .poolWarm, .patternRecord, .patternUpdate,
      .patternRounding, .statisticAtomic, .statisticPlain, .regionCacheProbe, .regionCacheHit,
      .regionCacheStore, .regionCacheEvict, .hugePageDetect, .hugePageMap, .giganticPageFallback,
      .hugePageFallback, .transparentPageFallback:
      .tiered
    case .adviseWillNeed, .adviseSequential, .adviseHugePage, .mapCall, .unmapCall, .adviseCall,
      .adviseFree:
      .kernel
    case .lockUncontended, .lockContended, .mutexUncontended, .mutexContended, .lockLookup,
      .atomicUncontended,
      .atomicContended, .coherenceTransfer:
      .lock
    case .headerWrite, .headerRead, .magicCheck, .siteFieldsWrite, .magicMark:
      .header
    case .lineCopied, .lineZeroed:
      .bulk
    case .levelTwoLoad, .levelTwoStore, .levelThreeLoad, .levelThreeStore, .loadOverlapped,
      .memoryLoad, .memoryStore, .lineStreamedNear, .lineStreamedMemory, .translationHit,
      .translationWalk, .branchMiss, .pageFault, .pageTablePage, .clearedLine, .kernelLine,
      .hugePageFault:
      .machine
    }
  }

  /// What it is paid by amid a program's own work.
  var kind: StepInfo.Kind {
    if isLocked { return .locked }
    switch group {
    case .kernel, .bulk: return .elsewhere
    // Mostly page faults and system calls.
    case .heap where self == .heapInit, .pool where self == .segmentInit: return .elsewhere
    case .machine: return self == .branchMiss ? .plain : .elsewhere
    case .entry, .heap, .pool, .reuse, .policy, .backing, .tiered, .lock, .header: return .plain
    }
  }

  var traits: StepInfo.Traits {
    switch group {
    case .entry: .call
    case .kernel: .systemCall
    case .machine: .machine
    case .lock: isWait ? .wait : isLocked ? .locked : []
    case .heap, .pool, .reuse, .policy, .backing, .tiered, .header, .bulk: isLocked ? .locked : []
    }
  }

  /// Whether it is a locked instruction and what hardly takes longer. The C library's mutex is none in a
  /// process of one thread.
  private var isLocked: Bool {
    switch self {
    case .usedCounterAtomic, .statisticAtomic, .lockUncontended, .atomicUncontended:
      true
    default: false
    }
  }

  /// Whether something was found held or changed by another thread.
  private var isWait: Bool {
    self == .lockContended || self == .mutexContended || self == .atomicContended
  }
}
