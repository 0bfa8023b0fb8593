/// Half of the threads allocate, the other half free what they are handed.
struct ProducerConsumerRecipe: Recipe {
  static let name = "producer-consumer"
  static let summary = "every block is allocated by one thread, queued, and freed by another"
  static let parameters: [RecipeParameter] = [
    .events(), .threads(2), RecipeParameter("queue", 1000, 1...10_000_000, "blocks in a queue"),
    .least, .most,
  ]
  static let touch = TouchPolicy.firstLine

  let values: RecipeValues

  init(_ values: RecipeValues) { self.values = values }

  func generate(into emitter: TraceEmitter) throws(TraceError) {
    let pairs = max(Int(values["threads"]) / 2, 1)
    let capacity = Int(values["queue"])
    let least = values["min"]
    let span = values["max"] - least + 1
    let allocation = try emitter.site(0)
    let release = try emitter.site(1)
    for thread in 1..<pairs * 2 { try emitter.startThread(UInt16(thread)) }
    // A ring per pair: the oldest block is freed first.
    var rings = [UInt32](repeating: 0, count: pairs * capacity)
    var heads = [Int](repeating: 0, count: pairs)
    var counts = [Int](repeating: 0, count: pairs)
    while !emitter.isFull {
      let pair = Int(emitter.generator.below(UInt64(pairs)))
      let produces = emitter.generator.below(2) == 0
      let ring = pair * capacity
      // Threads run for a while before they are heard of again, as on real processors.
      for _ in 0..<(1 + emitter.generator.below(16)) where !emitter.isFull {
        if produces {
          if counts[pair] == capacity { break }
          rings[ring + (heads[pair] + counts[pair]) % capacity] = try emitter.allocate(
            least + emitter.generator.below(span), site: allocation, thread: UInt16(2 * pair))
          counts[pair] += 1
        } else {
          if counts[pair] == 0 { break }
          try emitter.free(rings[ring + heads[pair]], site: release, thread: UInt16(2 * pair + 1))
          heads[pair] = (heads[pair] + 1) % capacity
          counts[pair] -= 1
        }
      }
    }
  }
}

/// A server whose threads end and leave their blocks to the next (Larson and Krishnan, Memory
/// allocation for long-running server applications, 1998).
struct LarsonRecipe: Recipe {
  static let name = "larson"
  static let summary = "threads replace random blocks of a table that their successors inherit"
  static let parameters: [RecipeParameter] = [
    .events(), .threads(4), .live(1000, "blocks of each thread"),
    RecipeParameter("round", 2000, 1...1_000_000_000, "replacements before a thread ends"),
    .least, .most,
  ]
  static let touch = TouchPolicy.firstLine

  let values: RecipeValues

  init(_ values: RecipeValues) { self.values = values }

  func generate(into emitter: TraceEmitter) throws(TraceError) {
    let lanes = Int(values["threads"])
    let live = Int(values["live"])
    let least = values["min"]
    let span = values["max"] - least + 1
    let allocation = try emitter.site(0)
    let release = try emitter.site(1)
    var tables = [UInt32](repeating: .max, count: lanes * live)
    var threads = (0..<lanes).map { UInt16($0) }
    var replaced = [UInt64](repeating: 0, count: lanes)
    var nextThread = lanes
    for thread in 1..<max(lanes, 1) { try emitter.startThread(UInt16(thread)) }
    while !emitter.isFull {
      let lane = Int(emitter.generator.below(UInt64(lanes)))
      for _ in 0..<8 where !emitter.isFull {
        let cell = lane * live + Int(emitter.generator.below(UInt64(live)))
        if tables[cell] != .max {
          try emitter.free(tables[cell], site: release, thread: threads[lane])
          tables[cell] = .max
          if emitter.isFull { return }
        }
        tables[cell] = try emitter.allocate(
          least + emitter.generator.below(span), site: allocation, thread: threads[lane])
        replaced[lane] += 1
      }
      // Thread numbers are 16 bits: once they are used up, the last threads stay.
      if replaced[lane] >= values["round"] && nextThread <= Int(UInt16.max) {
        try emitter.endThread(threads[lane])
        threads[lane] = UInt16(nextThread)
        try emitter.startThread(threads[lane])
        nextThread += 1
        replaced[lane] = 0
      }
    }
  }
}

/// Threads that share nothing.
struct LocalThreadsRecipe: Recipe {
  static let name = "local-threads"
  static let summary = "random-mixed on every thread, none freeing another's blocks"
  static let parameters: [RecipeParameter] = [
    .events(), .threads(4), .live(1000, "objects of each thread live on average"), .least, .most,
  ]
  static let touch = TouchPolicy.firstLine

  let values: RecipeValues

  init(_ values: RecipeValues) { self.values = values }

  func generate(into emitter: TraceEmitter) throws(TraceError) {
    let threads = values["threads"]
    let cellsEach = values["live"] * 2
    let least = values["min"]
    let span = values["max"] - least + 1
    let allocation = try emitter.site(0)
    let release = try emitter.site(1)
    var cells = [UInt32](repeating: .max, count: Int(threads * cellsEach))
    for thread in 1..<max(threads, 1) { try emitter.startThread(UInt16(thread)) }
    while !emitter.isFull {
      let thread = emitter.generator.below(threads)
      for _ in 0..<8 where !emitter.isFull {
        let cell = Int(thread * cellsEach + emitter.generator.below(cellsEach))
        if cells[cell] != .max {
          try emitter.free(cells[cell], site: release, thread: UInt16(thread))
          cells[cell] = .max
        } else {
          cells[cell] = try emitter.allocate(
            least + emitter.generator.below(span), site: allocation, thread: UInt16(thread))
        }
      }
    }
  }
}

/// Small neighbours handed to different threads: an allocator that recycles them there makes the
/// threads share cache lines for good (cache-scratch of Berger et al., Hoard, 2000).
struct FalseSharingRecipe: Recipe {
  static let name = "false-sharing"
  static let summary = "one thread's small blocks are freed and replaced by every other thread"
  static let parameters: [RecipeParameter] = [
    .events(), .threads(4), RecipeParameter("bytes", 8, 1...4096, "block size"),
    RecipeParameter("batch", 100, 1...1_000_000, "replacements per thread and round"),
  ]
  static let touch = TouchPolicy.firstLine

  let values: RecipeValues

  init(_ values: RecipeValues) { self.values = values }

  func generate(into emitter: TraceEmitter) throws(TraceError) {
    let threads = Int(values["threads"])
    let bytes = values["bytes"]
    let handout = try emitter.site(0)
    let release = try emitter.site(1)
    let replacement = try emitter.site(2)
    for thread in 1..<max(threads, 1) { try emitter.startThread(UInt16(thread)) }
    while !emitter.isFull {
      var blocks: [UInt32] = []
      for _ in 0..<threads where !emitter.isFull {
        blocks.append(try emitter.allocate(bytes, site: handout))
      }
      for _ in 0..<values["batch"] {
        for thread in blocks.indices where emitter.remaining >= 2 {
          try emitter.free(blocks[thread], site: release, thread: UInt16(thread))
          blocks[thread] = try emitter.allocate(
            bytes, site: replacement, thread: UInt16(thread))
        }
      }
      for (thread, block) in blocks.enumerated() where !emitter.isFull {
        try emitter.free(block, site: release, thread: UInt16(thread))
      }
    }
  }
}
