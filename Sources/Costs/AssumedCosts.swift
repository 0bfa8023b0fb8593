import Designs

/// What a step may be taken to cost before anything is measured: an order of magnitude from what
/// it does, with a deviation as large as itself.
///
/// A step that data separate forgets its assumption at once: one run in which it takes a tenth of
/// the time outweighs it. A step that is executed a few times in a million operations would
/// otherwise absorb what the model misses and cost milliseconds: then the assumption holds it.
enum AssumedCosts {
  /// Nanoseconds of a step.
  static func nanoseconds(_ step: Step) -> Double {
    switch step {
    // A system call with work on page tables behind it.
    case .mapCall, .unmapCall: 1500
    case .adviseCall, .adviseFree, .adviseWillNeed, .adviseSequential, .adviseHugePage: 300
    case .hugePageMap: 1500
    // Five files of the kernel opened and read.
    case .hugePageDetect: 30_000
    // 2 MiB cleared at some ten bytes per nanosecond.
    case .hugePageFault: 200_000
    case .pageFault: 1400
    // Misses overlap with other work; the latency of a chain of loads is the upper bound.
    case .memoryLoad: 100
    case .memoryStore: 50
    case .levelThreeLoad: 30
    case .levelThreeStore: 20
    case .lineStreamedMemory: 15
    case .lineStreamedNear, .translationHit: 2
    case .levelTwoLoad: 3
    case .levelTwoStore: 1
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
    // A few instructions on lines at hand.
    default: usual
    }
  }

  /// Of a step of a few instructions on lines at hand.
  private static let usual = 1.0

  /// How much more than alone a step may cost in place where it finds its lines cold; 0 for steps of
  /// which nothing but the usual is assumed: they find them at hand in place as well.
  static func coldNanoseconds(_ step: Step) -> Double {
    let nanoseconds = nanoseconds(step)
    return nanoseconds == usual ? 0 : nanoseconds
  }
}

extension Prior {
  /// From what the step does, without any measurement.
  init(assumed step: Step) {
    let nanoseconds = AssumedCosts.nanoseconds(step)
    self.init(mean: nanoseconds, deviation: nanoseconds)
  }
}
