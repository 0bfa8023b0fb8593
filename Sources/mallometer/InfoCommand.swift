import ArgumentParser
import Reports
import Traces

struct InfoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Say what is in a trace.",
    discussion: """
      A file that was cut or damaged gives what is intact, and says what is lost.

      Example:
        mallometer info traces/*.mlt --sites
      """)

  @Argument(
    help: ArgumentHelp("Trace files.", valueName: "trace"),
    completion: .file(extensions: ["mlt"]))
  var traces: [String]

  @Flag(help: "Also list the call sites, with the functions they are in.")
  var sites = false

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let context = common.context
    context.progress.begin("reading traces", total: traces.count)
    var entries: [InfoReport.Entry] = []
    for path in traces {
      let reader = try TraceReader(path: path)
      entries.append(
        InfoReport.Entry(reader, try TraceStatistics(of: reader), withSites: sites))
      context.progress.advance(detail: path)
    }
    try context.print(InfoReport(traces: entries))
  }
}

/// What `info` prints.
struct InfoReport: Report {
  let traces: [Entry]

  /// One call site's use.
  struct SiteUse: Encodable, Sendable {
    let site: UInt32
    let symbol: String
    let events: UInt64
    let bytes: UInt64
  }

  /// What the recording or the file lost.
  struct Loss: Encodable, Sendable {
    /// Events that the recorder couldn't keep.
    let dropped: UInt64
    /// Frees of addresses that it never saw allocated.
    let foreignFrees: UInt64
    /// Frees that it missed: an allocation came back on a live address.
    let impliedFrees: UInt64
    /// What the file lacks; nil where it can't be known.
    @Nullable var blocks: Int?
    @Nullable var events: Int?
    let bytes: UInt64
    @Nullable var reason: String?
  }

  struct Entry: Encodable, Sendable {
    let trace: String
    let program: String
    let arguments: [String]
    let events: UInt64
    let mallocs: UInt64
    let callocs: UInt64
    let reallocs: UInt64
    let aligned: UInt64
    let frees: UInt64
    let threads: Int
    let objects: UInt64
    let crossThreadFrees: UInt64
    let peakLiveObjects: UInt64
    let peakLiveBytes: UInt64
    let liveObjectsAtEnd: UInt64
    let slots: Int
    let durationNs: UInt64
    let bytesPerEvent: Double
    let touch: String
    let sizes: [TraceStatistics.SizeBucket]
    let lifetimes: [TraceStatistics.LifetimeBucket]
    let complete: Bool
    let lost: Loss
    let sites: [SiteUse]?
  }

  var text: String { traces.map(\.text).joined(separator: "\n") }
}

extension InfoReport.Entry {
  init(_ reader: TraceReader, _ statistics: TraceStatistics, withSites: Bool) {
    trace = reader.path
    program = reader.header.program
    arguments = reader.header.arguments
    events = statistics.events
    mallocs = statistics.mallocs
    callocs = statistics.callocs
    reallocs = statistics.reallocs
    aligned = statistics.aligned
    frees = statistics.frees
    threads = statistics.threads
    objects = statistics.objects
    crossThreadFrees = statistics.crossThreadFrees
    peakLiveObjects = statistics.peakLiveObjects
    peakLiveBytes = statistics.peakLiveBytes
    liveObjectsAtEnd = statistics.liveObjectsAtEnd
    slots = reader.slots
    durationNs = statistics.lastTime
    bytesPerEvent =
      statistics.events == 0 ? 0 : Double(reader.byteCount) / Double(statistics.events)
    touch = TouchPolicy.auto.resolved(for: reader).rawValue
    sizes = statistics.sizes
    lifetimes = statistics.lifetimes
    let completeness = reader.completeness
    complete = completeness.isComplete
    lost = InfoReport.Loss(
      dropped: reader.footer?.recorder?.dropped ?? 0, foreignFrees: statistics.foreignFrees,
      impliedFrees: statistics.impliedFrees,
      blocks: completeness.isComplete ? 0 : completeness.lostBlocks,
      events: completeness.isComplete ? 0 : completeness.lostEvents,
      bytes: completeness.lostBytes, reason: completeness.reason)
    if withSites {
      var symboliser = Symboliser(reader)
      sites = statistics.sites.map {
        InfoReport.SiteUse(
          site: $0.site, symbol: symboliser.name(ofSite: $0.site), events: $0.events,
          bytes: $0.bytes)
      }
    } else {
      sites = nil
    }
  }

  var text: String {
    let command = ([program] + arguments).joined(separator: " ").prefix(90)
    var text = "\(trace): \(command)\n"
    text += complete ? "" : "  INCOMPLETE: \(lost.reason ?? "")\(lossText)\n"
    text += """
        \(Text.count(events)) events: \(Text.count(mallocs)) malloc, \(Text.count(callocs)) calloc, \
      \(Text.count(reallocs)) realloc, \(Text.count(aligned)) aligned, \(Text.count(frees)) free
        \(threads) threads; \(Text.count(crossThreadFrees)) frees of another thread's object
        \(Text.count(objects)) objects, \(Text.count(liveObjectsAtEnd)) of them live at the end; \
      at most \(Text.count(peakLiveObjects)) and \(Text.bytes(peakLiveBytes)) at a time
        \(Text.duration(nanoseconds: Double(durationNs))), \(Text.number(bytesPerEvent)) bytes per \
      event; touches \(touch)

      """
    if lost.dropped + lost.foreignFrees + lost.impliedFrees > 0 {
      text += """
          not seen by the recorder: \(Text.count(lost.dropped)) dropped events, allocations of \
        \(Text.count(lost.foreignFrees)) frees, \(Text.count(lost.impliedFrees)) frees

        """
    }
    text += "\n" + bucketTable
    if let sites { text += "\n" + siteTable(sites) }
    return text
  }

  private var lossText: String {
    guard let blocks = lost.blocks, let events = lost.events else {
      return "; \(Text.bytes(lost.bytes)) can't be read"
    }
    return "; \(blocks) blocks with \(Text.count(events)) events can't be read"
  }

  private var bucketTable: String {
    var table = Table(
      ["size up to", "requests", "lifetime up to", "objects"],
      align: [.right, .right, .right, .right])
    for index in 0..<max(sizes.count, lifetimes.count) {
      let size = index < sizes.count ? sizes[index] : nil
      let lifetime = index < lifetimes.count ? lifetimes[index] : nil
      table.add(
        size.map { Text.bytes($0.upTo) } ?? "", size.map { Text.count($0.count) } ?? "",
        lifetime.map { "\(Text.count($0.upToEvents)) events" } ?? "",
        lifetime.map { Text.count($0.count) } ?? "")
    }
    return table.text
  }

  private func siteTable(_ sites: [InfoReport.SiteUse]) -> String {
    var table = Table(
      ["site", "events", "requested", "function"], align: [.right, .right, .right, .left])
    for site in sites {
      table.add(
        String(site.site), Text.count(site.events), Text.bytes(site.bytes), site.symbol)
    }
    return table.text
  }
}
