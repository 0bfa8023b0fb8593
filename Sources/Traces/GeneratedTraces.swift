import Foundation
import Platform

/// Synthetic traces that a fit takes beside the recorded ones: as many workloads again, small, of
/// sizes, lifetimes and call sites that no bundled program has.
///
/// The same bytes every time, so that a notebook knows what was measured of them. They are written
/// anew whenever they are wanted, which takes less time than a replay of one, and are gone with
/// this object: no copy can be out of date.
public final class GeneratedTraces: Sendable {
  /// A recipe with its parameters.
  public struct Entry: Sendable, Equatable {
    /// What tables call it: the recipe's name and what is special about it.
    public let name: String
    public let recipe: String
    /// As on the command line.
    public let parameters: [String]
  }

  /// Paths in the order of `usual`; gone with this object.
  public let paths: [String]
  private let folder: PrivateFolder

  /// Writes them to a temporary folder, by all processors.
  /// - Throws: `PrivateFolderError` or `TraceError`.
  public init(_ entries: [Entry] = GeneratedTraces.usual) throws {
    let folder = try PrivateFolder(prefix: "mallometer-generated")
    self.folder = folder
    paths = try ConcurrentWork.map(entries) { entry in
      let path = folder.file("\(entry.name).mlt")
      _ = try Recipes.generate(
        entry.recipe, parameters: entry.parameters, seed: Self.seed, path: path)
      return path
    }
  }

  /// Of every one: the same trace whatever a command's seed.
  static let seed: UInt64 = 1

  /// What a bare fit takes. A few tenths of a second to replay each, faults and calls of the kernel
  /// included.
  public static let usual: [Entry] = [
    // The documents' own micro-benchmarks.
    entry("fixed", "1KiB", "bytes=1Ki events=100k"),
    entry("fixed", "16KiB", "bytes=16Ki events=100k"),
    entry("fixed", "1MiB", "bytes=1Mi events=20k"),
    entry("fixed", "in-turn", "events=105k"),
    entry("vm", "2MiB", "events=300"),
    entry("vm", "256KiB", "bytes=256Ki batch=20 events=4k"),
    // A table of random cells: in the first caches, out of all of them, of pages, of regions.
    entry("random-mixed", "1KiB", "events=200k"),
    entry("random-mixed", "cached", "live=300 max=128 sites=8 events=200k"),
    entry("random-mixed", "cold", "live=60k max=256 sites=64 events=250k"),
    entry("random-mixed", "pages", "live=1k min=1Ki max=32Ki sites=32 events=100k"),
    entry("random-mixed", "regions", "live=40 min=64Ki max=1Mi sites=4 events=20k"),
    // The oldest freed first; replaced at random.
    entry("producer-consumer", "fifo", "queue=2k max=512 events=150k"),
    entry("larson", "one-thread", "threads=1 live=5k max=512 events=150k"),
    // As programs: short lives of a script, records in long rows, a server's buffers.
    entry("call-sites", "script", "sites=24 life=200 max=256 burst=2 events=200k"),
    entry("call-sites", "compiler", "sites=400 life=30k max=4Ki burst=32 kept=4 events=200k"),
    entry("call-sites", "server", "sites=100 life=2k min=32 max=16Ki kept=32 events=150k"),
    entry("call-sites", "builder", "sites=40 life=5k max=128 burst=200 kept=2 events=200k"),
    entry("call-sites", "buffers", "sites=16 life=100 min=512 max=256Ki burst=4 events=100k"),
  ]

  private static func entry(_ recipe: String, _ kind: String, _ parameters: String) -> Entry {
    Entry(
      name: "\(recipe)-\(kind)", recipe: recipe,
      parameters: parameters.split(separator: " ").map(String.init))
  }
}
