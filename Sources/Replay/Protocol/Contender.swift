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

  /// Which allocator runs, whatever its name: SHA-256 of each build, or of the C library where
  /// nothing is preloaded.
  public func identities(_ libraries: SystemLibraries = SystemLibraries()) throws -> [String] {
    builds.isEmpty
      ? [try libraries.identity()] : try builds.map { try SHA256.hexadecimal(ofFile: $0.path) }
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
