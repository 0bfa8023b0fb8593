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
  let environment: [String: String]

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
    self.environment = environment
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
    /// Whether its steps can be timed in loops: for calibration, as no drop-in library.
    public var calibrating: Bool
    /// Where code and data lie: 0 as compiler and linker put them, every other number elsewhere.
    public var placement: Int
    /// Further compiler flags, as tests need them for sanitizers.
    public var extraFlags: [String]

    public init(
      counting: Bool = false, calibrating: Bool = false, placement: Int = 0,
      extraFlags: [String] = []
    ) {
      self.counting = counting
      self.calibrating = calibrating
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
    try build(design, options, placements: [options.placement])[0]
  }

  /// Builds of a design that differ in nothing but where code and data lie, compiled where they
  /// aren't there yet. The first is the ordinary one.
  public func placements(_ design: Design, count: Int) throws(NativeDesignError) -> [URL] {
    try build(design, Options(), placements: Array(0..<max(count, 1)))
  }

  /// Whether `placements(_:count:)` would have nothing to compile.
  public func hasPlacements(_ design: Design, count: Int) -> Bool {
    let named = try? libraries(design, Options(), placements: Array(0..<max(count, 1)))
    return named?.paths.allSatisfy { access($0.path, R_OK) == 0 } ?? false
  }

  private func build(
    _ design: Design, _ options: Options, placements: [Int]
  ) throws(NativeDesignError) -> [URL] {
    let (job, libraries) = try libraries(design, options, placements: placements)
    let missing = zip(placements, libraries).filter { access($1.path, R_OK) != 0 }
    if !missing.isEmpty { try compile(job, missing) }
    return libraries
  }

  /// What a design's libraries are compiled from, and where they are or will be.
  private func libraries(
    _ design: Design, _ options: Options, placements: [Int]
  ) throws(NativeDesignError) -> (job: Compilation, paths: [URL]) {
    let family = design.family
    let program = try findCompiler()
    let job = Compilation(
      name: design.description, program: program.path, flags: flags(options, design: design),
      header: VariantHeader.text(
        family: family, design: design, namesSteps: options.counting || options.calibrating),
      unit: VariantHeader.translationUnit(family: family, calibrating: options.calibrating))
    var hash = ContentHash()
    hash.add(job.header)
    hash.add(job.unit)
    for flag in job.flags { hash.add(flag) }
    hash.add(program.identity)
    try hashSources(of: family, calibrating: options.calibrating, into: &hash)
    let libraries = placements.map { placement in
      var hash = hash
      if placement > 0 { hash.add("placement \(placement), scheme \(CodePlacement.scheme)") }
      let kind = options.counting ? "-counting" : options.calibrating ? "-calibrating" : ""
      return cache.appendingPathComponent("\(family.name)-\(hash.hexadecimal)\(kind).so")
    }
    return (job, libraries)
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
  func findCompiler() throws(NativeDesignError) -> (path: String, identity: String) {
    var status = stat()
    guard let path = ChildProcess.find(compiler, environment: environment),
      stat(path, &status) == 0
    else { throw .compilerMissing(compiler) }
    return (path, "\(path) \(status.st_size) \(status.st_mtim.tv_sec) \(status.st_ino)")
  }

  private func hashSources(
    of family: Family, calibrating: Bool, into hash: inout ContentHash
  ) throws(NativeDesignError) {
    let folders = Set(family.nativeSources.compactMap { $0.split(separator: "/").first })
    for folder in ["common"] + folders.map(String.init).sorted()
      + (calibrating ? ["calibration"] : [])
    { try hashFolder(folder, into: &hash) }
  }

  /// Adds the C sources of a folder, with their names.
  func hashFolder(_ folder: String, into hash: inout ContentHash) throws(NativeDesignError) {
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
