/// Reads a trace file: what it says of itself at once, its events as a stream in bounded memory.
///
/// Opening checks every record's checksum and collects sites and modules, at several gigabytes
/// per second. The events of all intact blocks up to the first damaged one can then be read;
/// `completeness` says what can't. Any number of streams may read one reader at a time.
public final class TraceReader: Sendable {
  /// One block of the file, as known without decoding its events.
  public struct Block: Sendable, Equatable {
    /// Number of its first event, and how many there are.
    public let firstEvent: Int
    public let events: Int
    public let operations: Int
    /// Nanoseconds since the start of the recording.
    public let firstTime: UInt64
    public let lastTime: UInt64
    /// Of the recorded process, at the block's end; 0 when unknown.
    public let minorFaults: UInt64
    public let residentBytes: UInt64
    /// Live objects at its end, and slots handed out since the start.
    public let liveObjects: Int
    public let slots: Int
    /// Bytes in the file.
    public let storedBytes: Int

    let offset: UInt64
    let frame: TraceFile.Frame
    let head: BlockHead

    public static func == (a: Block, b: Block) -> Bool {
      a.offset == b.offset && a.head == b.head && a.storedBytes == b.storedBytes
    }
  }

  public var path: String { file.path }
  public let header: TraceHeader
  /// What the recorder added at the end; nil in a file that was cut.
  public let footer: TraceFooter?
  /// Every call site that occurs, by its number. Number 0 is the unknown one.
  public let sites: [Site]
  /// Every module that occurs, by its number. Number 0 is `Module.unknown`.
  public let modules: [Module]
  public let blocks: [Block]
  public let completeness: Completeness

  let file: TraceFile

  /// Opens a file and checks its records.
  public init(path: String) throws(TraceError) {
    file = try TraceFile(path: path)
    var scan = TraceScan(file: file)
    try scan.run()
    header = scan.header
    footer = scan.footer
    sites = scan.sites
    modules = scan.modules
    blocks = scan.blocks
    completeness = scan.completeness
  }

  /// Events in the intact blocks.
  public var eventCount: Int { completeness.events }
  /// Events of them that a replay or a simulation performs.
  public var operationCount: Int { blocks.reduce(0) { $0 + $1.operations } }
  /// Every slot is below it.
  public var slots: Int { blocks.last?.slots ?? 0 }
  /// Objects that are live after the last event.
  public var liveObjectsAtEnd: Int { blocks.last?.liveObjects ?? 0 }
  /// Every thread number is below it.
  public var threads: Int { Int(blocks.last?.head.threads ?? 1) }
  /// Bytes of the file.
  public var byteCount: UInt64 { file.byteCount }

  /// The events in order, in pieces of at most 4096.
  ///
  /// Valid whatever the file holds: an allocating event's slot is dead before it (a realloc's may
  /// be live), a freed slot is live, slots, sites and threads are below their counts. The piece is
  /// valid during the call only.
  /// - Throws: `TraceError` for a block that passes its checksum but is impossible, and whatever
  ///   `body` throws.
  public func forEachBlock(_ body: (UnsafeBufferPointer<Event>) throws -> Void) throws {
    try stream(.all, body: body)
  }

  func stream(
    _ selection: EventSelection, atEnd: (borrowing SlotTable) throws -> Void = { _ in },
    body: (UnsafeBufferPointer<Event>) throws -> Void
  ) throws {
    var decoder = BlockDecoder(
      timeResolutionLog2: header.timeResolutionLog2, selection: selection)
    defer { decoder.deallocate() }
    let loader = BlockLoader(file: file)
    let output = UnsafeMutablePointer<Event>.allocate(capacity: ColumnBuffers.batchEvents)
    defer { output.deallocate() }
    for (number, block) in blocks.enumerated() {
      guard let contents = try loader.body(of: block.frame, at: block.offset) else {
        throw TraceError(
          .file, path: path, block: number, "changed since the file was opened",
          remedy: "run the command again once nothing writes to the file")
      }
      for column in Column.allCases where column != .definitions {
        if let problem = loader.load(
          column, of: contents, into: decoder.columns, events: block.events)
        {
          throw invalid(block: number, event: nil, problem)
        }
      }
      decoder.begin(block.head)
      decoding: while true {
        switch decoder.decode(into: output) {
        case .events(let count):
          if count > 0 { try body(UnsafeBufferPointer(start: output, count: count)) }
        case .end: break decoding
        case .invalid(let event, let problem):
          throw invalid(block: number, event: block.firstEvent + Int(event), problem)
        }
      }
    }
    try atEnd(decoder.table)
  }

  private func invalid(block: Int, event: Int?, _ problem: String) -> TraceError {
    TraceError(
      .invalid, path: path, block: block, event: event, problem,
      remedy: "the file was changed after it was written: record or copy it again")
  }
}

extension TraceReader {
  /// Opens a trace to run it: one that holds no operation, or of which none can be read, says
  /// nothing of any allocator.
  public static func runnable(path: String) throws(TraceError) -> TraceReader {
    let reader = try TraceReader(path: path)
    guard reader.operationCount > 0 else {
      throw TraceError(
        .notATrace, path: path,
        "holds no allocation that can be run" + (reader.loss.map { " (\($0))" } ?? ""),
        remedy: "see what is in it: mallometer info \(path)")
    }
    return reader
  }

  /// What of the trace can't be read, in a few words; nil if it is whole.
  public var loss: String? {
    guard !completeness.isComplete else { return nil }
    let lost = completeness.lostEvents.map { "\($0) more events are lost" }
    return
      "\(completeness.reason ?? "it is incomplete"); \(lost ?? "how many events are lost isn't known")"
  }
}
