/// A named unit of allocator work with a cost.
///
/// The one catalogue of steps: models count them, counting builds count them (the C header with
/// their numbers is generated from here), fits give them a cost, tables print their `name`. What each is
/// counted for, and what else is known of it, is its `info`.
public enum Step: UInt8, CaseIterable, Sendable, Codable {
  // Entry points
  case mallocCall, callocCall, reallocCall, alignedCall, freeCall
  // Where the heap is found
  case threadLocalAccess
  // Pool: size to bin
  case sizeClassDirect, sizeClassSearchProbe
  // Pool: free lists and pages
  case freeListPop, freeListPush, freeListCollect
  case usedCounterPlain, usedCounterAtomic
  case pageLookup
  case allocateSlow
  case pageVisit
  case pageExtend, blockLink
  case pageFresh, pageReturn, segmentInit
  case pageRetire, pageFull, pageAvailable
  case directEntryWrite
  case blockAlign, blockUnalign
  case reallocateInPlace
  case remoteFree, remoteCollect
  case heapInit
  // Reuse: the call-site cache
  case siteHash, cacheClass, cacheLookup, cacheHit, cacheStore, cacheEvict
  case cachePrefetch
  // Reuse: the policy
  case policySelect, policyRandom, policyUpdate
  case policyTestFloat, policyTestInteger
  case policyScanBest, policyScanActive
  case policyBestCached, policyActiveCached
  case policyThreshold
  case policyRecord
  case policyOutcome
  case evolutionRecord
  // Reuse: the backing below the threshold
  case sizeClassLeadingZeros
  case blockCarve, runCarve
  case backingCall
  case batchAppend
  // Tiered: which allocator serves a size
  case tierSelect
  case sizeClassShift
  case blockTransfer
  case localCount
  case poolWarm
  case patternRecord, patternUpdate, patternRounding
  case statisticAtomic, statisticPlain
  // Tiered: the cache of freed mappings
  case regionCacheProbe, regionCacheHit, regionCacheStore, regionCacheEvict
  // Tiered: huge pages; each fallback is to the next smaller kind
  case hugePageDetect, hugePageMap
  case giganticPageFallback, hugePageFallback, transparentPageFallback
  case adviseWillNeed, adviseSequential, adviseHugePage
  // Locks and shared lines
  case lockUncontended, lockContended
  case mutexUncontended, mutexContended
  case lockLookup
  case atomicUncontended, atomicContended
  case coherenceTransfer
  // Headers
  case headerWrite, headerRead, magicCheck
  case siteFieldsWrite
  case magicMark
  // Bulk work, in cache lines of 64 bytes
  case lineCopied, lineZeroed
  // The kernel
  case mapCall, unmapCall, adviseCall
  case adviseFree
  // Pool: how its fast paths are built; of each pair a design has one
  case branchHinted, branchUnhinted
  case fastPathInlined, fastPathCalled
  case pageFlagsPacked, pageFlagsSeparate
  case threadLocalCall
  case blockPrefetch
  case freeListEncode, freeListDecode
  case remoteCheck
  case magazinePop, magazinePush
  case magazineCheck
  case blockBump, bumpCheck
  // The machine: counted by the machine model only, each access at the level that serves it.
  // Loads and stores apart: nothing waits for a store until buffers fill. A store that a locked
  // instruction waits for counts as a load.
  case levelTwoLoad, levelTwoStore, levelThreeLoad, levelThreeStore, memoryLoad, memoryStore
  // A load beyond the second level that is fetched while an earlier one is waited for
  case loadOverlapped
  // Lines of a sequential pass, which the hardware fetches ahead
  case lineStreamedNear, lineStreamedMemory
  case translationHit, translationWalk, branchMiss
  // What a first touch costs depends on what the kernel finds in the caches, as any other work does.
  case pageFault, pageTablePage, clearedLine, kernelLine, hugePageFault

  /// The field's term, as it stands in tables, JSON, YAML and the generated C header.
  public var name: String { Self.names[Int(rawValue)] }

  /// Lines of its own that the kernel takes for a page fault, as the machine model has it: some that
  /// are always the same. What one costs is fitted.
  public static let kernelLinesOfAFault = 32

  /// How many steps there are: the length of every vector of counts.
  public static let count = allCases.count

  public init?(name: String) {
    guard let index = Self.names.firstIndex(of: name) else { return nil }
    self.init(rawValue: UInt8(index))
  }

  /// Case names in kebab case, in order.
  private static let names: [String] = allCases.map { step in
    "\(step)".reduce(into: "") { name, character in
      if character.isUppercase { name.append("-") }
      name.append(character.lowercased())
    }
  }
}
