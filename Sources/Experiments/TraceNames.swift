import Foundation

/// What traces are called in tables: the file's name without its extension, with a number where
/// another trace has that name. The same content always has the same name.
struct TraceNames {
  private var names: [String: String] = [:]

  /// - Parameter hash: SHA-256 of the trace file.
  mutating func name(path: String, hash: String) -> String {
    if let known = names[hash] { return known }
    let plain = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    let taken = Set(names.values)
    var name = plain
    var number = 2
    while taken.contains(name) {
      name = "\(plain) (\(number))"
      number += 1
    }
    names[hash] = name
    return name
  }
}
