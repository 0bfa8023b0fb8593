import Platform

/// Why a variant of an own design could not be built.
public enum NativeDesignError: UserFacingError, Equatable {
  /// There is no C compiler of this name.
  case compilerMissing(String)
  /// The compiler ran and refused; `diagnostics` is what it said.
  case compilationFailed(design: String, command: String, diagnostics: String)
  /// The disk that holds the cache is full.
  case diskFull(cache: String)
  /// The cache folder can't be made, read or written.
  case cacheUnusable(String, reason: String)
  /// A C source of the design is missing or can't be read.
  case sourceMissing(String)

  public var message: String {
    switch self {
    case .compilerMissing(let name): "the C compiler \(name) was not found"
    case .compilationFailed(let design, let command, let diagnostics):
      "compiling \(design) failed: \(command)\n\(diagnostics)"
    case .diskFull(let cache): "no space left for compiled designs in \(cache)"
    case .cacheUnusable(let path, let reason): "the cache folder \(path) can't be used: \(reason)"
    case .sourceMissing(let path): "the C source \(path) can't be read"
    }
  }

  public var remedy: String? {
    switch self {
    case .compilerMissing: "apt-get install gcc libc6-dev, or name a C compiler in CC"
    case .compilationFailed: "apt-get install gcc libc6-dev, or name another C compiler in CC"
    case .diskFull: "free some space, or name another folder in MALLOMETER_CACHE"
    case .cacheUnusable: "name a folder of your own in MALLOMETER_CACHE"
    case .sourceMissing: "set MALLOMETER_HOME to the folder of the mallometer checkout"
    }
  }
}
