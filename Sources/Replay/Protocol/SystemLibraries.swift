import Designs
import Foundation
import Platform

/// The allocators that a distribution packages.
public struct SystemLibraries: Sendable {
  /// Where they are looked for, in order.
  public var folders: [String]
  /// Lists the files that this process has mapped, as /proc/self/maps does.
  public var maps: String

  public init(
    folders: [String] = [
      "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib",
    ],
    maps: String = "/proc/self/maps"
  ) {
    self.folders = folders
    self.maps = maps
  }

  /// The library of an allocator, nil for glibc.
  /// - Parameter name: one of `SystemAllocator.all`; of another there is no library.
  public func find(_ name: String) throws(SystemLibraryError) -> URL? {
    guard let allocator = SystemAllocator.all.first(where: { $0.name == name }) else {
      throw .notInstalled(name, package: name)
    }
    if allocator == .glibc { return nil }
    for folder in folders {
      for file in allocator.files {
        let path = "\(folder)/\(file)"
        if FileManager.default.isReadableFile(atPath: path) { return URL(fileURLWithPath: path) }
      }
    }
    throw .notInstalled(name, package: allocator.package)
  }

  /// SHA-256 of the C library: what `glibc` is here, as nothing is preloaded for it. It is the file
  /// that this process runs on, and the player after it, as it lies on the disk now.
  public func identity() throws -> String {
    let lines = try String(contentsOfFile: maps, encoding: .utf8).split(separator: "\n")
    let library = lines.lazy.compactMap { line -> String? in
      guard let start = line.firstIndex(of: "/") else { return nil }
      // An upgrade puts another file in its place, which processes to come will map.
      let path = String(line[start...]).replacing(" (deleted)", with: "")
      return path.hasSuffix("/libc.so.6") ? path : nil
    }.first
    guard let library else { throw SystemLibraryError.noLibrary(maps: maps) }
    return try SHA256.hexadecimal(ofFile: library)
  }
}

/// An allocator of the system's that can't be preloaded.
public enum SystemLibraryError: UserFacingError, Equatable {
  case notInstalled(String, package: String)
  case unreadable(String)
  /// No C library is mapped: there is nothing to know glibc by.
  case noLibrary(maps: String)

  public var message: String {
    switch self {
    case .notInstalled(let name, _): "\(name) is not installed: its shared library was not found"
    case .unreadable(let path): "the library \(path) can't be read"
    case .noLibrary(let maps): "\(maps) names no libc.so.6"
    }
  }

  public var remedy: String? {
    switch self {
    case .notInstalled(_, let package):
      "apt-get install \(package), or name the file with: --design preload:FILE.so"
    case .unreadable: "check the path, and that you may read it"
    case .noLibrary: "build mallometer against the C library: make build"
    }
  }
}
