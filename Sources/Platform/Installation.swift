import Foundation

/// Where the files that mallometer needs at run time are found: bundled design files, bundled
/// traces, the C sources of the own designs, the recorder and the player.
///
/// `MALLOMETER_HOME` names the root explicitly; otherwise it is the nearest folder above the
/// running executable that holds `models/`. Recorder and player lie beside the executable unless
/// `MALLOMETER_RECORDER` or `MALLOMETER_PLAYER` name them.
public struct Installation: Sendable {
  /// The folder that holds `models/`, `traces/` and `Sources/NativeDesigns/C`.
  public let root: URL
  /// The folder of the running executable.
  public let binaries: URL
  let environment: [String: String]

  public init(
    executable: URL? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(InstallationError) {
    self.environment = environment
    let running = executable ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    binaries = running.deletingLastPathComponent()
    if let home = environment["MALLOMETER_HOME"] {
      root = URL(fileURLWithPath: home, isDirectory: true)
      return
    }
    var folder = binaries
    while folder.path != "/" {
      if FileManager.default.fileExists(atPath: folder.appendingPathComponent("models").path) {
        root = folder
        return
      }
      folder.deleteLastPathComponent()
    }
    throw InstallationError.rootNotFound(from: binaries.path)
  }

  /// Bundled design files, optimisations and hypotheses.
  public var models: URL { root.appendingPathComponent("models") }
  /// Bundled traces.
  public var traces: URL { root.appendingPathComponent("traces") }
  /// C sources of the own native designs.
  public var nativeSources: URL { root.appendingPathComponent("Sources/NativeDesigns/C") }

  /// The library that `record` preloads.
  public func recorder() throws(InstallationError) -> URL {
    try find("libMallometerRecorder.so", variable: "MALLOMETER_RECORDER")
  }

  /// The process in which a native replay is timed.
  public func player() throws(InstallationError) -> URL {
    try find("mallometer-player", variable: "MALLOMETER_PLAYER")
  }

  /// The allocator that does nothing: what a replay costs besides.
  public func nullAllocator() throws(InstallationError) -> URL {
    try find("libMallometerNull.so", variable: "MALLOMETER_NULL")
  }

  private func find(_ name: String, variable: String) throws(InstallationError) -> URL {
    if let path = environment[variable] {
      guard FileManager.default.fileExists(atPath: path) else {
        throw .missing(path, why: "named by \(variable)")
      }
      return URL(fileURLWithPath: path)
    }
    let beside = binaries.appendingPathComponent(name)
    guard FileManager.default.fileExists(atPath: beside.path) else {
      throw .missing(beside.path, why: "expected beside the mallometer executable")
    }
    return beside
  }
}

/// A file of the installation is not where it should be.
public enum InstallationError: UserFacingError, Equatable {
  case rootNotFound(from: String)
  case missing(String, why: String)

  public var message: String {
    switch self {
    case .rootNotFound(let from): "no folder above \(from) holds mallometer's models/"
    case .missing(let path, let why): "\(path) is missing (\(why))"
    }
  }

  public var remedy: String? {
    switch self {
    case .rootNotFound: "set MALLOMETER_HOME to the folder of the mallometer checkout"
    case .missing: "build everything with: make build"
    }
  }
}
