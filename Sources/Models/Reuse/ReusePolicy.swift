import Designs

/// Epsilon-greedy choice among twelve thresholds that Elo ratings rank: policy.h's algorithm.
///
/// Ratings use additions, multiplications and divisions of doubles in the same order as the C
/// source, so that both get the same bits.
struct ReusePolicy {
  struct Strategy {
    var rating = 1500.0
    var threshold: UInt64
    /// Kernel calls + pages mapped since the strategy last played.
    var cost: UInt64 = 0
    var decisions: UInt64 = 0
    var isActive = true
  }

  static let count = 12
  static let round = 1024
  static let decisive: UInt64 = 512 << 10
  static let stake = 16.0
  static let spread = 347.0
  static let retired = 1300.0
  static let activeMinimum = 3
  static let decisionsToPlay: UInt64 = 4
  /// The default first: of equals the first is best.
  static let thresholdsInKibibytes: [UInt64] = [
    2048, 512, 768, 1024, 1536, 3072, 4096, 6144, 8192, 12288, 16384, 24576,
  ]

  let strategies: UnsafeMutablePointer<Strategy>
  private let active: UnsafeMutablePointer<UInt8>
  private(set) var activeCount = count
  private(set) var best = 0
  private var random: UInt64 = 0x9E37_79B9_7F4A_7C15
  private var selections = 0
  private var lock = SharedLock()
  /// Of the random number and the selections; of each strategy's counters.
  private var selectionLine = SharedLine()
  private let strategyLines: UnsafeMutablePointer<SharedLine>
  private let options: ReuseOptions
  private let counts: StepCounts
  private let frozen: Int

  init(options: ReuseOptions, counts: StepCounts, heap: ModelHeap) {
    self.options = options
    self.counts = counts
    strategies = heap.allocate(Self.count, of: Strategy(threshold: 0))
    active = heap.allocate(Self.count, of: 0)
    strategyLines = heap.allocate(Self.count, of: SharedLine())
    var frozen = 0
    for (index, kibibytes) in Self.thresholdsInKibibytes.enumerated() {
      strategies[index].threshold = kibibytes << 10
      active[index] = UInt8(index)
      if strategies[index].threshold == options.threshold { frozen = index }
    }
    self.frozen = frozen
  }

  /// xorshift64.
  @inline(__always)
  private mutating func draw() -> UInt64 {
    counts.count(.policyRandom)
    random ^= random << 13
    random ^= random >> 7
    random ^= random << 17
    return random
  }

  /// The strategy for the next allocation.
  @inline(__always)
  mutating func select<Memory: MemoryModel>(_ thread: UInt16, _ memory: Memory) -> Int {
    switch options.policy {
    case .off: return 0
    case .frozen:
      counts.count(.policyThreshold)
      if Memory.observesTouches { memory.touch(thresholdAddress(frozen), isWrite: false) }
      return frozen
    case .learn: break
    }
    counts.count(.policySelect)
    selectionLine.write(by: thread, counts)
    if Memory.observesTouches { memory.touch(ReuseLayout.policy, isWrite: true) }
    let explores = draw() % 1000 < 100
    if Memory.observesTouches { memory.branch(ReuseBranch.explores, taken: explores) }
    counts.count(options.testsInFloat ? .policyTestFloat : .policyTestInteger)
    let chosen: Int
    if explores {
      if options.scansActive {
        counts.count(.policyScanActive, UInt64(Self.count))
        touchTable(memory)
      } else {
        counts.count(.policyActiveCached)
      }
      chosen = Int(active[Int(draw() % UInt64(activeCount))])
    } else {
      if options.scansBest {
        counts.count(.policyScanBest, UInt64(Self.count))
        touchTable(memory)
      } else {
        counts.count(.policyBestCached)
      }
      chosen = best
    }
    counts.count(.policyThreshold)
    counts.count(.policyRecord)
    strategyLines[chosen].write(by: thread, counts)
    if Memory.observesTouches { memory.touch(thresholdAddress(chosen), isWrite: true) }
    selections += 1
    if selections >= Self.round {
      selections = 0
      update(thread, memory)
      touchTable(memory)
    }
    return chosen
  }

  /// The threshold of a selected strategy.
  @inline(__always)
  func threshold(_ strategy: Int) -> UInt64 {
    options.policy == .off ? options.threshold : strategies[strategy].threshold
  }

  /// Books what a decision cost the kernel.
  @inline(__always)
  mutating func record<Memory: MemoryModel>(
    _ strategy: Int, size: UInt64, cost: UInt64, thread: UInt16, _ memory: Memory
  ) {
    guard size >= Self.decisive, options.policy == .learn else { return }
    counts.count(.policyOutcome)
    strategyLines[strategy].write(by: thread, counts)
    strategies[strategy].decisions += 1
    strategies[strategy].cost += cost
    if Memory.observesTouches { memory.touch(thresholdAddress(strategy), isWrite: true) }
  }

  private func thresholdAddress(_ strategy: Int) -> Address {
    ReuseLayout.strategies + UInt64(strategy) * ReuseLayout.strategyBytes
  }

  @inline(__always)
  private func touchTable<Memory: MemoryModel>(_ memory: Memory) {
    if Memory.observesTouches {
      memory.touchRange(
        ReuseLayout.strategies, bytes: UInt64(Self.count) * ReuseLayout.strategyBytes,
        isWrite: false)
    }
  }

  private func plays(_ index: Int) -> Bool {
    strategies[index].isActive && strategies[index].decisions >= Self.decisionsToPlay
  }

  /// The expected score against an opponent.
  static func expected(_ rating: Double, against opponent: Double) -> Double {
    let x = (rating - opponent) / spread
    let magnitude = x < 0 ? -x : x
    return 0.5 + 0.5 * x / (1.0 + magnitude)
  }

  private func score(_ one: Strategy, _ other: Strategy) -> Double {
    let left = one.cost &* other.decisions
    let right = other.cost &* one.decisions
    return left < right ? 1 : left > right ? 0 : 0.5
  }

  /// The end of a round: every two strategies that play.
  @inline(never)
  private mutating func update<Memory: MemoryModel>(_ thread: UInt16, _ memory: Memory) {
    lock.acquire(by: thread, counts, memory)
    for i in 0..<Self.count {
      for j in (i + 1)..<max(Self.count, i + 1) where plays(i) && plays(j) {
        counts.count(.policyUpdate)
        let one = strategies[i].rating
        let other = strategies[j].rating
        let won =
          Self.stake
          * (score(strategies[i], strategies[j]) - Self.expected(one, against: other))
        strategies[i].rating = one + won
        strategies[j].rating = other - won
      }
    }
    var remaining = 0
    for i in 0..<Self.count {
      remaining += strategies[i].isActive ? 1 : 0
      if plays(i) {
        strategyLines[i].write(by: thread, counts)
        strategies[i].decisions = 0
        strategies[i].cost = 0
      }
    }
    for i in 0..<Self.count where remaining > Self.activeMinimum {
      if strategies[i].isActive && strategies[i].rating < Self.retired {
        strategies[i].isActive = false
        remaining -= 1
      }
    }
    rank()
  }

  /// What the C source finds by scanning, at the update or at every selection.
  private mutating func rank() {
    var bestRating = -1e9
    activeCount = 0
    for i in 0..<Self.count where strategies[i].isActive {
      active[activeCount] = UInt8(i)
      activeCount += 1
      if strategies[i].rating > bestRating {
        bestRating = strategies[i].rating
        best = i
      }
    }
    if !options.scansBest { counts.count(.policyScanBest, UInt64(Self.count)) }
    if !options.scansActive { counts.count(.policyScanActive, UInt64(Self.count)) }
  }
}
