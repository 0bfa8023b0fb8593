import Foundation

/// Walks a file's records from the first to the last, checking frames, checksums and heads.
struct TraceScan {
  let file: TraceFile
  private(set) var header = TraceHeader(program: "")
  private(set) var footer: TraceFooter?
  private(set) var sites = [Site(module: 0, offset: 0)]
  private(set) var modules = [Module.unknown]
  private(set) var blocks: [TraceReader.Block] = []
  private(set) var completeness = Completeness(
    isComplete: true, blocks: 0, events: 0, lostBytes: 0)

  private let columns = ColumnBuffers()

  init(file: TraceFile) { self.file = file }

  mutating func run() throws(TraceError) {
    var offset = try readHeader()
    let loader = BlockLoader(file: file)
    var isEnded = false
    while !isEnded {
      guard let frame = try file.frame(at: offset) else {
        endEarly(at: offset, "the file ends in or before block \(blocks.count)")
        break
      }
      switch frame.tag {
      case TraceFormat.blockTag:
        guard let body = try loader.body(of: frame, at: offset) else {
          endEarly(at: offset, "block \(blocks.count) doesn't match its checksum")
          isEnded = true
          break
        }
        try add(body, frame, offset, loader)
      case TraceFormat.footerTag:
        isEnded = true
        try readFooter(frame, offset)
      default:
        endEarly(at: offset, "block \(blocks.count) doesn't begin with a block's tag")
        isEnded = true
      }
      offset += UInt64(TraceFormat.frameBytes + frame.bodyBytes)
    }
    completeness.blocks = blocks.count
    completeness.events = blocks.last.map { $0.firstEvent + $0.events } ?? 0
    if !completeness.isComplete { try countLost() }
  }

  private func notATrace(_ problem: String) -> TraceError {
    TraceError(
      .notATrace, path: file.path, problem,
      remedy: "name a .mlt file, as written by mallometer record or mallometer generate")
  }

  private mutating func readHeader() throws(TraceError) -> UInt64 {
    guard let preamble = try file.bytes(TraceFormat.preambleBytes, at: 0) else {
      throw notATrace("is too short for a trace: \(file.byteCount) bytes")
    }
    guard Array(preamble.prefix(8)) == TraceFormat.magic else {
      throw notATrace("isn't a trace: it doesn't begin with the format's eight bytes")
    }
    let version = preamble.withUnsafeBytes {
      UInt32(littleEndian: $0.load(fromByteOffset: 8, as: UInt32.self))
    }
    guard version == TraceFormat.version else {
      throw TraceError(
        .version, path: file.path,
        "has format version \(version); this program reads version \(TraceFormat.version)",
        remedy: "use the version of mallometer that wrote it, or record it again")
    }
    let offset = UInt64(TraceFormat.preambleBytes)
    guard let frame = try file.frame(at: offset), frame.tag == TraceFormat.headerTag,
      frame.bodyBytes <= TraceFormat.maximumHeaderBytes,
      let body = try file.body(of: frame, at: offset)
    else { throw notATrace("has a header that is cut or damaged") }
    guard let header = try? JSONDecoder().decode(TraceHeader.self, from: Data(body)),
      (0...20).contains(header.timeResolutionLog2)
    else { throw notATrace("has a header whose JSON lacks what version 1 requires") }
    self.header = header
    return offset + UInt64(TraceFormat.frameBytes + frame.bodyBytes)
  }

  private mutating func endEarly(at offset: UInt64, _ reason: String) {
    completeness.isComplete = false
    completeness.lostBytes = file.byteCount - min(offset, file.byteCount)
    completeness.reason = reason
  }

  private mutating func readFooter(_ frame: TraceFile.Frame, _ offset: UInt64) throws(TraceError) {
    guard frame.bodyBytes <= TraceFormat.maximumFooterBytes,
      let body = try file.body(of: frame, at: offset),
      let (footer, index) = TraceScan.parseFooter(body)
    else { return endEarly(at: offset, "the footer doesn't match its checksum or its form") }
    self.footer = footer
    guard index.count == blocks.count else {
      return endEarly(
        at: offset, "the footer counts \(index.count) blocks, the file has \(blocks.count)")
    }
    let end = offset + UInt64(TraceFormat.frameBytes + frame.bodyBytes)
    let trailer = littleEndianBytes(offset) + TraceFormat.endMagic
    if try file.bytes(TraceFormat.trailerBytes, at: end) != trailer {
      endEarly(at: end, "the last \(TraceFormat.trailerBytes) bytes are cut or damaged")
    } else if end + UInt64(TraceFormat.trailerBytes) != file.byteCount {
      endEarly(at: end + UInt64(TraceFormat.trailerBytes), "bytes follow the trace's end")
    }
  }

  /// JSON length and JSON, number of blocks and their index.
  static func parseFooter(_ body: [UInt8]) -> (TraceFooter, [BlockIndexEntry])? {
    body.withUnsafeBytes { raw in
      guard raw.count >= 8 else { return nil }
      func half(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      }
      let length = Int(half(0))
      guard length <= raw.count - 8,
        let footer = try? JSONDecoder().decode(TraceFooter.self, from: Data(raw[4..<4 + length]))
      else { return nil }
      let count = Int(half(4 + length))
      let start = 8 + length
      guard raw.count - start == count * 16 else { return nil }
      let index = (0..<count).map { entry in
        BlockIndexEntry(
          offset: UInt64(
            littleEndian: raw.loadUnaligned(fromByteOffset: start + 16 * entry, as: UInt64.self)),
          bytes: half(start + 16 * entry + 8), events: half(start + 16 * entry + 12))
      }
      return (footer, index)
    }
  }

  /// Asks the index at the file's end, if it is there, how much of the middle is lost.
  private mutating func countLost() throws(TraceError) {
    let trailerBytes = UInt64(TraceFormat.trailerBytes)
    guard footer == nil, file.byteCount >= trailerBytes,
      let trailer = try file.bytes(TraceFormat.trailerBytes, at: file.byteCount - trailerBytes),
      Array(trailer.suffix(8)) == TraceFormat.endMagic
    else { return }
    let offset = trailer.withUnsafeBytes {
      UInt64(littleEndian: $0.load(fromByteOffset: 0, as: UInt64.self))
    }
    guard let frame = try file.frame(at: offset), frame.tag == TraceFormat.footerTag,
      frame.bodyBytes <= TraceFormat.maximumFooterBytes,
      let body = try file.body(of: frame, at: offset),
      let (footer, index) = TraceScan.parseFooter(body), index.count > blocks.count
    else { return }
    self.footer = footer
    completeness.lostBlocks = index.count - blocks.count
    completeness.lostEvents = index.dropFirst(blocks.count).reduce(0) { $0 + Int($1.events) }
  }

  private func invalid(_ problem: String) -> TraceError {
    TraceError(
      .invalid, path: file.path, block: blocks.count, problem,
      remedy: "the file was changed after it was written: record or copy it again")
  }

  /// Checks a block's head against the blocks before it, so that what readers allocate by it is
  /// never more than the events can fill.
  private mutating func add(
    _ body: UnsafeRawBufferPointer, _ frame: TraceFile.Frame, _ offset: UInt64,
    _ loader: BlockLoader
  ) throws(TraceError) {
    let head = BlockHead(body)
    let last = blocks.last
    guard head.events <= TraceFormat.blockEvents else {
      throw invalid("\(head.events) events; at most \(TraceFormat.blockEvents) are possible")
    }
    guard head.operations <= head.events else {
      throw invalid("\(head.operations) operations in \(head.events) events")
    }
    let slots = UInt64(last?.head.slots ?? 0)
    guard head.slots >= slots, UInt64(head.slots) <= slots + UInt64(head.events),
      head.liveObjects <= head.slots
    else {
      throw invalid(
        "\(head.slots) slots and \(head.liveObjects) live objects after \(slots) slots")
    }
    guard head.threads >= max(last?.head.threads ?? 1, 1), head.threads <= 65536 else {
      throw invalid("\(head.threads) threads after \(last?.head.threads ?? 1)")
    }
    guard head.sitesBefore == sites.count, head.modulesBefore == modules.count,
      loader.isFilled(body)
    else { throw invalid("its tables don't continue those of the blocks before") }
    if let problem = loader.load(
      .definitions, of: body, into: columns, events: Int(head.events))
    {
      throw invalid(problem)
    }
    if let problem = define(UnsafeRawBufferPointer(columns.contents(.definitions)), head) {
      throw invalid(problem)
    }
    blocks.append(
      TraceReader.Block(
        firstEvent: last.map { $0.firstEvent + $0.events } ?? 0, events: Int(head.events),
        operations: Int(head.operations), firstTime: head.firstTime, lastTime: head.lastTime,
        minorFaults: head.minorFaults, residentBytes: head.residentBytes,
        liveObjects: Int(head.liveObjects), slots: Int(head.slots),
        storedBytes: TraceFormat.frameBytes + frame.bodyBytes, offset: offset, frame: frame,
        head: head))
  }

  /// Adds a block's modules and sites to the tables.
  private mutating func define(_ definitions: UnsafeRawBufferPointer, _ head: BlockHead) -> String?
  {
    var input = ByteCursor(definitions)
    while !input.isAtEnd {
      switch input.byte() {
      case 0:
        guard let path = input.text(maximum: TraceFormat.maximumPathBytes),
          let buildID = input.text(maximum: TraceFormat.maximumBuildIDBytes)
        else { return "the definition of module \(modules.count) is cut or too long" }
        guard modules.count < TraceFormat.maximumModules else { return "too many modules" }
        modules.append(Module(path: path, buildID: buildID))
      case 1:
        guard let module = input.variable(), let offset = input.variable() else {
          return "the definition of site \(sites.count) is cut"
        }
        guard module < UInt64(modules.count) else {
          return "site \(sites.count) is in module \(module) of \(modules.count)"
        }
        guard sites.count < TraceFormat.maximumSites else { return "too many sites" }
        sites.append(Site(module: UInt32(module), offset: offset))
      default: return "a definition that is neither a module nor a site"
      }
    }
    guard sites.count == Int(head.sitesBefore) + Int(head.newSites),
      modules.count == Int(head.modulesBefore) + Int(head.newModules)
    else { return "defines \(sites.count) sites and \(modules.count) modules, not as announced" }
    return nil
  }
}

/// Reads small values from bytes, never beyond them.
struct ByteCursor {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { offset >= bytes.count }

  mutating func byte() -> UInt8? {
    guard offset < bytes.count else { return nil }
    offset += 1
    return bytes[offset - 1]
  }

  /// A number in groups of seven bits, lowest first.
  mutating func variable() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 70 {
      guard let byte = byte() else { return nil }
      value |= UInt64(byte & 127) << shift
      if byte < 128 { return value }
      shift += 7
    }
    return nil
  }

  /// A length and that many bytes of UTF-8; invalid sequences become replacement characters.
  mutating func text(maximum: Int) -> String? {
    guard let length = variable(), length <= UInt64(maximum),
      Int(length) <= bytes.count - offset
    else { return nil }
    defer { offset += Int(length) }
    return String(decoding: bytes[offset..<offset + Int(length)], as: UTF8.self)
  }
}
