import Designs
import Foundation
import Platform

/// Compiles variants of own designs into drop-in malloc libraries, on demand and once.
///
/// A library is kept under a name that is a hash of everything it follows from: the sources, the
/// toggles, the flags and the compiler. Finding it again costs reading the family's sources, a
/// tenth of a millisecond. Processes may build the same variant at the same time: each compiles in
/// a folder of its own and renames the result into place.
public struct VariantCompiler: Sendable {
  /// Where compiled libraries are kept: `MALLOMETER_CACHE`, or `$XDG_CACHE_HOME/mallometer`, or
  /// `~/.cache/mallometer`.
  public let cache: URL
  let sources: URL
  let compiler: String
  let searchPath: String

  public init(
    installation: Installation,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.init(sources: installation.nativeSources, environment: environment)
  }

  /// - Parameter sources: the folder that holds `common/` and one folder per family.
  public init(
    sources: URL, environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.sources = sources
    compiler = environment["CC"].flatMap { $0.isEmpty ? nil : $0 } ?? "cc"
    searchPath = environment["PATH"] ?? "/usr/bin:/bin"
    if let folder = environment["MALLOMETER_CACHE"], !folder.isEmpty {
      cache = URL(fileURLWithPath: folder, isDirectory: true)
    } else if let folder = environment["XDG_CACHE_HOME"], !folder.isEmpty {
      cache = URL(fileURLWithPath: folder, isDirectory: true).appendingPathComponent("mallometer")
    } else {
      cache = FileManager.default.homeDirectoryForCurrentUser
        .appendingPathComponent(".cache/mallometer")
    }
  }

  /// What besides the toggles tells two builds of a design apart.
  public struct Options: Hashable, Sendable {
    /// Whether steps are counted: for exactness, never for timing.
    public var counting: Bool
    /// Multiples of 16 bytes by which the code is moved.
    public var placement: Int
    /// Further compiler flags, as tests need them for sanitizers.
    public var extraFlags: [String]

    public init(counting: Bool = false, placement: Int = 0, extraFlags: [String] = []) {
      self.counting = counting
      self.placement = placement
      self.extraFlags = extraFlags
    }
  }

  /// The library of a design, compiled if it isn't there yet.
  public func build(_ design: Design, counting: Bool = false) throws(NativeDesignError) -> URL {
    try build(design, options: Options(counting: counting))
  }

  /// The library of a design, compiled if it isn't there yet.
  public func build(_ design: Design, options: Options) throws(NativeDesignError) -> URL {
    guard let family = Family.all.first(where: { $0.name == design.family }) else {
      throw .unknownFamily(design.family)
    }
    let program = try findCompiler()
    let header = VariantHeader.text(family: family, design: design)
    let unit = VariantHeader.translationUnit(family: family, placement: options.placement)
    let flags = flags(options, design: design)
    var hash = ContentHash()
    hash.add(header)
    hash.add(unit)
    for flag in flags { hash.add(flag) }
    hash.add(program.identity)
    try hashSources(of: family, into: &hash)
    let name = "\(design.family)-\(hash.hexadecimal)\(options.counting ? "-counting" : "").so"
    let library = cache.appendingPathComponent(name)
    if access(library.path, R_OK) == 0 { return library }
    let files = ["mallometer_variant.h": header, "variant.c": unit]
    try compile(design, program: program.path, flags: flags, files: files, into: library)
    return library
  }

  /// How variants are compiled, but for what differs between them.
  static let commonFlags = [
    "-std=gnu17", "-O2", "-g1", "-fPIC", "-shared", "-pthread", "-D_GNU_SOURCE",
    "-fvisibility=hidden", "-fno-builtin-malloc",
    "-fno-builtin-calloc", "-fno-builtin-realloc", "-fno-builtin-free", "-fno-plt",
    "-fno-semantic-interposition", "-Wl,-z,now", "-Wall", "-Wextra",
    // A misspelt value in #if would be 0, and so choose the first value unseen.
    "-Werror=undef",
  ]

  private func flags(_ options: Options, design: Design) -> [String] {
    Self.commonFlags + ["-ftls-model=\(Self.threadLocalModel(design))"]
      + (options.counting ? ["-DMALLOMETER_COUNT_STEPS"] : []) + options.extraFlags
  }

  /// As the compiler names it: what the design's toggle says where it has one.
  static func threadLocalModel(_ design: Design) -> String {
    design.settings.first { $0.toggle == "tls-model" }?.value ?? "initial-exec"
  }

  /// The compiler's path, and what tells a changed compiler from the same one without running it.
  private func findCompiler() throws(NativeDesignError) -> (path: String, identity: String) {
    let candidates =
      compiler.contains("/")
      ? [compiler] : searchPath.split(separator: ":").map { "\($0)/\(compiler)" }
    for path in candidates where access(path, X_OK) == 0 {
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      return (path, "\(path) \(status.st_size) \(status.st_mtim.tv_sec) \(status.st_ino)")
    }
    throw .compilerMissing(compiler)
  }

  private func hashSources(
    of family: Family, into hash: inout ContentHash
  ) throws(NativeDesignError) {
    let folders = Set(family.nativeSources.compactMap { $0.split(separator: "/").first })
    for folder in ["common"] + folders.map(String.init).sorted() {
      let path = sources.appendingPathComponent(folder).path
      guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
        throw .sourceMissing(path)
      }
      for name in names.sorted() where name.hasSuffix(".c") || name.hasSuffix(".h") {
        guard let content = FileManager.default.contents(atPath: "\(path)/\(name)") else {
          throw .sourceMissing("\(path)/\(name)")
        }
        hash.add("\(folder)/\(name)")
        hash.add(content)
      }
    }
  }
}
