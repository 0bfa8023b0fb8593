import Foundation
import Glibc

/// Writes a trace file, block by block, with bounded memory: about 10 MB and 40 bytes per slot.
///
/// Events come in order, with slots from a `SlotAllocator` and sites from `siteNumber`. The file is
/// created with mode 0600. A file without `finish` is a whole trace but for its footer and the
/// events since the last block. Not to be shared between threads.
public final class TraceWriter {
  public let path: String
  public private(set) var eventCount = 0
  /// Bytes of the file so far.
  public private(set) var byteCount: UInt64 = 0
  /// Minor page faults and resident bytes of the recorded process, to be kept up to date by the
  /// recorder: a block notes what is here when it is written.
  public var minorFaults: UInt64 = 0
  public var residentBytes: UInt64 = 0

  private var descriptor: Int32
  private var encoder: BlockEncoder
  private let compressor: Compressor
  private let output: UnsafeMutableRawBufferPointer
  private var siteNumbers: [Site: UInt32] = [Site(module: 0, offset: 0): 0]
  private var moduleNumbers: [Module: UInt32] = [.unknown: 0]
  private var definitions: [UInt8] = []
  private var newSites: UInt32 = 0
  private var newModules: UInt32 = 0
  private var index: [BlockIndexEntry] = []

  /// Measured on recorded traces: see Documentation/trace-format.md.
  public static let defaultCompressionLevel = 3

  /// Creates the file, replacing what was there.
  /// - Parameter level: zstd's; higher is smaller and slower to write.
  public init(
    path: String, header: TraceHeader, level: Int = TraceWriter.defaultCompressionLevel
  ) throws(TraceError) {
    self.path = path
    guard (0...20).contains(header.timeResolutionLog2) else {
      throw TraceError(
        .rule, path: path,
        "a time resolution of 2 to the power \(header.timeResolutionLog2) ns; 0 to 20 is possible")
    }
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .systemError(path, "created", errno) }
    _ = fchmod(descriptor, 0o600)
    encoder = BlockEncoder(timeResolutionLog2: header.timeResolutionLog2)
    encoder.describe { $0.threads = 1 }
    compressor = Compressor(level: Int32(level))
    output = UnsafeMutableRawBufferPointer.allocate(
      byteCount: TraceFormat.maximumBlockBytes + TraceFormat.frameBytes, alignment: 16)
    var preamble = TraceFormat.magic
    preamble.append(contentsOf: littleEndianBytes(TraceFormat.version))
    preamble.append(contentsOf: [0, 0, 0, 0])
    try write(preamble)
    let body = encodeJSON(header)
    guard body.count <= TraceFormat.maximumHeaderBytes else {
      throw TraceError(
        .rule, path: path,
        "a header of \(body.count) bytes; \(TraceFormat.maximumHeaderBytes) are possible",
        remedy: "shorten the program's arguments")
    }
    try write(record: TraceFormat.headerTag, body)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    encoder.deallocate()
    output.deallocate()
  }

  /// The number of a module, registered when it is new. `Module.unknown` is 0.
  public func moduleNumber(_ module: Module) throws(TraceError) -> UInt32 {
    if let number = moduleNumbers[module] { return number }
    let path = Array(module.path.utf8.prefix(TraceFormat.maximumPathBytes))
    let buildID = Array(module.buildID.utf8.prefix(TraceFormat.maximumBuildIDBytes))
    guard moduleNumbers.count < TraceFormat.maximumModules else {
      throw TraceError(
        .rule, path: self.path, "more than \(TraceFormat.maximumModules) modules")
    }
    definitions.append(0)
    appendDefinition(UInt64(path.count))
    definitions.append(contentsOf: path)
    appendDefinition(UInt64(buildID.count))
    definitions.append(contentsOf: buildID)
    let number = UInt32(moduleNumbers.count)
    moduleNumbers[module] = number
    newModules += 1
    try flushLongDefinitions()
    return number
  }

  /// The number of a call site, registered when it is new. Module 0 with offset 0 is site 0.
  /// - Parameter offset: the return address less the module's load bias.
  /// - Complexity: a dictionary lookup, about 50 ns: callers with many events keep the numbers.
  public func siteNumber(module: UInt32, offset: UInt64) throws(TraceError) -> UInt32 {
    let site = Site(module: module, offset: offset)
    if let number = siteNumbers[site] { return number }
    guard Int(module) < moduleNumbers.count else {
      throw TraceError(
        .rule, path: path, "module \(module) isn't registered (there are \(moduleNumbers.count))")
    }
    guard siteNumbers.count < TraceFormat.maximumSites else {
      throw TraceError(.rule, path: path, "more than \(TraceFormat.maximumSites) call sites")
    }
    definitions.append(1)
    appendDefinition(UInt64(module))
    appendDefinition(offset)
    let number = UInt32(siteNumbers.count)
    siteNumbers[site] = number
    newSites += 1
    try flushLongDefinitions()
    return number
  }

  private func appendDefinition(_ value: UInt64) {
    var rest = value
    while rest >= 128 {
      definitions.append(UInt8(truncatingIfNeeded: rest) | 128)
      rest >>= 7
    }
    definitions.append(UInt8(rest))
  }

  private func flushLongDefinitions() throws(TraceError) {
    if definitions.count > 1 << 20 { try flush() }
  }

  /// Appends one event. Its time is rounded down to the trace's resolution; a free keeps no size,
  /// a thread event neither slot nor site, a foreign free no slot.
  public func append(_ event: Event) throws(TraceError) {
    if let problem = encoder.append(event, sites: UInt32(siteNumbers.count)) {
      throw TraceError(
        .rule, path: path, event: eventCount, problem,
        remedy: "this is a mistake of whoever writes the trace: please report it")
    }
    eventCount += 1
    if encoder.head.events == TraceFormat.blockEvents { try flush() }
  }

  /// Events since the last block. The block is written with the 65,536th.
  public var eventsInBlock: Int { Int(encoder.head.events) }
  /// Events that may be appended before a block is written by itself; 0 where much is defined.
  public var roomInBlock: Int {
    definitions.count > 1 << 19 ? 0 : TraceFormat.blockEvents - eventsInBlock - 1
  }

  /// Appends events in order.
  public func append(contentsOf events: UnsafeBufferPointer<Event>) throws(TraceError) {
    let sites = UInt32(siteNumbers.count)
    for event in events {
      if encoder.appendValid(event, sites: sites) {
        eventCount += 1
        if encoder.head.events == TraceFormat.blockEvents { try flush() }
      } else {
        try append(event)
      }
    }
  }

  /// Writes what was appended since the last block as a block of its own.
  public func flush() throws(TraceError) {
    guard encoder.head.events > 0 || !definitions.isEmpty else { return }
    encoder.endBlock()
    encoder.columns.lengths[Column.definitions.rawValue] = definitions.count
    definitions.withUnsafeBytes { encoder.columns.contents(.definitions).copyMemory(from: $0) }
    encoder.describe { head in
      head.minorFaults = minorFaults
      head.residentBytes = residentBytes
      head.newSites = newSites
      head.sitesBefore = UInt32(siteNumbers.count) - newSites
      head.newModules = newModules
      head.modulesBefore = UInt32(moduleNumbers.count) - newModules
    }
    let body = UnsafeMutableRawBufferPointer(rebasing: output[TraceFormat.frameBytes...])
    let length = BlockSeal.seal(encoder.head, encoder.columns, with: compressor, into: body)
    index.append(
      BlockIndexEntry(offset: byteCount, bytes: UInt32(length), events: encoder.head.events))
    try write(
      record: TraceFormat.blockTag,
      inPlace: UnsafeMutableRawBufferPointer(rebasing: output[..<(length + TraceFormat.frameBytes)])
    )
    definitions.removeAll(keepingCapacity: true)
    newSites = 0
    newModules = 0
    encoder.beginBlock()
  }

  /// Writes the last block and the footer, and closes the file.
  public func finish(footer: TraceFooter = TraceFooter()) throws(TraceError) {
    try flush()
    let start = byteCount
    let json = encodeJSON(footer)
    var body = littleEndianBytes(UInt32(json.count))
    body.append(contentsOf: json)
    body.append(contentsOf: littleEndianBytes(UInt32(index.count)))
    for entry in index {
      body.append(contentsOf: littleEndianBytes(entry.offset))
      body.append(contentsOf: littleEndianBytes(entry.bytes))
      body.append(contentsOf: littleEndianBytes(entry.events))
    }
    try write(record: TraceFormat.footerTag, body)
    try write(littleEndianBytes(start) + TraceFormat.endMagic)
    let result = close(descriptor)
    descriptor = -1
    if result != 0 { throw .systemError(path, "closed", errno) }
  }

  private func write(record tag: UInt32, _ body: [UInt8]) throws(TraceError) {
    var record = [UInt8](repeating: 0, count: TraceFormat.frameBytes)
    record.append(contentsOf: body)
    record.withUnsafeMutableBytes { BlockSeal.frame($0, tag: tag) }
    try write(record)
  }

  private func write(record tag: UInt32, inPlace record: UnsafeMutableRawBufferPointer)
    throws(TraceError)
  {
    BlockSeal.frame(record, tag: tag)
    try write(UnsafeRawBufferPointer(record))
  }

  private func write(_ bytes: [UInt8]) throws(TraceError) {
    let failure: TraceError? = bytes.withUnsafeBytes { raw in
      do throws(TraceError) {
        try write(raw)
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws(TraceError) {
    guard descriptor >= 0 else {
      throw TraceError(.rule, path: path, "the trace is finished: nothing can be added")
    }
    var rest = bytes
    while !rest.isEmpty {
      let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw .systemError(path, "written", errno)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      byteCount += UInt64(written)
    }
  }
}

/// One block of the footer's index.
struct BlockIndexEntry: Equatable {
  /// Of the block's record in the file.
  var offset: UInt64
  /// Of its body.
  var bytes: UInt32
  var events: UInt32
}

func littleEndianBytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// Sorted keys: the same value gives the same bytes.
func encodeJSON(_ value: some Encodable) -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  // Headers and footers are strings and finite numbers, which always encode.
  return (try? encoder.encode(value)).map { Array($0) } ?? Array("{}".utf8)
}
