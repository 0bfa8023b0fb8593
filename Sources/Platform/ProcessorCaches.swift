import Foundation

/// The data caches of a processor as the kernel describes them.
public enum ProcessorCaches {
  /// One level: `sets` × `ways` lines of `lineBytes`.
  public struct Level: Equatable, Sendable {
    public let level: Int
    public let sets: Int
    public let ways: Int
    public let lineBytes: Int
  }

  /// Where Linux describes the caches of the first processor that this process may run on.
  public static var folder: URL {
    let processor = ProcessorSet.available.first ?? 0
    return URL(fileURLWithPath: "/sys/devices/system/cpu/cpu\(processor)/cache")
  }

  /// The data and unified caches below a folder such as `folder`, by level; what is missing,
  /// unreadable or impossible is left out.
  public static func levels(below folder: URL) -> [Level] {
    let indices = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return indices.filter { $0.hasPrefix("index") }
      .compactMap { level(in: folder.appendingPathComponent($0)) }
      .sorted { $0.level < $1.level }
  }

  private static func level(in folder: URL) -> Level? {
    func text(_ name: String) -> String? {
      (try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8))?
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    guard let type = text("type"), type == "Data" || type == "Unified",
      let level = text("level").flatMap(Int.init),
      let sets = text("number_of_sets").flatMap(Int.init),
      let ways = text("ways_of_associativity").flatMap(Int.init),
      let lineBytes = text("coherency_line_size").flatMap(Int.init),
      (1...8).contains(level), (1...1 << 22).contains(sets), (1...64).contains(ways)
    else { return nil }
    return Level(level: level, sets: sets, ways: ways, lineBytes: lineBytes)
  }
}
