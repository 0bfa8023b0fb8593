import Designs
import Foundation
import Platform
import Traces

/// What a claim is tried on.
public struct ClaimWorkload: Hashable, Sendable {
  /// Where its events come from.
  public enum Origin: Hashable, Sendable {
    /// A generated trace; parameters as `key=value`, sorted by key.
    case recipe(String, parameters: [String])
    /// A bundled trace by its name without `.mlt`, or the absolute path of another one.
    case trace(String)
    /// The study of sorting with and without cached scores.
    case scoreCaching(population: Int)
  }

  /// As claims name it; nil where a claim describes its own.
  public let name: String?
  /// Where its events come from.
  public let origin: Origin
  /// Of a generated trace.
  public let seed: UInt64
  /// How much of its blocks is touched.
  public let touch: TouchPolicy
  /// Whether its threads run at once.
  public let threads: ThreadMode
  /// How many times over it is run.
  public let loops: Int

  static let keys = [
    "recipe", "parameters", "trace", "study", "seed", "touch", "threads", "loops", "doc",
  ]
  static let kinds = ["recipe", "trace", "study"]
  /// Keys that change nothing of a workload of a kind.
  private static let idle = [
    "trace": ["parameters", "seed"], "study": ["seed", "touch", "threads", "loops"],
  ]

  /// - Parameter traces: the names of the bundled traces.
  init(_ entry: StrictMapping, name: String? = nil, traces: [String]) throws(ClaimError) {
    try ClaimError.wrapping { () throws(DesignError) in
      try entry.allow(Self.keys)
      _ = try entry.optionalText("doc")
    }
    self.name = name
    seed = try Self.number(entry, "seed", 0...UInt64(Int.max)) ?? 1
    loops = Int(try Self.number(entry, "loops", 1...1_000_000) ?? 1)
    touch = try Self.choice(entry, "touch") ?? .auto
    threads = try Self.choice(entry, "threads") ?? .one
    let kinds = Self.kinds.filter { entry.keys.contains($0) }
    guard kinds.count == 1 else {
      throw .malformed(
        "workload", kinds.joined(separator: " and "), "exactly one of recipe, trace and study",
        at: entry.place)
    }
    let (text, place) = try ClaimError.wrapping { () throws(DesignError) in
      try entry.text(kinds[0])
    }
    for key in Self.idle[kinds[0]] ?? [] where entry.keys.contains(key) {
      throw .unusable(
        "“\(key)”", "says nothing of a \(kinds[0])", remedy: "leave it out", at: entry.place)
    }
    let parameters = try Self.parameters(entry)
    switch kinds[0] {
    case "recipe":
      do throws(TraceError) {
        try Recipes.check(text, parameters: parameters)
      } catch {
        throw .workload(error, at: place)
      }
      origin = .recipe(text, parameters: parameters)
    case "trace":
      origin = .trace(
        traces.contains(text) ? text : try Self.path(text, traces: traces, at: place))
    default:
      origin = try Self.study(text, parameters, at: place)
    }
  }

  /// The path of a trace that can be run: a relative one begins at the file that names it.
  private static func path(
    _ text: String, traces: [String], at place: NamePlace
  ) throws(ClaimError) -> String {
    let folder = URL(fileURLWithPath: place.position?.file ?? ".").deletingLastPathComponent()
    let path = URL(fileURLWithPath: text, relativeTo: folder).standardizedFileURL.path
    guard FileManager.default.fileExists(atPath: path) else {
      throw .unknown("trace", text, known: NearestNames.sorted(traces, by: text), at: place)
    }
    do throws(TraceError) {
      _ = try TraceReader.runnable(path: path)
    } catch {
      throw .workload(error, at: place)
    }
    return path
  }

  private static func study(
    _ text: String, _ parameters: [String], at place: NamePlace
  ) throws(ClaimError) -> Origin {
    guard text == "score-caching" else {
      throw .unknown("study", text, known: ["score-caching"], at: place)
    }
    let sides = parameters.first?.split(separator: "=") ?? []
    guard parameters.count == 1, sides.first == "population",
      let population = sides.last.flatMap({ Int($0) }), (2...1_000_000).contains(population)
    else {
      throw .malformed(
        "parameters", parameters.joined(separator: ", "), "population, from 2 to 1000000",
        at: place)
    }
    return .scoreCaching(population: population)
  }

  private static func parameters(_ entry: StrictMapping) throws(ClaimError) -> [String] {
    try ClaimError.wrapping { () throws(DesignError) in
      try entry.mapping("parameters")?.pairs().map { "\($0.key)=\($0.text)" }.sorted() ?? []
    }
  }

  private static func number(
    _ entry: StrictMapping, _ key: String, _ range: ClosedRange<UInt64>
  ) throws(ClaimError) -> UInt64? {
    let found = try ClaimError.wrapping { () throws(DesignError) in try entry.optionalText(key) }
    guard let (text, place) = found else { return nil }
    guard let value = UInt64(text), range.contains(value) else {
      throw .malformed(
        key, text, "a whole number from \(range.lowerBound) to \(range.upperBound)", at: place)
    }
    return value
  }

  private static func choice<T: RawRepresentable & CaseIterable>(
    _ entry: StrictMapping, _ key: String
  ) throws(ClaimError) -> T? where T.RawValue == String {
    let found = try ClaimError.wrapping { () throws(DesignError) in try entry.optionalText(key) }
    guard let (text, place) = found else { return nil }
    guard let value = T(rawValue: text) else {
      let known = NearestNames.sorted(T.allCases.map(\.rawValue), by: text)
      throw .unknown(key, text, known: known, at: place)
    }
    return value
  }
}
