import Platform

/// Puts a variant's functions and data somewhere else without changing an instruction of them.
///
/// Two builds of one source differ in time by where the linker put the code: which lines and
/// prediction entries its branches share. The assembly that the compiler made, one section per
/// function, is given another order of functions and a padding before each, both drawn from a
/// seed, and so are the static and the thread-local data shifted by whole cache lines.
struct CodePlacement {
  /// Counts up when the drawing changes: libraries of earlier schemes are then built anew.
  static let scheme = 1

  private var random: SeededGenerator
  private var names: [Substring: String] = [:]

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// - Parameter assembly: as `cc -S -ffunction-sections` writes it for ELF. Sections that aren't
  ///   a function's keep their names.
  mutating func place(_ assembly: String) -> String {
    var output = shiftedData()
    output.reserveCapacity(assembly.utf8.count + assembly.utf8.count / 8)
    for line in assembly.split(separator: "\n", omittingEmptySubsequences: false) {
      guard let (name, rest) = Self.functionSection(line) else {
        output += line
        output += "\n"
        continue
      }
      let isFirst = names[name] == nil
      let placed = names[name] ?? sectionName(of: name)
      names[name] = placed
      output += "\t.section\t\(placed)\(rest)\n"
      // Before the function's own alignment and its label: nobody runs it.
      if isFirst { output += "\t.skip \(16 * below(16)), 0x90\n" }
    }
    return output
  }

  /// The section that a directive names and what follows its name; nil for other lines and for
  /// sections that have a place of their own.
  static func functionSection(_ line: Substring) -> (name: Substring, rest: Substring)? {
    let directive = "\t.section\t"
    guard line.hasPrefix(directive + ".text.") else { return nil }
    let operands = line.dropFirst(directive.count)
    let name = operands.prefix { $0 != "," }
    for kept in [".text.startup", ".text.exit"] where name.hasPrefix(kept) { return nil }
    return (name, operands.dropFirst(name.count))
  }

  /// The linker puts `.text.sorted.*` in the order of the names. What the compiler thinks is
  /// seldom run stays apart from the rest, as it is in an ordinary build.
  private mutating func sectionName(of name: Substring) -> String {
    let part = name.hasPrefix(".text.unlikely.") ? "0" : "1"
    let rank = String(below(1 << 30) + (1 << 30))
    return ".text.sorted.\(part).\(rank)\(name.dropFirst(".text".count))"
  }

  private mutating func shiftedData() -> String {
    """
    \t.bss
    \t.skip \(64 * below(64))
    \t.data
    \t.skip \(64 * below(64))
    \t.section\t.tbss,"awT",@nobits
    \t.skip \(64 * below(16))
    \t.text

    """
  }

  private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
}
