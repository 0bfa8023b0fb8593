import Models
import Platform

extension ScoreCaching {
  /// The program's algorithm on the same population: it counts what the counting build counts, and
  /// estimates from a machine model what no program can count.
  struct Model {
    private struct Element {
      var object: Int32
      var score: Double
      var age: UInt64
    }

    /// What a sort's elements are.
    private struct Kind {
      var bytes: UInt64
      /// Whether comparing them loads from the objects.
      var isShared = false

      static let pointer = Kind(bytes: 8, isShared: true)
      static let key = Kind(bytes: 16)
      static let entry = Kind(bytes: 24)
    }

    private let workload: Workload
    private let kernel: Kernel
    private let machineCounts: StepCounts
    private let machine: MachineModel
    private let objects: Address
    private var random: SeededGenerator
    /// The objects in the order of the program's list.
    private var order: [Int32]
    private var elements: [Element] = []
    private var scratch: [Element] = []
    private var counts = Counts()

    /// 96 bytes and what an allocator adds.
    private static let objectStride: UInt64 = 112
    private static let run = 8
    private static let scoreLevels = 65536.0
    private static let ages: UInt64 = 64

    /// What a kernel does in all counted epochs.
    static func counts(
      of kernel: Kernel, on workload: Workload, geometry: MachineGeometry
    ) -> Counts {
      let machineCounts = StepCounts.allocate()
      defer { machineCounts.deallocate() }
      var model = Model(kernel, workload, geometry: geometry, counts: machineCounts)
      return model.run()
    }

    private init(
      _ kernel: Kernel, _ workload: Workload, geometry: MachineGeometry, counts: StepCounts
    ) {
      self.kernel = kernel
      self.workload = workload
      machineCounts = counts
      machine = MachineModel(geometry: geometry, counts: counts)
      objects = machine.map(bytes: UInt64(workload.population) * Self.objectStride)
      random = SeededGenerator(seed: workload.seed)
      order = (0..<Int32(workload.population)).map { $0 }
      for index in stride(from: order.count - 1, to: 0, by: -1) {
        order.swapAt(index, Int(random.next() % UInt64(index + 1)))
      }
    }

    private mutating func run() -> Counts {
      var before: UInt64 = 0
      for epoch in 0..<(workload.warmUp + workload.epochs) {
        if epoch == workload.warmUp {
          counts = Counts()
          before = machineCounts[.branchMiss]
        }
        prepare()
        runOnce()
      }
      counts.mispredictions = machineCounts[.branchMiss] - before
      return counts
    }

    // MARK: An epoch

    private mutating func prepare() {
      switch kernel {
      case .sortKeysOrdered, .sortEntriesOrdered:
        elements = order.enumerated().map {
          Element(object: $0.element, score: Double($0.offset), age: 0)
        }
      case .allocate: break
      default:
        elements = order.map { object in
          let number = random.next()
          return Element(
            object: object, score: Double(number >> 48) / Self.scoreLevels,
            age: number % Self.ages)
        }
        // Objects are given their scores one after the other.
        if touchesObjects {
          for object in order { touch(object) }
        }
      }
    }

    private mutating func runOnce() {
      let population = UInt64(workload.population)
      switch kernel {
      case .loads:
        sort(.pointer)
        order = elements.map(\.object)
      case .caching: cacheFirst()
      case .sortKeys, .sortKeysOrdered: sort(.key)
      case .sortEntries, .sortEntriesOrdered: sort(.entry)
      case .load:
        counts[.atomicLoads] += 2 * population
        passObjects()
      case .increment:
        counts[.referenceIncrements] += population
        passObjects()
      case .decrement:
        counts[.referenceDecrements] += population
        passObjects()
      case .move: countMoves(population, .entry)
      case .copy: counts[.bytesCopied] += population * Kind.entry.bytes
      case .allocate:
        allocate(population * Kind.entry.bytes)
        allocate(population * Kind.pointer.bytes)
        counts[.frees] += 2
      }
    }

    private mutating func cacheFirst() {
      let population = UInt64(workload.population)
      allocate(population * Kind.entry.bytes)
      counts[.referenceIncrements] += population
      counts[.atomicLoads] += 2 * population
      passObjects()
      countMoves(population, .entry)
      sort(.entry)
      allocate(population * Kind.pointer.bytes)
      countMoves(population, .pointer)
      counts[.referenceDecrements] += population
      passObjects()
      counts[.frees] += 2
      order = elements.map(\.object)
    }

    private mutating func allocate(_ bytes: UInt64) {
      counts[.allocations] += 1
      counts[.bytesAllocated] += bytes
    }

    private mutating func countMoves(_ moves: UInt64, _ kind: Kind) {
      counts[.elementMoves] += moves
      counts[.bytesMoved] += moves * kind.bytes
    }

    // MARK: Memory

    private var touchesObjects: Bool {
      [.loads, .caching, .load, .increment, .decrement].contains(kernel)
    }

    /// Touches that did not find their line in the first level.
    private var misses: UInt64 {
      machineCounts[.levelTwoLoad] + machineCounts[.levelThreeLoad] + machineCounts[.memoryLoad]
        + machineCounts[.loadOverlapped]
        + machineCounts[.levelThreeStore] + machineCounts[.memoryStore]
    }

    private var translations: UInt64 {
      machineCounts[.translationHit] + machineCounts[.translationWalk]
    }

    private func touch(_ object: Int32) {
      machine.touch(objects + UInt64(object) * Self.objectStride, isWrite: false)
    }

    /// All objects in the order of the list.
    private mutating func passObjects() {
      let before = misses
      for object in order { touch(object) }
      counts.passedLines += misses - before
    }

    // MARK: The sort, as C/studies/sort.h has it

    private mutating func precedes(_ a: Element, _ b: Element, _ kind: Kind) -> Bool {
      counts[.comparisons] += 1
      let isTie = a.score == b.score
      if kind.isShared {
        counts[.atomicLoads] += isTie ? 4 : 2
        touch(a.object)
        touch(b.object)
      }
      return isTie ? a.age > b.age : a.score < b.score
    }

    private mutating func sort(_ kind: Kind) {
      let count = elements.count
      let (missesBefore, translationsBefore) = (misses, translations)
      if scratch.count < count { scratch = elements }
      for start in stride(from: 0, to: count, by: Self.run) {
        insert(start, min(start + Self.run, count), kind)
      }
      var width = Self.run
      while width < count {
        for start in stride(from: 0, to: count - width, by: 2 * width) {
          merge(start, width, min(start + 2 * width, count), kind)
        }
        width *= 2
      }
      counts.comparedLines += misses - missesBefore
      counts.comparedTranslations += translations - translationsBefore
    }

    private mutating func insert(_ start: Int, _ end: Int, _ kind: Kind) {
      for next in (start + 1)..<end {
        let held = elements[next]
        var place = next
        while place > start {
          let isBefore = precedes(held, elements[place - 1], kind)
          machine.branch(SortBranch.isBefore, taken: isBefore)
          guard isBefore else { break }
          elements[place] = elements[place - 1]
          place -= 1
        }
        machine.branch(SortBranch.continues, taken: place > start)
        elements[place] = held
        counts[.insertionComparisons] += UInt64(next - place + (place > start ? 1 : 0))
        countMoves(UInt64(next - place + 2), kind)
      }
    }

    private mutating func merge(_ start: Int, _ width: Int, _ end: Int, _ kind: Kind) {
      for index in 0..<width { scratch[index] = elements[start + index] }
      counts[.bytesCopied] += UInt64(width) * kind.bytes
      var (left, right, to) = (0, start + width, start)
      while left < width && right < end {
        let takesRight = precedes(elements[right], scratch[left], kind)
        machine.branch(SortBranch.takesRight, taken: takesRight)
        elements[to] = takesRight ? elements[right] : scratch[left]
        right += takesRight ? 1 : 0
        left += takesRight ? 0 : 1
        to += 1
      }
      machine.branch(SortBranch.hasMore, taken: left < width)
      countMoves(UInt64(to - start), kind)
      counts[.bytesCopied] += UInt64(width - left) * kind.bytes
      while left < width {
        elements[to] = scratch[left]
        left += 1
        to += 1
      }
    }
  }
}

/// The sort's data-dependent branches.
private enum SortBranch {
  static let isBefore: UInt32 = 16
  static let continues: UInt32 = 17
  static let takesRight: UInt32 = 18
  static let hasMore: UInt32 = 19
}
