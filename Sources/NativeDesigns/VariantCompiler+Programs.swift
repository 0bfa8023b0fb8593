import Foundation

extension VariantCompiler {
  /// How programs are compiled: as designs are, but for what makes a library of these.
  static let programFlags = [
    "-std=gnu17", "-O2", "-g1", "-fPIE", "-pie", "-pthread", "-D_GNU_SOURCE",
    "-fno-builtin-malloc", "-fno-builtin-free", "-Wall", "-Wextra", "-Werror=undef",
  ]

  /// The executables of a study, compiled where they aren't there yet: they differ in nothing but
  /// where code and data lie, the ordinary one first.
  /// - Parameters:
  ///   - study: its C source in the folder `studies`, without the extension.
  ///   - counting: whether steps are counted: for exactness, never for timing.
  ///   - count: how many executables.
  public func programs(
    study: String, counting: Bool = false, count: Int = 1
  ) throws(NativeDesignError) -> [URL] {
    let compiler = try findCompiler()
    let job = Compilation(
      name: "the study \(study)", program: compiler.path,
      flags: Self.programFlags + (counting ? ["-DMALLOMETER_COUNT_STEPS"] : []), header: "",
      unit: "#include \"studies/\(study).c\"\n")
    var hash = ContentHash()
    hash.add(job.unit)
    for flag in job.flags { hash.add(flag) }
    hash.add(compiler.identity)
    try hashFolder("studies", into: &hash)
    let programs = (0..<max(count, 1)).map { placement in
      var hash = hash
      if placement > 0 { hash.add("placement \(placement), scheme \(CodePlacement.scheme)") }
      let kind = counting ? "-counting" : ""
      return (placement, cache.appendingPathComponent("\(study)-\(hash.hexadecimal)\(kind)"))
    }
    let missing = programs.filter { access($1.path, X_OK) != 0 }
    if !missing.isEmpty { try compile(job, missing.map { (placement: $0, library: $1) }) }
    return programs.map(\.1)
  }
}
