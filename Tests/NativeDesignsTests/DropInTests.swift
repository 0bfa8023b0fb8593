import Designs
import Foundation
import Platform
import Testing

@testable import NativeDesigns

/// Every variant as a drop-in malloc: under a randomised checker, under sanitizers, and under real
/// programs.
@Suite struct DropInTests {
  static let variants =
    Design.singleToggleVariants(of: .pool)
    + [
      Design(
        family: .pool,
        changes: ["index": "binary-search", "used-counter": "atomic", "header": "32"]),
      PoolExactnessTests.everything, PoolExactnessTests.eager,
    ]
    + Design.singleToggleVariants(of: .reuse) + Design.singleToggleVariants(of: .tiered)
    + Design.singleToggleVariants(of: .locked)

  /// Those whose code differs in how it uses memory or what threads share.
  static let sanitized = [
    Design(family: .pool), Design(family: .pool, changes: ["header": "32"]),
    Design(family: .pool, changes: ["used-counter": "atomic", "header": "16"]),
    Design(family: .pool, changes: ["free-lists": "one", "magazine": "on"]),
    Design(family: .pool, changes: ["free-lists": "local", "heap": "global"]),
    PoolExactnessTests.everything, PoolExactnessTests.eager,
    Design(family: .reuse), Design(family: .reuse, changes: ["cache": "thread-local"]),
    Design(family: .reuse, changes: ["header": "16", "eviction": "unmap"]),
    Design(family: .tiered), Design(family: .tiered, changes: ["tiers": "off"]),
    Design(
      family: .tiered, changes: ["medium": "global", "warming": "on", "statistics": "relaxed"]),
    Design(family: .reuse, changes: ["heap": "thread-local", "free-lists": "on"]),
    Design(family: .reuse, changes: fundamental),
    Design(family: .locked), Design(family: .locked, changes: ["lock": "spin"]),
    Design(family: .locked, changes: ["lock": "per-class"]),
  ]

  /// Everything of hakmem's fundamental redesign, with a cache per thread as well.
  static let fundamental = [
    "header": "16", "cache": "thread-local", "free-lists": "on", "arenas": "on",
    "heap": "thread-local", "policy": "off", "threshold": "512KiB",
  ]

  let compiler: VariantCompiler
  let checkerSource = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("C/checker.c")

  init() throws { compiler = VariantCompiler(installation: try Installation()) }

  private func compileChecker(_ flags: [String], to output: URL) throws {
    let ended = try run(
      "/usr/bin/cc",
      [
        "-std=gnu17", "-O1", "-g", "-fno-builtin", "-w", "-D_GNU_SOURCE", "-pthread", "-o",
        output.path,
      ] + flags + [checkerSource.path])
    #expect(ended.ending == .exited(status: 0), "\(ended.errors)")
  }

  private func run(
    _ program: String, _ arguments: [String], preload: URL? = nil
  ) throws -> ChildProcess.Result {
    var variables = ProcessInfo.processInfo.environment
    variables["LD_PRELOAD"] = preload?.path
    variables["PYTHONHASHSEED"] = "0"
    variables["LC_ALL"] = "C"
    return try ChildProcess(executable: program, arguments: arguments, environment: variables)
      .run()
  }

  @Test func theCheckerAcceptsTheCLibrary() throws {
    let scratch = try ScratchFolder()
    let checker = scratch.url.appendingPathComponent("checker")
    try compileChecker([], to: checker)
    let ended = try run(checker.path, ["20000", "3", "11"])
    #expect(ended.ending == .exited(status: 0), "\(ended.errors)")
  }

  /// In a loop, not one test per variant, so that the checker is compiled once.
  @Test(arguments: Family.all.map(\.name))
  func servesTheChecker(family: String) throws {
    let scratch = try ScratchFolder()
    let checker = scratch.url.appendingPathComponent("checker")
    try compileChecker([], to: checker)
    for design in Self.variants where design.family == family {
      for (counting, threads) in [(false, "1"), (false, "4"), (true, "1"), (true, "4")] {
        let library = try compiler.build(design, counting: counting)
        let ended = try run(checker.path, ["12000", threads, "7"], preload: library)
        #expect(ended.ending == .exited(status: 0), "\(design), \(threads): \(ended.errors)")
        #expect(!ended.errors.contains("cannot be preloaded"))
      }
    }
  }

  /// The design is compiled into the checker under other names: what a sanitizer sees is the
  /// design's own use of memory and its races, not its callers'.
  @Test(arguments: ["thread", "address,undefined"], sanitized)
  func isCleanUnderSanitizers(sanitizer: String, design: Design) throws {
    for flags in [[], ["-DMALLOMETER_COUNT_STEPS"]] {
      try check(design, under: sanitizer, flags: flags)
    }
  }

  private func check(_ design: Design, under sanitizer: String, flags: [String]) throws {
    let scratch = try ScratchFolder()
    let family = try #require(Family.all.first { $0.name == design.family })
    let header = VariantHeader.text(family: family, design: design)
    let unit = VariantHeader.translationUnit(family: family)
    let source = scratch.url.appendingPathComponent("variant.c")
    try Data(unit.utf8).write(to: source)
    try Data(header.utf8).write(to: scratch.url.appendingPathComponent("mallometer_variant.h"))
    let checker = scratch.url.appendingPathComponent("checker")
    try compileChecker(
      [
        "-fsanitize=\(sanitizer)", "-fno-sanitize-recover=all", "-DMALLOMETER_PREFIX=tested_",
        "-I", scratch.url.path, "-I", try Installation().nativeSources.path, source.path,
      ] + flags, to: checker)
    for threads in ["1", "4"] {
      let ended = try run(checker.path, ["5000", threads, "5"])
      #expect(ended.ending == .exited(status: 0), "\(threads) threads: \(ended.errors)")
    }
  }

  @Test(arguments: [
    Design(family: .pool, changes: ["header": "16"]), Design(family: .reuse),
    Design(family: .tiered), Design(family: .locked),
  ])
  func findsOutABlockThatIsFreedTwice(design: Design) throws {
    let scratch = try ScratchFolder()
    let source = scratch.url.appendingPathComponent("twice.c")
    try Data(
      """
      #include <stdlib.h>
      int main(void) { char *p = malloc(40); free(p); free(p); return 0; }
      """.utf8
    ).write(to: source)
    let program = scratch.url.appendingPathComponent("twice")
    let compiled = try run(
      "/usr/bin/cc", ["-w", "-fno-builtin", "-o", program.path, source.path])
    #expect(compiled.ending == .exited(status: 0))
    let library = try compiler.build(design)
    let ended = try run(program.path, [], preload: library)
    #expect(ended.ending != .exited(status: 0))
    #expect(ended.errors.contains("not allocated") || ended.errors.contains("freed before"))
  }

  @Test(arguments: [
    Design(family: .pool), Design(family: .pool, changes: ["header": "32"]),
    Design(family: .reuse), Design(family: .reuse, changes: ["header": "16"]),
    Design(family: .tiered), Design(family: .tiered, changes: ["tiers": "off"]),
    Design(family: .reuse, changes: ["heap": "thread-local", "free-lists": "on"]),
    Design(family: .reuse, changes: fundamental),
    Design(family: .locked), Design(family: .locked, changes: ["lock": "spin"]),
    Design(family: .locked, changes: ["lock": "per-class"]),
  ])
  func runsRealPrograms(design: Design) throws {
    let library = try compiler.build(design)
    let scratch = try ScratchFolder()
    let source = scratch.url.appendingPathComponent("hello.c")
    try Data("#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n".utf8)
      .write(to: source)
    let script = """
      import json, threading, zlib
      def work(n): return sum(len(json.dumps({str(i): [i] * n})) for i in range(3000))
      threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
      [t.start() for t in threads]; [t.join() for t in threads]
      print(work(9), zlib.crc32(b'x' * 3000000))
      """
    let commands: [(String, [String])] = [
      ("/usr/bin/python3", ["-c", script]),
      (
        "/usr/bin/git",
        ["grep", "--no-index", "-c", "struct", try Installation().nativeSources.path]
      ),
      ("/usr/bin/gcc", ["-O2", "-S", "-o", "-", source.path]),
    ]
    for (program, arguments) in commands {
      guard FileManager.default.isExecutableFile(atPath: program) else { continue }
      let expected = try run(program, arguments)
      let ended = try run(program, arguments, preload: library)
      #expect(ended.ending == expected.ending, "\(program): \(ended.errors)")
      #expect(ended.output == expected.output, "\(program)")
      #expect(!ended.output.isEmpty, "\(program)")
    }
  }
}
