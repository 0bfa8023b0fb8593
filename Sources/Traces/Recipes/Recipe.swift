import Platform

/// A synthetic workload with named parameters, generated from a seed.
///
/// To add one: conform here, one file per recipe, and add it to `Recipes.all`.
public protocol Recipe: Sendable {
  static var name: String { get }
  /// One sentence: the pattern, and where it comes from.
  static var summary: String { get }
  static var parameters: [RecipeParameter] { get }
  /// What `--touch auto` means for its traces.
  static var touch: TouchPolicy { get }

  init(_ values: RecipeValues)

  /// Emits operations until the emitter is full.
  func generate(into emitter: TraceEmitter) throws(TraceError)
}

/// A parameter of a recipe: a whole number with a default and a range.
public struct RecipeParameter: Sendable, Equatable {
  public let name: String
  public let defaultValue: UInt64
  public let range: ClosedRange<UInt64>
  public let summary: String

  init(
    _ name: String, _ defaultValue: UInt64, _ range: ClosedRange<UInt64>, _ summary: String
  ) {
    self.name = name
    self.defaultValue = defaultValue
    self.range = range
    self.summary = summary
  }

  static func events(_ count: UInt64 = 1_000_000) -> RecipeParameter {
    RecipeParameter("events", count, 1...100_000_000_000, "operations, exactly")
  }

  static func threads(_ count: UInt64) -> RecipeParameter {
    RecipeParameter("threads", count, 1...1024, "threads")
  }

  static func live(_ count: UInt64, _ summary: String) -> RecipeParameter {
    RecipeParameter("live", count, 1...100_000_000, summary)
  }

  static let least = RecipeParameter("min", 16, 0...(1 << 40), "smallest block, bytes")
  static let most = RecipeParameter("max", 1024, 1...(1 << 40), "largest block, bytes")
}

/// The values of all parameters of a recipe, within their ranges.
public struct RecipeValues: Sendable {
  let values: [String: UInt64]

  /// Only asked for the recipe's own parameters, all of which have a value.
  subscript(name: String) -> UInt64 { values[name] ?? 0 }
}

/// The recipes by name.
public enum Recipes {
  public static let all: [any Recipe.Type] = [
    RandomMixedRecipe.self, VirtualMemoryRecipe.self, FixedRecipe.self,
    ProducerConsumerRecipe.self, LarsonRecipe.self, LocalThreadsRecipe.self,
    FalseSharingRecipe.self, CallSitesRecipe.self,
  ]

  /// Writes a trace of a recipe. The same arguments give the same bytes.
  /// - Parameters:
  ///   - name: of the recipe.
  ///   - parameters: what differs from the defaults; `key=value` as on the command line.
  /// - Returns: the number of events written.
  /// - Throws: `TraceError` that lists the known names, nearest first, for an unknown one.
  public static func generate(
    _ name: String, parameters: [String], seed: UInt64, path: String
  ) throws(TraceError) -> Int {
    try generate(recipe(named: name), parameters: parameters, seed: seed, path: path)
  }

  /// Says whether `generate` would take a recipe with these parameters.
  /// - Throws: what `generate` would throw for them.
  public static func check(_ name: String, parameters: [String]) throws(TraceError) {
    _ = try parse(parameters, of: recipe(named: name))
  }

  private static func recipe(named name: String) throws(TraceError) -> any Recipe.Type {
    guard let recipe = all.first(where: { $0.name == name }) else {
      let known = nearest(name, all.map { $0.name }).joined(separator: ", ")
      throw TraceError(
        .recipe, path: name, "isn't a recipe; the known ones are \(known)",
        remedy: "list them with: mallometer generate --list")
    }
    return recipe
  }

  private static func generate<R: Recipe>(
    _ recipe: R.Type, parameters: [String], seed: UInt64, path: String
  ) throws(TraceError) -> Int {
    let values = try parse(parameters, of: recipe)
    let header = TraceHeader(
      program: R.name, touch: R.touch,
      origin: .init(recipe: R.name, parameters: values.values, seed: seed))
    let writer = try TraceWriter(path: path, header: header)
    let emitter = try TraceEmitter(
      writer: writer, recipe: R.name, events: values["events"], seed: seed)
    try R(values).generate(into: emitter)
    try emitter.finish()
    return writer.eventCount
  }

  static func parse(_ parameters: [String], of recipe: any Recipe.Type) throws(TraceError)
    -> RecipeValues
  {
    var values: [String: UInt64] = [:]
    for parameter in recipe.parameters { values[parameter.name] = parameter.defaultValue }
    let names = recipe.parameters.map(\.name)
    for text in parameters {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard let parameter = recipe.parameters.first(where: { $0.name == parts.first }) else {
        let known = nearest(parts.first ?? "", names).joined(separator: ", ")
        throw TraceError(
          .recipe, path: recipe.name, "has no parameter \"\(text)\"; its parameters are \(known)",
          remedy: "give parameters as key=value, for example \(names[0])=1000")
      }
      guard parts.count == 2, let value = number(parts[1]), parameter.range.contains(value) else {
        throw TraceError(
          .recipe, path: recipe.name,
          "\(parameter.name) must be a whole number from \(parameter.range.lowerBound) to "
            + "\(parameter.range.upperBound), not \"\(parts.count == 2 ? parts[1] : "")\"",
          remedy: "give it as \(parameter.name)=\(parameter.defaultValue), for example")
      }
      values[parameter.name] = value
    }
    if let least = values["min"], let most = values["max"], least > most {
      throw TraceError(
        .recipe, path: recipe.name, "min (\(least)) is above max (\(most))",
        remedy: "give both min=BYTES and max=BYTES")
    }
    return RecipeValues(values: values)
  }

  /// A whole number, with underscores or a suffix k, M, G (powers of 1000) or Ki, Mi, Gi.
  static func number(_ text: String) -> UInt64? {
    let suffixes: [(String, UInt64)] = [
      ("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("k", 1000), ("M", 1_000_000),
      ("G", 1_000_000_000),
    ]
    var digits = text.replacing("_", with: "")
    var factor: UInt64 = 1
    if let (suffix, value) = suffixes.first(where: { digits.hasSuffix($0.0) }) {
      digits.removeLast(suffix.count)
      factor = value
    }
    guard let number = UInt64(digits) else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
  }

  /// The names in order of edit distance from what was written.
  static func nearest(_ text: String, _ names: [String]) -> [String] {
    func distance(_ a: [Character], _ b: [Character]) -> Int {
      var row = Array(0...b.count)
      for (i, x) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in b.enumerated() {
          let above = row[j + 1]
          row[j + 1] = min(diagonal + (x == y ? 0 : 1), row[j] + 1, above + 1)
          diagonal = above
        }
      }
      return row[b.count]
    }
    return names.sorted { a, b in
      (distance(Array(text), Array(a)), a) < (distance(Array(text), Array(b)), b)
    }
  }
}

/// What a recipe writes to: gives slots, numbers sites, keeps time at 64 ns per operation and
/// counts operations down.
public final class TraceEmitter {
  private let writer: TraceWriter
  private let module: UInt32
  private var slots = SlotAllocator()
  private var time: UInt64 = 0
  /// Operations still wanted.
  public private(set) var remaining: UInt64
  public var generator: SeededGenerator

  static let nanosecondsPerEvent: UInt64 = 64

  init(writer: TraceWriter, recipe: String, events: UInt64, seed: UInt64) throws(TraceError) {
    self.writer = writer
    remaining = events
    generator = SeededGenerator(seed: seed)
    module = try writer.moduleNumber(Module(path: "generated/\(recipe)"))
  }

  public var isFull: Bool { remaining == 0 }

  /// The number of a call site of the recipe; 16 bytes apart, from 16 on.
  func site(_ index: UInt64) throws(TraceError) -> UInt32 {
    try writer.siteNumber(module: module, offset: (index + 1) * 16)
  }

  func allocate(
    _ size: UInt64, site: UInt32, thread: UInt16 = 0, kind: EventKind = .malloc
  ) throws(TraceError) -> UInt32 {
    let slot = slots.allocate()
    try append(Event(kind: kind, thread: thread, slot: slot, size: size, site: site))
    return slot
  }

  func reallocate(_ slot: UInt32, to size: UInt64, site: UInt32) throws(TraceError) {
    try append(Event(kind: .realloc, slot: slot, size: size, site: site))
  }

  func free(_ slot: UInt32, site: UInt32, thread: UInt16 = 0) throws(TraceError) {
    try append(Event(kind: .free, thread: thread, slot: slot, site: site))
    slots.free(slot)
  }

  func startThread(_ thread: UInt16) throws(TraceError) {
    try writer.append(Event(kind: .threadStart, thread: thread, slot: 0, time: time))
  }

  func endThread(_ thread: UInt16) throws(TraceError) {
    try writer.append(Event(kind: .threadEnd, thread: thread, slot: 0, time: time))
  }

  private func append(_ event: Event) throws(TraceError) {
    var timed = event
    timed.time = time
    time += TraceEmitter.nanosecondsPerEvent
    try writer.append(timed)
    remaining -= 1
  }

  func finish() throws(TraceError) { try writer.finish() }
}
