import Designs
import Foundation
import NativeDesigns
import Platform

/// An allocator ready to be replayed.
public struct Contender: Hashable, Sendable {
  /// As the user named it, canonical for own designs.
  public var name: String
  /// What is preloaded: builds that differ in nothing but where code and data lie, the ordinary one
  /// first. Empty for glibc.
  public var builds: [URL]

  /// The ordinary build; nil for glibc.
  public var library: URL? { builds.first }

  public init(name: String, library: URL?) {
    self.init(name: name, builds: library.map { [$0] } ?? [])
  }

  public init(name: String, builds: [URL]) {
    self.name = name
    self.builds = builds
  }

  /// Finds or compiles the libraries of an allocator.
  /// - Parameter builds: how many of an own design; what is packaged has one.
  public init(
    _ allocator: Allocator, compiler: VariantCompiler,
    libraries: SystemLibraries = SystemLibraries(), builds: Int = 1
  ) throws {
    switch allocator {
    case .own(let design):
      self.init(
        name: design.description, builds: try compiler.placements(design, count: builds))
    case .system(let name):
      self.init(name: name, library: try libraries.find(name))
    case .preload(let path):
      guard FileManager.default.isReadableFile(atPath: path) else {
        throw SystemLibraryError.unreadable(path)
      }
      self.init(
        name: "preload:\(path)", library: URL(fileURLWithPath: path).standardizedFileURL)
    }
  }
}

extension Contender {
  /// The build that a round replays: they take turns, so that all are measured alike often.
  public func build(inRound round: Int) -> URL? {
    builds.isEmpty ? nil : builds[round % builds.count]
  }
}

/// The allocators that a distribution packages.
public struct SystemLibraries: Sendable {
  /// Where they are looked for, in order.
  public var folders: [String]

  public init(
    folders: [String] = [
      "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib",
    ]
  ) {
    self.folders = folders
  }

  private static let files: [String: [String]] = [
    "mimalloc": ["libmimalloc.so.2", "libmimalloc.so.3", "libmimalloc.so"],
    "jemalloc": ["libjemalloc.so.2", "libjemalloc.so"],
    "tcmalloc": ["libtcmalloc_minimal.so.4", "libtcmalloc_minimal.so", "libtcmalloc.so.4"],
  ]

  private static let packages = [
    "mimalloc": "libmimalloc2.0", "jemalloc": "libjemalloc2", "tcmalloc": "libtcmalloc-minimal4",
  ]

  /// The library of an allocator, nil for glibc.
  public func find(_ name: String) throws(SystemLibraryError) -> URL? {
    if name == "glibc" { return nil }
    for folder in folders {
      for file in Self.files[name] ?? [] {
        let path = "\(folder)/\(file)"
        if FileManager.default.isReadableFile(atPath: path) { return URL(fileURLWithPath: path) }
      }
    }
    throw .notInstalled(name, package: Self.packages[name] ?? name)
  }
}

/// An allocator of the system's that can't be preloaded.
public enum SystemLibraryError: UserFacingError, Equatable {
  case notInstalled(String, package: String)
  case unreadable(String)

  public var message: String {
    switch self {
    case .notInstalled(let name, _): "\(name) is not installed: its shared library was not found"
    case .unreadable(let path): "the library \(path) can't be read"
    }
  }

  public var remedy: String? {
    switch self {
    case .notInstalled(_, let package):
      "apt-get install \(package), or name the file with: --design preload:FILE.so"
    case .unreadable: "check the path, and that you may read it"
    }
  }
}
