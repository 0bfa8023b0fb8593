/// What a transformation does with the objects of its call sites. All other objects pass by.
protocol SiteTransform {
  /// What it remembers of a live object.
  associatedtype Object

  /// An object is born; `event.size` and `event.kind` are what was asked for.
  /// - Returns: what is remembered of it.
  mutating func birth(_ event: Event, _ output: inout TransformOutput) throws(TraceError) -> Object
  mutating func resize(_ object: inout Object, _ event: Event, _ output: inout TransformOutput)
    throws(TraceError)
  mutating func death(_ object: Object, _ event: Event, _ output: inout TransformOutput)
    throws(TraceError)
  /// A thread ended, or the trace (then once for every thread that has not).
  mutating func end(thread: UInt16, _ output: inout TransformOutput) throws(TraceError)
}

extension SiteTransform {
  mutating func end(thread: UInt16, _ output: inout TransformOutput) throws(TraceError) {}
}

/// The trace that a transformation writes: it has slots of its own, and the old one's modules and
/// call sites under their numbers.
struct TransformOutput {
  private let writer: TraceWriter
  private var slots = SlotAllocator()
  private(set) var operations: UInt64 = 0
  /// The time of whatever is written next.
  var time: UInt64 = 0

  init(_ trace: TraceReader, header: TraceHeader, path: String) throws(TraceError) {
    writer = try TraceWriter(path: path, header: header)
    for module in trace.modules { _ = try writer.moduleNumber(module) }
    for site in trace.sites {
      _ = try writer.siteNumber(module: site.module, offset: site.offset)
    }
  }

  /// Writes an allocation like the event but for its slot and size.
  /// - Returns: the new object's slot.
  mutating func allocate(_ event: Event, size: UInt64) throws(TraceError) -> UInt32 {
    var copy = event
    if copy.kind == .realloc { copy.kind = .malloc }
    copy.slot = slots.allocate()
    copy.size = size
    try append(copy)
    return copy.slot
  }

  mutating func reallocate(_ slot: UInt32, _ event: Event, size: UInt64) throws(TraceError) {
    try append(
      Event(
        kind: .realloc, thread: event.thread, slot: slot, size: size, time: time,
        site: event.site))
  }

  mutating func free(_ slot: UInt32, thread: UInt16, site: UInt32 = 0) throws(TraceError) {
    try append(Event(kind: .free, thread: thread, slot: slot, time: time, site: site))
    slots.free(slot)
  }

  /// Writes an event without an object.
  mutating func pass(_ event: Event) throws(TraceError) { try writer.append(event) }

  private mutating func append(_ event: Event) throws(TraceError) {
    operations += 1
    try writer.append(event)
  }

  func finish(footer: TraceFooter) throws(TraceError) { try writer.finish(footer: footer) }
}

/// Reads a trace's events, keeps track of its objects, and lets a transformation write those of its
/// call sites anew.
struct TraceRewriter<T: SiteTransform> {
  private enum Slot {
    case dead
    /// Of another call site: its slot in the new trace.
    case other(UInt32)
    case chosen(T.Object)
  }

  private(set) var output: TransformOutput
  private let chosen: [Bool]
  private var live: [Slot]
  private var transform: T
  private var threads: Set<UInt16> = [0]
  /// Objects of the chosen call sites so far.
  private(set) var objects: UInt64 = 0

  init(output: TransformOutput, chosen: [Bool], slots: Int, transform: T) {
    self.output = output
    self.chosen = chosen
    self.transform = transform
    live = Array(repeating: .dead, count: slots)
  }

  mutating func take(_ event: Event) throws(TraceError) {
    output.time = event.time
    let slot = Int(event.slot)
    switch event.kind {
    case .foreignFree, .threadStart: try output.pass(event)
    case .threadEnd:
      try transform.end(thread: event.thread, &output)
      threads.remove(event.thread)
      try output.pass(event)
    case .free, .impliedFree:
      let old = live[slot]
      live[slot] = .dead
      switch old {
      case .dead: break
      case .other(let other): try output.free(other, thread: event.thread, site: event.site)
      case .chosen(let object): try transform.death(object, event, &output)
      }
    case .malloc, .calloc, .realloc, .aligned:
      threads.insert(event.thread)
      switch live[slot] {
      case .other(let other): try output.reallocate(other, event, size: event.size)
      case .chosen(var object):
        try transform.resize(&object, event, &output)
        live[slot] = .chosen(object)
      case .dead:
        if chosen[Int(event.site)] {
          objects += 1
          live[slot] = .chosen(try transform.birth(event, &output))
        } else {
          live[slot] = .other(try output.allocate(event, size: event.size))
        }
      }
    }
  }

  mutating func finish(footer: TraceFooter) throws(TraceError) {
    for thread in threads.sorted() { try transform.end(thread: thread, &output) }
    try output.finish(footer: footer)
  }
}
