import Designs
import Platform

extension Calibration {
  /// How a step's cost follows from what was measured: factor × (primitive − less).
  struct Derivation {
    let step: Step
    let primitive: String
    var less: String?
    var factor = 1.0

    /// Nil where something wasn't measured. A step that takes less than the noise costs nothing: no
    /// bound is below zero.
    func estimate(_ samples: Samples, seed: UInt64) -> Estimate? {
      let values = samples[primitive]
      let baseline = less.map { samples[$0] } ?? []
      guard !values.isEmpty, less == nil || !baseline.isEmpty else { return nil }
      let ns = RepeatStatistics.difference(
        values.map { $0 * factor }, less: baseline.map { $0 * factor }, seed: seed)
      func bounded(_ end: Double?) -> Double? { end.map { max($0, 0) } }
      return Estimate(value: max(ns.value, 0), low: bounded(ns.low), high: bounded(ns.high))
    }

    /// From the machine's primitives. A load's cost is what it takes beyond a load that hits the
    /// first level; a store's likewise.
    static let all = [
      Derivation(step: .usedCounterPlain, primitive: "plain-add"),
      Derivation(step: .usedCounterAtomic, primitive: "atomic-add"),
      Derivation(step: .lineZeroed, primitive: "line-clear"),
      Derivation(step: .lineCopied, primitive: "line-copy"),
      Derivation(step: .mapCall, primitive: "map"),
      Derivation(step: .unmapCall, primitive: "unmap"),
      Derivation(step: .adviseCall, primitive: "advise-dont-need"),
      Derivation(step: .adviseFree, primitive: "advise-free"),
      Derivation(step: .adviseWillNeed, primitive: "advise-will-need"),
      Derivation(step: .adviseSequential, primitive: "advise-sequential"),
      Derivation(step: .adviseHugePage, primitive: "advise-huge-page"),
      Derivation(step: .levelTwoLoad, primitive: "load-level-two", less: "load-level-one"),
      Derivation(step: .levelThreeLoad, primitive: "load-level-three", less: "load-level-one"),
      Derivation(step: .memoryLoad, primitive: "load-memory", less: "load-level-one"),
      Derivation(step: .levelTwoStore, primitive: "store-level-two", less: "store-level-one"),
      Derivation(step: .levelThreeStore, primitive: "store-level-three", less: "store-level-one"),
      Derivation(step: .memoryStore, primitive: "store-memory", less: "store-level-one"),
      Derivation(step: .lineStreamedNear, primitive: "pass-level-three", less: "pass-level-one"),
      Derivation(step: .lineStreamedMemory, primitive: "pass-memory", less: "pass-level-one"),
      Derivation(
        step: .translationHit, primitive: "load-translation-hit", less: "load-level-two"),
      Derivation(
        step: .translationWalk, primitive: "load-translation-walk", less: "load-level-two"),
      Derivation(step: .pageFault, primitive: "page-fault"),
      Derivation(step: .hugePageFault, primitive: "huge-page-fault"),
      // Half of the random branches are mispredicted.
      Derivation(
        step: .branchMiss, primitive: "branch-random", less: "branch-steady", factor: 2),
    ]

    /// The calibration builds: between them they have every step that has a kernel.
    static let designs: [Design] =
      [
        [:], ["header": "16"], ["encoding": "xor-rotate"], ["magazine": "on"], ["bump": "on"],
        ["prefetch": "on"], ["remote-collection": "eagerly"], ["tls-model": "global-dynamic"],
        ["branch-hints": "off"], ["fast-path": "called"], ["page-flags": "separate"],
      ].map { Design(family: .pool, changes: $0) }
      + [
        [:], ["cache-prefetch": "on"], ["site-fields": "cacheable"], ["backing": "glibc"],
        ["best-strategy": "cached", "active-list": "precomputed", "random-test": "integer"],
      ].map { Design(family: .reuse, changes: $0) }
      + [[:], ["statistics": "relaxed"]].map { Design(family: .tiered, changes: $0) }

    /// From kernels: one that is named as a step less its loop; and those that show two steps, or
    /// one by the difference of two builds.
    static func kernels(_ names: [String]) -> [Derivation] {
      var found: [Derivation] = []
      for name in names where !name.hasSuffix("/loop") {
        guard let space = name.lastIndex(of: " ") else { continue }
        let kernel = String(name[name.index(after: space)...])
        func add(_ step: Step, _ factor: Double = 1) {
          found.append(
            Derivation(step: step, primitive: name, less: name + "/loop", factor: factor))
        }
        switch kernel {
        // A page made full and available again; a region taken from the cache and put back: half of
        // the time to each.
        case "page-full-available":
          for step in [Step.pageFull, .pageAvailable] { add(step, 0.5) }
        case "region-cache-hit-store":
          for step in [Step.regionCacheHit, .regionCacheStore] { add(step, 0.5) }
        default: if let step = Step(name: kernel) { add(step) }
        }
      }
      // An operation of a malloc and a free in turn, by the builds that differ in one toggle; page
      // flags are asked for by the free alone.
      for (toggle, value, step, factor) in [
        ("branch-hints", "off", .branchUnhinted, 1), ("fast-path", "called", .fastPathCalled, 1),
        ("page-flags", "separate", .pageFlagsSeparate, 2),
      ] as [(String, String, Step, Double)] {
        let changed = Design(family: .pool, changes: [toggle: value])
        found.append(
          Derivation(
            step: step, primitive: "\(changed) malloc-free",
            less: "\(Design(family: .pool)) malloc-free", factor: factor))
      }
      return found
    }

    /// Why a step has no isolated cost.
    static func reason(_ step: Step) -> String {
      switch step {
      case .mallocCall, .callocCall, .reallocCall, .alignedCall, .freeCall:
        "the call itself is in the null allocator's replay, which every time is less by"
      case .branchHinted, .fastPathInlined, .pageFlagsPacked:
        "what its alternative is compared with"
      case .lockContended, .mutexContended, .atomicContended, .coherenceTransfer:
        "needs two threads that meet; calibration has one"
      case .heapInit, .poolWarm: "once in a thread's or a process's life, with a mapping"
      case .magazineCheck, .bumpCheck, .localCount, .lockLookup:
        "a compare or an address within the operation that it is part of"
      case .tierSelect, .blockAlign: "two compares within the allocation that it decides about"
      case .regionCacheEvict: "every eviction unmaps a region"
      case .hugePageMap, .giganticPageFallback, .hugePageFallback, .transparentPageFallback:
        "depends on the kernel's reserve of huge pages"
      case .hugePageFault: "the kernel gives no huge pages here"
      default: "no kernel shows it"
      }
    }
  }
}
