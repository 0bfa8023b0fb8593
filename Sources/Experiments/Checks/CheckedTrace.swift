import Platform
import Traces

/// A trace that models are checked on.
public struct CheckedTrace: Sendable {
  public let path: String
  public let reader: TraceReader
  /// As tables have it: two traces never share a name, and the same content always has the same.
  public let name: String

  /// In the order given.
  /// - Throws: where a file can't be read.
  public static func all(
    _ opened: [(path: String, reader: TraceReader)]
  ) throws(UnreadableFile) -> [CheckedTrace] {
    var names = TraceNames()
    var traces: [CheckedTrace] = []
    for (path, reader) in opened {
      let hash = try SHA256.hexadecimal(ofFile: path)
      traces.append(
        CheckedTrace(path: path, reader: reader, name: names.name(path: path, hash: hash)))
    }
    return traces
  }

  /// The same without those whose content another one before it has: to a fit they say nothing new.
  static func distinct(_ traces: [CheckedTrace]) -> [CheckedTrace] {
    var seen: Set<String> = []
    return traces.filter { seen.insert($0.name).inserted }
  }
}
