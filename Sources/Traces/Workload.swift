/// How much of a block a replay or a simulation touches, as the program would.
public enum TouchPolicy: String, Sendable, CaseIterable, Codable {
  case none
  /// The first cache line of the block.
  case firstLine = "first-line"
  /// A word of every page of the block: the first one of the block, then in every page a line further
  /// on than in the page before.
  case perPage = "per-page"
  /// Every cache line of the block.
  case all
  /// Chosen from the page faults the recorder saw.
  case auto
}

/// Whether a replay keeps the recorded threads or runs all events on one.
public enum ThreadMode: String, Sendable, CaseIterable, Codable {
  case recorded
  case one
}

/// Whether a replay keeps the recorded time between events.
public enum Pace: String, Sendable, CaseIterable, Codable {
  case none
  case recorded
}

/// How a trace is run: the same for simulations and replays, so that windows match.
public struct WorkloadOptions: Equatable, Sendable, Codable {
  public var touch: TouchPolicy
  public var threads: ThreadMode
  public var pace: Pace
  /// The trace this many times over; what is live at the end of a round is freed before the next.
  public var loops: Int
  /// Operations per window.
  public var windowEvents: Int

  public init(
    touch: TouchPolicy = .auto, threads: ThreadMode = .one, pace: Pace = .none, loops: Int = 1,
    windowEvents: Int = 1024
  ) {
    self.touch = touch
    self.threads = threads
    self.pace = pace
    self.loops = loops
    self.windowEvents = windowEvents
  }
}

/// The operations of a trace as simulations and replays perform them: one stream for both, so that
/// windows match.
///
/// - Every event is an operation: foreign frees and thread events are left out, an implied free is
///   a free, a realloc of nothing is a malloc.
/// - With `threads` `.one` every event is on thread 0. With `.recorded` the ends of threads stand
///   between the operations: no operations themselves, and in no window's count.
/// - With `loops` n the trace comes n times. Between two rounds the objects still live are freed in
///   the order of their slots, on thread 0 and site 0. Times go on growing.
public struct Workload: Sendable {
  public let trace: TraceReader
  public let options: WorkloadOptions
  /// `options.touch`, with `auto` resolved: see `TouchPolicy.resolved(for:)`.
  public let resolvedTouch: TouchPolicy

  public init(trace: TraceReader, options: WorkloadOptions = WorkloadOptions()) {
    self.trace = trace
    self.options = options
    resolvedTouch = options.touch.resolved(for: trace)
  }

  /// Every slot is below it.
  public var slots: Int { trace.slots }
  public var sites: [Site] { trace.sites }
  /// Every thread number is below it.
  public var threads: Int { options.threads == .one ? 1 : trace.threads }

  /// Operations of the whole stream, the frees between rounds included.
  public var operationCount: Int {
    trace.operationCount * options.loops + trace.liveObjectsAtEnd * (options.loops - 1)
  }

  /// Windows of the whole stream; the last may be shorter.
  public var windowCount: Int {
    (operationCount + options.windowEvents - 1) / options.windowEvents
  }

  /// The operations in order, in pieces of at most 4096, valid during the call only. What
  /// `TraceReader.forEachBlock` promises holds across rounds too.
  public func forEachBlock(_ body: (UnsafeBufferPointer<Event>) throws -> Void) throws {
    let selection = EventSelection.operations(oneThread: options.threads == .one)
    let roundTime = trace.blocks.last?.lastTime ?? 0
    for round in 0..<options.loops {
      let start = UInt64(round) &* roundTime
      try trace.stream(
        selection,
        atEnd: { table in
          guard round + 1 < options.loops else { return }
          try Workload.freeLive(table, time: start &+ roundTime, body)
        },
        body: { events in
          if round == 0 { return try body(events) }
          let shifted = UnsafeMutableBufferPointer(mutating: events)
          for index in shifted.indices { shifted[index].time &+= start }
          try body(events)
        })
    }
  }

  private static func freeLive(
    _ table: borrowing SlotTable, time: UInt64,
    _ body: (UnsafeBufferPointer<Event>) throws -> Void
  ) throws {
    var events: [Event] = []
    events.reserveCapacity(ColumnBuffers.batchEvents)
    for node in 1..<max(table.count, 1) where table.isLive(node) {
      events.append(Event(kind: .free, slot: node - 1, time: time))
      if events.count == ColumnBuffers.batchEvents {
        try events.withUnsafeBufferPointer(body)
        events.removeAll(keepingCapacity: true)
      }
    }
    if !events.isEmpty { try events.withUnsafeBufferPointer(body) }
  }
}

extension TouchPolicy {
  /// What `auto` means for a trace; any other policy is itself.
  ///
  /// A trace may say so in its header (generated ones do). Otherwise the process's minor page
  /// faults since the first event are compared with the first touches that the trace's blocks
  /// would give if nothing, each block's first line or each block's pages were touched
  /// (Documentation/trace-format.md has the estimate): the closest wins. `all` faults exactly as
  /// `perPage` does and is never chosen. Without recorded faults the first line is touched.
  public func resolved(for trace: TraceReader) -> TouchPolicy {
    guard self == .auto else { return self }
    if let touch = trace.header.touch, touch != .auto { return touch }
    guard let last = trace.blocks.last, last.minorFaults > 0 else { return .firstLine }
    let start = trace.header.minorFaultsAtStart ?? 0
    let faults = last.minorFaults > start ? last.minorFaults - start : 0
    func distance(_ pages: UInt64) -> UInt64 { pages > faults ? pages - faults : faults - pages }
    let firstLine = distance(last.head.firstLinePages)
    let perPage = distance(last.head.perPagePages)
    if faults < firstLine && faults < perPage { return .none }
    return perPage < firstLine ? .perPage : .firstLine
  }
}
