import Glibc

/// The functions of an ELF file by address, read without trusting the file.
///
/// Only what symbols need is read: the section headers, `.symtab` or else `.dynsym`, its string
/// table and the build id note; 64-bit little-endian files only. Every offset and size is checked
/// against the file before anything is allocated. Source: System V ABI, chapter 4 (ELF-64).
struct ELFSymbols {
  private struct Symbol {
    var address: UInt64
    var size: UInt64
    var name: UInt32
  }

  private struct Section {
    var type: UInt32
    var offset: UInt64
    var size: UInt64
    var link: UInt32
  }

  /// Hexadecimal, empty when there is none.
  private(set) var buildID = ""
  private var symbols: [Symbol] = []
  private var names: [UInt8] = []

  /// More than any program has; a table beyond it is refused.
  private static let maximumTableBytes: UInt64 = 256 << 20

  /// Nil if the file isn't there or isn't an ELF file that can be read.
  init?(path: String) {
    guard let file = try? TraceFile(path: path), let sections = ELFSymbols.sections(of: file)
    else { return nil }
    for section in sections where section.type == 7 && section.size <= 4096 {
      if let note = ELFSymbols.contents(of: section, file) { readBuildID(note) }
    }
    // Types 2 and 11: the full symbol table, and the one for dynamic linking.
    for type: UInt32 in [2, 11] where symbols.isEmpty {
      guard let table = sections.first(where: { $0.type == type }),
        Int(table.link) < sections.count,
        let entries = ELFSymbols.contents(of: table, file),
        let strings = ELFSymbols.contents(of: sections[Int(table.link)], file)
      else { continue }
      names = strings
      readSymbols(entries)
    }
  }

  private static func sections(of file: TraceFile) -> [Section]? {
    guard let header = try? file.bytes(64, at: 0),
      header.prefix(6) == [0x7F, 0x45, 0x4C, 0x46, 2, 1]
    else { return nil }
    let (offset, entryBytes, count) = header.withUnsafeBytes { bytes in
      (
        UInt64(littleEndian: bytes.load(fromByteOffset: 40, as: UInt64.self)),
        Int(UInt16(littleEndian: bytes.load(fromByteOffset: 58, as: UInt16.self))),
        Int(UInt16(littleEndian: bytes.load(fromByteOffset: 60, as: UInt16.self)))
      )
    }
    guard entryBytes == 64, count > 0, let table = try? file.bytes(64 * count, at: offset) else {
      return nil
    }
    return table.withUnsafeBytes { bytes in
      (0..<count).map { index in
        func half(_ field: Int) -> UInt32 {
          UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 64 * index + field, as: UInt32.self))
        }
        func word(_ field: Int) -> UInt64 {
          UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 64 * index + field, as: UInt64.self))
        }
        return Section(type: half(4), offset: word(24), size: word(32), link: half(40))
      }
    }
  }

  private static func contents(of section: Section, _ file: TraceFile) -> [UInt8]? {
    guard section.size <= maximumTableBytes else { return nil }
    return try? file.bytes(Int(section.size), at: section.offset)
  }

  /// A note of type 3 whose owner is GNU.
  private mutating func readBuildID(_ note: [UInt8]) {
    guard note.count > 16, note[8] == 3, note[0] == 4, Array(note[12..<15]) == Array("GNU".utf8)
    else { return }
    let length = min(Int(note[4]), note.count - 16)
    let digits = Array("0123456789abcdef".utf8)
    let hexadecimal = note[16..<16 + length].flatMap {
      [digits[Int($0 >> 4)], digits[Int($0 & 15)]]
    }
    buildID = String(decoding: hexadecimal, as: UTF8.self)
  }

  private mutating func readSymbols(_ entries: [UInt8]) {
    entries.withUnsafeBytes { bytes in
      for offset in stride(from: 0, through: bytes.count - 24, by: 24) {
        let kind = bytes[offset + 4] & 15
        let section = UInt16(
          littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 6, as: UInt16.self))
        // Functions (2) and indirect functions (10) that are defined here.
        guard kind == 2 || kind == 10, section != 0 else { continue }
        symbols.append(
          Symbol(
            address: UInt64(
              littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)),
            size: UInt64(
              littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self)),
            name: UInt32(
              littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))))
      }
    }
    symbols.sort { ($0.address, $0.name) < ($1.address, $1.name) }
  }

  /// The function that an address lies in, as written in the file (mangled names stay so).
  /// - Parameter address: a virtual address of the file. A return address may be one past the
  ///   call that ends its function, so the byte before it is looked up.
  /// - Complexity: O(log symbols).
  func symbol(before address: UInt64) -> String? {
    guard address > 0 else { return nil }
    var low = 0
    var high = symbols.count
    while low < high {
      let middle = (low + high) / 2
      if symbols[middle].address < address { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let symbol = symbols[low - 1]
    guard symbol.size == 0 || address - 1 - symbol.address < symbol.size else { return nil }
    guard Int(symbol.name) < names.count else { return nil }
    let text = names[Int(symbol.name)...].prefix(512).prefix { $0 != 0 }
    return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
  }
}

/// Names of call sites, as far as the modules' files still exist unchanged.
public struct Symboliser {
  private let sites: [Site]
  private let modules: [Module]
  private var files: [UInt32: ELFSymbols?] = [:]

  public init(_ trace: TraceReader) {
    sites = trace.sites
    modules = trace.modules
  }

  /// `libc.so.6!fopen+0x1d` style is for debuggers; here the place is `function (module)`, or
  /// `module+0x1234` where no symbol is known, or `unknown`.
  public mutating func name(ofSite number: UInt32) -> String {
    guard number != 0, Int(number) < sites.count else { return "unknown" }
    let site = sites[Int(number)]
    // Sites were checked against the modules when the trace was opened.
    let module = modules[Int(site.module)]
    let file = String(module.path.split(separator: "/").last ?? "unknown")
    if files[site.module] == nil {
      let symbols = ELFSymbols(path: module.path)
      let isSame = module.buildID.isEmpty || symbols?.buildID == module.buildID
      files.updateValue(isSame ? symbols : nil, forKey: site.module)
    }
    if let symbols = files[site.module] ?? nil, let name = symbols.symbol(before: site.offset) {
      return "\(name) (\(file))"
    }
    return "\(file)+0x\(String(site.offset, radix: 16))"
  }
}
