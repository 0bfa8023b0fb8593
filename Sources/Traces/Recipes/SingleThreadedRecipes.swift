/// Random frees and allocations over a table of cells: the classic allocator benchmark.
struct RandomMixedRecipe: Recipe {
  static let name = "random-mixed"
  static let summary = "a random cell of a table is freed if it is taken, else allocated"
  static let parameters: [RecipeParameter] = [
    .events(), .live(10_000, "objects live on average"), .least, .most,
    RecipeParameter("sites", 1, 1...65536, "call sites that allocate, chosen at random"),
  ]
  static let touch = TouchPolicy.firstLine

  let values: RecipeValues

  init(_ values: RecipeValues) { self.values = values }

  func generate(into emitter: TraceEmitter) throws(TraceError) {
    var sites: [UInt32] = []
    for index in 0..<values["sites"] { sites.append(try emitter.site(index)) }
    let freeSite = try emitter.site(values["sites"])
    let least = values["min"]
    let span = values["max"] - least + 1
    var cells = [UInt32](repeating: .max, count: Int(values["live"]) * 2)
    while !emitter.isFull {
      let cell = Int(emitter.generator.below(UInt64(cells.count)))
      if cells[cell] != .max {
        try emitter.free(cells[cell], site: freeSite)
        cells[cell] = .max
      } else {
        let site = sites.count == 1 ? 0 : Int(emitter.generator.below(UInt64(sites.count)))
        cells[cell] = try emitter.allocate(
          least + emitter.generator.below(span), site: sites[site])
      }
    }
  }
}

/// Batches of blocks that a system allocator maps from the kernel one by one.
struct VirtualMemoryRecipe: Recipe {
  static let name = "vm"
  static let summary = "batches of 2 MiB blocks: all allocated, touched whole, all freed"
  static let parameters: [RecipeParameter] = [
    .events(20_000),
    RecipeParameter("bytes", 2 << 20, 1...(1 << 40), "block size"),
    RecipeParameter("batch", 10, 1...1_000_000, "blocks per batch"),
  ]
  static let touch = TouchPolicy.perPage

  let values: RecipeValues

  init(_ values: RecipeValues) { self.values = values }

  func generate(into emitter: TraceEmitter) throws(TraceError) {
    let allocation = try emitter.site(0)
    let release = try emitter.site(1)
    while !emitter.isFull {
      try emitter.batch(
        values["bytes"], count: values["batch"], allocation: allocation, release: release)
    }
  }
}

/// Rounds of blocks of one size after the other.
struct FixedRecipe: Recipe {
  static let name = "fixed"
  static let summary = "per round 100 × 1 KiB, 100 × 16 KiB, 10 × 1 MiB, each allocated, then freed"
  static let parameters: [RecipeParameter] = [
    .events(420_000),
    RecipeParameter("bytes", 0, 0...(1 << 40), "block size; 0: the three sizes in turn"),
    RecipeParameter("batch", 0, 0...1_000_000, "blocks per round; 0: 100, of 1 MiB and more 10"),
  ]
  static let touch = TouchPolicy.firstLine

  let values: RecipeValues

  init(_ values: RecipeValues) { self.values = values }

  func generate(into emitter: TraceEmitter) throws(TraceError) {
    let bytes = values["bytes"]
    let sizes: [UInt64] = bytes > 0 ? [bytes] : [1 << 10, 16 << 10, 1 << 20]
    while !emitter.isFull {
      for (index, size) in sizes.enumerated() {
        let usual: UInt64 = size < 1 << 20 ? 100 : 10
        try emitter.batch(
          size, count: values["batch"] > 0 ? values["batch"] : usual,
          allocation: try emitter.site(UInt64(index) * 2),
          release: try emitter.site(UInt64(index) * 2 + 1))
      }
    }
  }
}

extension TraceEmitter {
  /// Allocates blocks and frees them in the same order, as far as operations are left.
  func batch(_ size: UInt64, count: UInt64, allocation: UInt32, release: UInt32)
    throws(TraceError)
  {
    var blocks: [UInt32] = []
    for _ in 0..<count where !isFull { blocks.append(try allocate(size, site: allocation)) }
    for block in blocks where !isFull { try free(block, site: release) }
  }
}
