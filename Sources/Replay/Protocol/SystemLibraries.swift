import Designs
import Foundation
import Platform

/// The allocators that a distribution packages.
public struct SystemLibraries: Sendable {
  /// Where they are looked for, in order.
  public var folders: [String]
  /// The path of the C library that this process runs on; nil where it is linked in.
  public var systemLibrary: String?

  public init(
    folders: [String] = [
      "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib",
    ],
    systemLibrary: String? = CLibrary.path
  ) {
    self.folders = folders
    self.systemLibrary = systemLibrary
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
    guard let systemLibrary else { throw SystemLibraryError.noLibrary }
    return try SHA256.hexadecimal(ofFile: systemLibrary)
  }
}

/// An allocator of the system's that can't be preloaded.
public enum SystemLibraryError: UserFacingError, Equatable {
  case notInstalled(String, package: String)
  case unreadable(String)
  /// No C library is loaded: there is nothing to know glibc by.
  case noLibrary

  public var message: String {
    switch self {
    case .notInstalled(let name, _): "\(name) is not installed: its shared library was not found"
    case .unreadable(let path): "the library \(path) can't be read"
    case .noLibrary: "this process has no shared C library"
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
