import Foundation
import Platform

/// The traces that come with mallometer.
public struct BundledTraces: Sendable {
  /// A line of the manifest: tab-separated fields.
  public struct Entry: Equatable, Sendable {
    /// The first field: the file's name.
    public let file: String
    /// The sixth field.
    public let sha256: String

    /// Nil for a comment and for what has too few fields.
    init?(_ line: Substring) {
      guard !line.hasPrefix("#") else { return nil }
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard fields.count >= 6 else { return nil }
      file = String(fields[0])
      sha256 = String(fields[5])
    }
  }

  public let folder: URL
  /// What the manifest lists, in its order; empty where it can't be read.
  public let entries: [Entry]

  /// - Parameter folder: `Installation.traces`.
  public init(folder: URL) {
    self.folder = folder
    let text = try? String(contentsOf: folder.appendingPathComponent("MANIFEST"), encoding: .utf8)
    entries = (text ?? "").split(separator: "\n").compactMap(Entry.init)
  }

  public func path(of entry: Entry) -> String {
    folder.appendingPathComponent(entry.file).path
  }

  /// The paths of what an installation's manifest lists, sorted: recordings of the user's own may
  /// lie beside them.
  /// - Throws: where it lists none.
  public static func paths(_ installation: Installation) throws(BundledTracesError) -> [String] {
    let bundled = BundledTraces(folder: installation.traces)
    guard !bundled.entries.isEmpty else {
      throw .noneListed(manifest: bundled.folder.appendingPathComponent("MANIFEST").path)
    }
    return bundled.entries.sorted { $0.file < $1.file }.map(bundled.path(of:))
  }

  /// Every trace file of the folder, listed or not, sorted.
  public var files: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
      .filter { $0.hasSuffix(Self.suffix) }.sorted()
  }

  /// What claims and tables call them: the files' names without the extension.
  public var names: [String] { files.map { String($0.dropLast(Self.suffix.count)) } }

  private static let suffix = ".mlt"
}

/// There is nothing to take where no trace is named.
public enum BundledTracesError: UserFacingError, Equatable {
  case noneListed(manifest: String)

  public var message: String {
    switch self {
    case .noneListed(let manifest): "no traces are listed in \(manifest)"
    }
  }

  public var remedy: String? {
    switch self {
    case .noneListed: "name some on the command line, or bring them back: git checkout -- traces"
    }
  }
}
