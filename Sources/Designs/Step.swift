/// A named unit of allocator work with a cost.
///
/// The one catalogue of steps: models count them, counting builds count them (the C header with
/// their numbers is generated from here), fits give them a cost, tables print their `name`.
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
  /// The fast path found no free block.
  case allocateSlow
  /// A page looked at, in search of a free block.
  case pageVisit
  /// The next portion of a page's blocks linked; each block that is linked by it.
  case pageExtend, blockLink
  /// A page taken from a segment; a page given back to it; a segment made ready.
  case pageFresh, pageReturn, segmentInit
  /// The last block of a page freed; a page found full; a full page of which a block was freed.
  case pageRetire, pageFull, pageAvailable
  /// An entry of the direct table changed, because another page serves its size next.
  case directEntryWrite
  /// A block's start moved for an alignment; the start found again by division.
  case blockAlign, blockUnalign
  /// A realloc that left the block where it is.
  case reallocateInPlace
  /// A block freed by another thread than the page's; such a block collected by the owner.
  case remoteFree, remoteCollect
  /// A thread's heap made.
  case heapInit
  // Reuse: the call-site cache
  case siteHash, cacheClass, cacheLookup, cacheHit, cacheStore, cacheEvict
  /// A prefetch of the slot that is about to be looked up.
  case cachePrefetch
  // Reuse: the policy
  case policySelect, policyRandom, policyUpdate
  /// The random number tested against epsilon, in floating point or in integers.
  case policyTestFloat, policyTestInteger
  /// One strategy looked at: in search of the best, or in search of the active ones.
  case policyScanBest, policyScanActive
  /// The best strategy, or the list of active ones, read where the last update left it.
  case policyBestCached, policyActiveCached
  /// The threshold of the chosen strategy loaded from its table.
  case policyThreshold
  /// A use of a strategy recorded.
  case policyRecord
  /// What an allocation cost the kernel, booked to the strategy that decided it.
  case policyOutcome
  /// A size entered in the histogram of the evolution tracking.
  case evolutionRecord
  // Reuse: the backing below the threshold
  /// A size class computed by counting leading zeros.
  case sizeClassLeadingZeros
  /// A block cut from its bin's run; a run cut for a bin from the current segment.
  case blockCarve, runCarve
  /// A call into an allocator that isn't modelled.
  case backingCall
  /// An evicted block put into the batch that is purged together.
  case batchAppend
  // Tiered: which allocator serves a size
  case tierSelect
  /// A size class computed by rounding and shifting.
  case sizeClassShift
  /// A block moved between a thread's list and the shared one.
  case blockTransfer
  /// A thread's count of a class's free blocks changed, and compared with its bounds.
  case localCount
  /// A pool whose blocks are made ready before they are asked for.
  case poolWarm
  /// An allocation entered in the pattern; the pattern looked at; a mapping rounded up because of
  /// it.
  case patternRecord, patternUpdate, patternRounding
  /// A counter of the statistics changed, by a locked instruction or by a plain one.
  case statisticAtomic, statisticPlain
  // Tiered: the cache of freed mappings
  case regionCacheProbe, regionCacheHit, regionCacheStore, regionCacheEvict
  // Tiered: huge pages; each fallback is to the next smaller kind
  case hugePageDetect, hugePageMap
  case giganticPageFallback, hugePageFallback, transparentPageFallback
  /// What madvise is told, where it costs something else than giving pages back.
  case adviseWillNeed, adviseSequential, adviseHugePage
  // Locks and shared lines
  /// A spin lock taken that was free; one that had to be waited for.
  case lockUncontended, lockContended
  /// A mutex of the C library taken that was free; one that had to be waited for.
  case mutexUncontended, mutexContended
  /// The lock of a size class found.
  case lockLookup
  /// An atomic exchange of a shared word that succeeded; one that another thread forestalled.
  case atomicUncontended, atomicContended
  /// A shared line written that another thread wrote last.
  case coherenceTransfer
  // Headers
  case headerWrite, headerRead, magicCheck
  /// The call site and class written into a header.
  case siteFieldsWrite
  /// The magic number changed between live and free.
  case magicMark
  // Bulk work, in cache lines of 64 bytes
  case lineCopied, lineZeroed
  // The kernel
  case mapCall, unmapCall, adviseCall
  /// A call of madvise with MADV_FREE, where `adviseCall` gives the pages back at once.
  case adviseFree
  // Pool: how its fast paths are built; of each pair a design has one
  /// An allocation or a free whose branches the compiler was told the likely side of; or wasn't.
  case branchHinted, branchUnhinted
  /// An allocation or a free that runs within the entry point; or in functions of its own.
  case fastPathInlined, fastPathCalled
  /// A free that asks about a page in one comparison; or flag by flag.
  case pageFlagsPacked, pageFlagsSeparate
  /// The address of a thread-local variable asked of the dynamic linker by a call.
  case threadLocalCall
  /// The next free block fetched before it is asked for.
  case blockPrefetch
  /// A link of a free list written, or read, that is kept encoded.
  case freeListEncode, freeListDecode
  /// A page asked for remote frees before it is taken from.
  case remoteCheck
  /// A block taken from, or put into, a magazine: an array of the bin's last frees.
  case magazinePop, magazinePush
  /// A magazine asked whether it has a block, or room for one.
  case magazineCheck
  /// A block cut from the part of its page that was never used; a page asked for that part.
  case blockBump, bumpCheck
  // The machine: counted by the machine model only, each access at the level that serves it.
  // Loads and stores apart: nothing waits for a store until buffers fill. A store that a locked
  // instruction waits for counts as a load.
  case levelTwoLoad, levelTwoStore, levelThreeLoad, levelThreeStore, memoryLoad, memoryStore
  // Lines of a sequential pass, which the hardware fetches ahead
  case lineStreamedNear, lineStreamedMemory
  case translationHit, translationWalk, pageFault, hugePageFault, branchMiss

  /// The field's term, as it stands in tables, JSON, YAML and the generated C header.
  public var name: String { Self.names[Int(rawValue)] }

  /// Whether only the machine model counts this step: no counting build has it.
  public var isMachineStep: Bool { rawValue >= Step.levelTwoLoad.rawValue }

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
