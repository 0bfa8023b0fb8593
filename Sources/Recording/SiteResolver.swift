import CTraceFormat
import Foundation
import Glibc
import Traces

/// Turns return addresses into the trace's site numbers.
///
/// A hit costs one load for a site that the recorder has numbered, and a multiplication besides for
/// another. A miss looks through the spool's module table, newest first, then through the process's
/// own map if it still runs.
struct SiteResolver: ~Copyable {
  /// By the recorder's numbers.
  private let numbered: UnsafeMutablePointer<UInt32>
  private var callers: UnsafeMutablePointer<UInt64>
  private var numbers: UnsafeMutablePointer<UInt32>
  private var mask: Int
  private var count = 0
  private var modulesSeen: UInt32 = 0
  private var mapped: [MappedModule] = []
  private var mapRead = false

  private struct MappedModule {
    var start: UInt64
    var end: UInt64
    var bias: UInt64
    var path: String
  }

  /// The module of code that belongs to no file: generated at run time.
  static let anonymous = Module(path: "[anonymous]")

  private static let unresolved = UInt32.max
  private static let places = Int(MALLOMETER_MAX_SITES)

  init() {
    numbered = .allocate(capacity: Self.places)
    numbered.initialize(repeating: Self.unresolved, count: Self.places)
    mask = 4095
    callers = .allocate(capacity: 4096)
    callers.initialize(repeating: 0, count: 4096)
    numbers = .allocate(capacity: 4096)
    numbers.initialize(repeating: 0, count: 4096)
  }

  deinit {
    numbered.deallocate()
    callers.deallocate()
    numbers.deallocate()
  }

  @inline(__always) private func home(_ caller: UInt64) -> Int {
    Int(truncatingIfNeeded: (caller &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
  }

  /// The trace's number of a call's site.
  @inline(__always) mutating func number(
    of site: RecordedSite, in spool: SpoolFile, writer: TraceWriter
  ) throws(TraceError) -> UInt32 {
    switch site {
    case .numbered(let index):
      if index < Self.places, numbered[index] != Self.unresolved { return numbered[index] }
      return try resolve(index, in: spool, writer: writer)
    case .at(let caller): return try number(of: caller, in: spool, writer: writer)
    }
  }

  @inline(never) private mutating func resolve(
    _ index: Int, in spool: SpoolFile, writer: TraceWriter
  ) throws(TraceError) -> UInt32 {
    // No recorder gives such a number; a program may have written into its spool.
    guard index < Self.places else { return 0 }
    let found = try number(of: spool.sites[index], in: spool, writer: writer)
    numbered[index] = found
    return found
  }

  /// The number of the site whose return address is `caller`.
  @inline(__always) private mutating func number(
    of caller: UInt64, in spool: SpoolFile, writer: TraceWriter
  ) throws(TraceError) -> UInt32 {
    var index = home(caller)
    while callers[index] != 0 {
      if callers[index] == caller { return numbers[index] }
      index = (index &+ 1) & mask
    }
    return try resolve(caller, in: spool, writer: writer)
  }

  /// Forgets what was resolved when modules came or went since.
  mutating func noteModules(of spool: SpoolFile) {
    let modules = spool.moduleCount
    guard modules != modulesSeen else { return }
    modulesSeen = modules
    mapRead = false
    numbered.update(repeating: Self.unresolved, count: Self.places)
    callers.update(repeating: 0, count: mask + 1)
    count = 0
  }

  @inline(never) private mutating func resolve(
    _ caller: UInt64, in spool: SpoolFile, writer: TraceWriter
  ) throws(TraceError) -> UInt32 {
    let number: UInt32
    if caller == 0 {
      return 0
    } else if let module = find(caller, in: spool) {
      let file = try writer.moduleNumber(Module(path: module.path))
      number = try writer.siteNumber(module: file, offset: caller &- module.bias)
    } else {
      number = try writer.siteNumber(
        module: try writer.moduleNumber(Self.anonymous), offset: 0)
    }
    remember(caller, number)
    return number
  }

  private mutating func remember(_ caller: UInt64, _ number: UInt32) {
    if count * 2 > mask { grow() }
    var index = home(caller)
    while callers[index] != 0 { index = (index &+ 1) & mask }
    callers[index] = caller
    numbers[index] = number
    count += 1
  }

  private mutating func grow() {
    let oldCallers = callers
    let oldNumbers = numbers
    let oldSize = mask + 1
    mask = oldSize * 2 - 1
    callers = .allocate(capacity: mask + 1)
    callers.initialize(repeating: 0, count: mask + 1)
    numbers = .allocate(capacity: mask + 1)
    numbers.initialize(repeating: 0, count: mask + 1)
    count = 0
    for index in 0..<oldSize where oldCallers[index] != 0 {
      remember(oldCallers[index], oldNumbers[index])
    }
    oldCallers.deallocate()
    oldNumbers.deallocate()
  }

  private mutating func find(_ caller: UInt64, in spool: SpoolFile) -> MappedModule? {
    let table = mallometer_spool_modules(spool.base)
    var index = Int(spool.moduleCount)
    while index > 0, let table {
      index -= 1
      let module = table[index]
      guard module.start <= caller, caller < module.end else { continue }
      return MappedModule(
        start: module.start, end: module.end, bias: module.bias,
        path: name(of: module, in: spool))
    }
    if !mapRead {
      mapRead = true
      readMap(of: spool.process, spool: spool)
    }
    return mapped.first { $0.start <= caller && caller < $0.end }
  }

  private func name(of module: mallometer_module, in spool: SpoolFile) -> String {
    guard module.name_length > 0 else { return spool.executable }
    let room = Int(MALLOMETER_MODULE_NAME_BYTES)
    let offset = min(Int(module.name_offset), room)
    let length = min(Int(module.name_length), room - offset)
    let raw = UnsafeRawBufferPointer(
      start: mallometer_spool_module_names(spool.base), count: room)
    let name = String(decoding: raw[offset..<(offset + length)], as: UTF8.self)
    if name.hasPrefix("linux-vdso") { return "[vdso]" }
    return name
  }

  /// The process's own map: modules that the recorder's table doesn't have yet.
  private mutating func readMap(of process: pid_t, spool: SpoolFile) {
    mapped.removeAll()
    guard let text = try? String(contentsOfFile: "/proc/\(process)/maps", encoding: .utf8),
      text.contains(spool.path)
    else { return }
    var firstMapping: [Substring: UInt64] = [:]
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
      guard fields.count == 6, fields[5].hasPrefix("/") else { continue }
      let range = fields[0].split(separator: "-")
      guard range.count == 2, let start = UInt64(range[0], radix: 16),
        let end = UInt64(range[1], radix: 16), let offset = UInt64(fields[2], radix: 16)
      else { continue }
      if offset == 0 { firstMapping[fields[5]] = start }
      guard fields[1].contains("x") else { continue }
      mapped.append(
        MappedModule(
          start: start, end: end, bias: firstMapping[fields[5]] ?? start &- offset,
          path: String(fields[5])))
    }
  }
}
