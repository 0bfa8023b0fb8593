import Foundation

/// The part of a callgrind profile that counts here: the instructions of one object file.
///
/// The format is that of the Valgrind manual, "Callgrind Format Specification": names are given
/// once with a number in parentheses and by the number alone after, a line that begins with a
/// position holds a cost, and the cost line after `calls=` is the callee's, inclusive.
struct CallgrindProfile {
  /// Executed in the object file itself; what it calls elsewhere is not in it.
  let instructions: UInt64

  /// - Parameters:
  ///   - text: the profile.
  ///   - object: the last path component of the object file.
  /// - Returns: nil where the text is no profile.
  init?(_ text: String, object: String) {
    guard text.hasPrefix("# callgrind format") else { return nil }
    /// The number of the object asked for, once it was named.
    var wanted: Substring?
    func isWanted(_ name: Substring) -> Bool {
      guard let end = name.firstIndex(of: ")") else { return false }
      let number = name[...end]
      if name.split(separator: "/").last.map(String.init) == object { wanted = number }
      return number == wanted
    }
    var sum: UInt64 = 0
    var inside = false
    var isCall = false
    for line in text.split(separator: "\n") {
      if line.hasPrefix("ob=") {
        inside = isWanted(line.dropFirst(3))
      } else if line.hasPrefix("cob=") {
        _ = isWanted(line.dropFirst(4))
      } else if line.hasPrefix("calls=") {
        isCall = true
      } else if let first = line.first, first.isNumber || "+-*".contains(first) {
        if inside, !isCall, let cost = line.split(separator: " ").dropFirst().first {
          sum += UInt64(cost) ?? 0
        }
        isCall = false
      }
    }
    instructions = sum
  }
}
