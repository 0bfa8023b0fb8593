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
    for design in Self.variants where design.family.name == family {
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
    let header = VariantHeader.text(
      family: design.family, design: design,
      namesSteps: flags.contains("-DMALLOMETER_COUNT_STEPS"))
    let unit = VariantHeader.translationUnit(family: design.family)
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

  /// With every family's headers and magic numbers, and blocks from everything that it takes them from
  /// but the kernel, which would be asked about an address that is no longer mapped.
  @Test(arguments: [
    Design(family: .pool, changes: ["header": "16"]),
    Design(family: .pool, changes: ["header": "32", "magazine": "on"]),
    Design(family: .reuse), Design(family: .reuse, changes: ["header": "16"]),
    Design(family: .tiered), Design(family: .tiered, changes: ["tiers": "off"]),
    Design(family: .locked), Design(family: .locked, changes: ["lock": "per-class"]),
  ])
  func findsOutBadPointers(design: Design) throws {
    let scratch = try ScratchFolder()
    let source = scratch.url.appendingPathComponent("bad.c")
    try Data(
      """
      #include <stdlib.h>
      int main(int count, char **arguments) {
        long size = atol(arguments[2]);
        char *p = malloc(size), *other = malloc(size);
        switch (arguments[1][0]) {
          case 't': free(p); free(p); break;
          case 'o': free(p); free(other); free(p); break;
          case 'r': free(p); p = realloc(p, 2 * size); break;
          case 'i': for (long at = 0; at < size; at++) p[at] = 1; free(p + 16); break;
        }
        return 0;
      }
      """.utf8
    ).write(to: source)
    let program = scratch.url.appendingPathComponent("bad")
    let compiled = try run(
      "/usr/bin/cc", ["-w", "-fno-builtin", "-o", program.path, source.path])
    #expect(compiled.ending == .exited(status: 0), "\(compiled.errors)")
    let library = try compiler.build(design)
    for size in ["40", "3000", "12000"] {
      for mistake in ["twice", "other between", "realloc", "inside"] {
        let ended = try run(program.path, [mistake, size], preload: library)
        #expect(ended.ending == .killed(signal: SIGABRT), "\(mistake) \(size): \(ended.ending)")
        #expect(
          ["mallometer: ", "not allocated", "freed before", "not a block"].filter(
            ended.errors.contains
          ).count >= 2, "\(mistake) \(size): \(ended.errors)")
      }
    }
  }

  /// Sizes for every source of blocks that a family has.
  @Test(arguments: sanitized)
  func saysThatThereIsNoMemory(design: Design) throws {
    let scratch = try ScratchFolder()
    let source = checkerSource.deletingLastPathComponent().appendingPathComponent("limits.c")
    let program = scratch.url.appendingPathComponent("limits")
    let compiled = try run(
      "/usr/bin/cc",
      [
        "-std=gnu17", "-O1", "-fno-builtin", "-w", "-D_GNU_SOURCE", "-pthread", "-o", program.path,
        source.path,
      ])
    #expect(compiled.ending == .exited(status: 0), "\(compiled.errors)")
    let library = try compiler.build(design)
    for size in ["40", "700", "3000", "12000", "100000", "3000000"] {
      let ended = try run(program.path, [size], preload: library)
      #expect(ended.ending == .exited(status: 0), "\(size): \(ended.ending) \(ended.errors)")
    }
  }
}
