import Designs

/// One of the designs that a claim names.
public enum Side: String, CaseIterable, Sendable {
  /// The first, or the only one.
  case first = "A"
  case second = "B"
}

/// Steps that a source counts as one component, and what one execution of it is.
public struct Component: Hashable, Sendable {
  /// As quantities name it.
  public let name: String
  /// One sentence: which component of which source it stands for; empty for a single step.
  public let doc: String
  /// What it consists of, at least one.
  public let steps: [Step]
  /// What is counted to say how often the component was executed.
  public let per: Step

  /// A component of one step, named like it.
  public init(_ step: Step) {
    self.init(name: step.name, doc: "", steps: [step], per: step)
  }

  init(name: String, doc: String, steps: [Step], per: Step) {
    self.name = name
    self.doc = doc
    self.steps = steps
    self.per = per
  }
}

/// What can be measured, counted or fitted for a claim, on its workload.
public enum Measure: Hashable, Sendable {
  /// Time of one execution of a component within a design, in ns: the fitted costs of its steps
  /// times their counts, divided by the count of its `per` step.
  case cost(Component, Side)
  /// Time of one execution of a step alone, in ns, as `calibrate` measures it.
  case isolatedCost(Step)
  /// How often a step was executed in the whole run.
  case count(Step, Side)
  /// The part of the gap between the first design and the second that a component's steps explain.
  case shareOfGap(Component)
  /// The part of the first design's time that a component's steps take.
  case shareOfTime(Component)
  /// Time spent in an allocator, in ns per event.
  case time(Side)
  /// One allocator's time less another's, in ns per event.
  case gap(from: Side, to: Side)
  /// A design's time less that of the same with a change applied, in ns per event. The change is an
  /// optimisation's name or `toggle=value[,…]`.
  case payoff(Side, change: String)
  /// Page faults of the whole run.
  case pageFaults(Side)
  /// mmap, munmap and madvise calls of the whole run.
  case systemCalls(Side)
  case bytes(ByteKind, Side)
  /// Throughput with the recorded threads running at once over that of all events on one thread.
  case scaling(Side)
  /// Events of the workload.
  case events
  /// Events of the workload that allocate.
  case allocations
  /// What the score-caching study counts, times or fits.
  case study(StudyObservable)

  /// What it is.
  public var dimension: Dimension {
    switch self {
    case .cost, .isolatedCost, .time, .gap, .payoff: .time
    case .count, .pageFaults, .systemCalls, .events, .allocations: .count
    case .shareOfGap, .shareOfTime, .scaling: .ratio
    case .bytes: .bytes
    case .study(let observable): observable.dimension
    }
  }

  /// The designs that it is measured of.
  public var sides: [Side] {
    switch self {
    case .cost(_, let side), .count(_, let side), .time(let side), .payoff(let side, _),
      .pageFaults(let side), .systemCalls(let side), .bytes(_, let side), .scaling(let side):
      [side]
    case .gap(let from, let to): [from, to]
    case .shareOfGap: [.first, .second]
    case .shareOfTime: [.first]
    case .isolatedCost, .events, .allocations, .study: []
    }
  }

  /// Whether it takes a model of every design that it is measured of.
  public var needsModel: Bool {
    switch self {
    case .cost, .count, .shareOfGap, .shareOfTime, .payoff: true
    case .bytes(let kind, _): kind != .peakResident
    case .isolatedCost, .time, .gap, .pageFaults, .systemCalls, .scaling, .events, .allocations,
      .study:
      false
    }
  }
}

/// Which bytes.
public enum ByteKind: String, CaseIterable, Sendable {
  /// Of the header before every block.
  case header
  /// The most address space that the design had mapped.
  case peakMapped = "peak-mapped"
  /// The most memory that was resident.
  case peakResident = "peak-resident"
  /// The most that the workload had asked for at once.
  case peakLive = "peak-live"
}

/// What the score-caching study gives: a population sorted by scores that are loaded from shared
/// objects, or cached before in a new array of reference-counted copies.
public enum StudyObservable: String, CaseIterable, Sendable {
  /// Time of the cached form over that of the other, less 1.
  case change
  /// Time of sorting by atomic loads, and of the cached form, once over.
  case sortingTime = "sorting-time"
  case cachingTime = "caching-time"
  /// Steps of sorting by atomic loads.
  case comparisons
  case atomicLoads = "atomic-loads"
  /// Steps of the cached form.
  case cachedLoads = "cached-loads"
  case allocations
  case bytesCopied = "bytes-copied"
  case referenceCountUpdates = "reference-count-updates"
  /// Times of one step, and of all that the cached form does besides sorting.
  case atomicLoadCost = "atomic-load-cost"
  case cachingOverhead = "caching-overhead"
  /// Times of parts of it: of its allocations with their frees, and of copying.
  case allocationTime = "allocation-time"
  case copyingTime = "copying-time"

  var dimension: Dimension {
    switch self {
    case .change: .ratio
    case .sortingTime, .cachingTime, .atomicLoadCost, .cachingOverhead, .allocationTime,
      .copyingTime:
      .time
    case .comparisons, .atomicLoads, .cachedLoads, .allocations, .referenceCountUpdates: .count
    case .bytesCopied: .bytes
    }
  }
}

extension Measure: CustomStringConvertible {
  /// As claims write it.
  public var description: String {
    switch self {
    case .cost(let component, let side): Self.call("cost", component.name, side)
    case .isolatedCost(let step): "isolated(\(step.name))"
    case .count(let step, let side): Self.call("count", step.name, side)
    case .shareOfGap(let component): "share(\(component.name), gap)"
    case .shareOfTime(let component): "share(\(component.name), time)"
    case .time(let side): "time(\(side.rawValue))"
    case .gap(let from, let to): "gap(\(from.rawValue), \(to.rawValue))"
    case .payoff(let side, let change):
      "payoff(\(side.rawValue), \(QuantityLexer.isName(change) ? change : "\"\(change)\""))"
    case .pageFaults(let side): "pageFaults(\(side.rawValue))"
    case .systemCalls(let side): "syscalls(\(side.rawValue))"
    case .bytes(let kind, let side): Self.call("bytes", kind.rawValue, side)
    case .scaling(let side): "scaling(\(side.rawValue))"
    case .events: "events"
    case .allocations: "allocations"
    case .study(let observable): "study(\(observable.rawValue))"
    }
  }

  private static func call(_ name: String, _ subject: String, _ side: Side) -> String {
    side == .first ? "\(name)(\(subject))" : "\(name)(\(subject), \(side.rawValue))"
  }
}
