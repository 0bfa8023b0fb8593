import Designs
import Foundation
import Platform
import Testing

@testable import NativeDesigns

/// A folder that is gone after the test.
struct ScratchFolder: ~Copyable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("mallometer-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}

func environment(_ changes: [String: String]) -> [String: String] {
  ProcessInfo.processInfo.environment.merging(changes) { $1 }
}

@Suite struct VariantCompilerTests {
  let installation: Installation

  init() throws { installation = try Installation() }

  @Test func buildsOnceAndFindsAgain() throws {
    let scratch = try ScratchFolder()
    let cache = scratch.url.appendingPathComponent("deep/cache")
    let compiler = VariantCompiler(
      installation: installation, environment: environment(["MALLOMETER_CACHE": cache.path]))
    let design = Design(family: .pool)
    let first = try compiler.build(design)
    let made = try FileManager.default.attributesOfItem(atPath: first.path)[.modificationDate]
    let again = try compiler.build(design)
    #expect(first == again)
    let found = try FileManager.default.attributesOfItem(atPath: again.path)[.modificationDate]
    #expect(made as? Date == found as? Date)
    let permissions =
      try FileManager.default.attributesOfItem(atPath: cache.path)[.posixPermissions] as? Int
    #expect(permissions == 0o700)
    let left = try FileManager.default.contentsOfDirectory(atPath: cache.path)
    #expect(left == [first.lastPathComponent], "nothing but the library is left behind")
  }

  @Test func tellsBuildsApart() throws {
    let scratch = try ScratchFolder()
    let compiler = VariantCompiler(
      installation: installation, environment: environment(["MALLOMETER_CACHE": scratch.url.path]))
    let pool = Design(family: .pool)
    let variant = Design(family: .pool, changes: ["header": "16"])
    let libraries = try [
      compiler.build(pool), compiler.build(variant), compiler.build(pool, counting: true),
      compiler.build(pool, options: .init(placement: 3)),
    ]
    #expect(Set(libraries).count == libraries.count)
  }

  @Test func givesTheSameBytesInAnyFolder() throws {
    let scratch = try ScratchFolder()
    let builds = try ["one", "another"].map { name in
      let cache = scratch.url.appendingPathComponent(name).path
      let compiler = VariantCompiler(
        installation: installation, environment: environment(["MALLOMETER_CACHE": cache]))
      return try compiler.placements(Design(family: .pool), count: 2).map {
        try Data(contentsOf: $0)
      }
    }
    #expect(builds[0] == builds[1])
    #expect(builds[0][0] != builds[0][1], "placements differ")
  }

  @Test func ordinaryBuildsKnowNoSteps() {
    let text = VariantHeader.text(
      family: .pool, design: Design(family: .pool), namesSteps: false)
    #expect(!text.contains("MALLOMETER_STEP"))
    #expect(text.contains("MALLOMETER_TOGGLE_INDEX"))
  }

  @Test func namesTogglesAndStepsInC() {
    let text = VariantHeader.text(
      family: .pool, design: Design(family: .pool, changes: ["index": "binary-search"]),
      namesSteps: true)
    #expect(text.contains("#define MALLOMETER_INDEX_BINARY_SEARCH 1"))
    #expect(text.contains("#define MALLOMETER_TOGGLE_INDEX MALLOMETER_INDEX_BINARY_SEARCH"))
    #expect(text.contains("#define MALLOMETER_HEADER_16 16"))
    #expect(text.contains("MALLOMETER_STEP_FREE_LIST_POP = \(Step.freeListPop.rawValue),"))
    #expect(text.contains("MALLOMETER_STEP_COUNT = \(Step.count)"))
  }

  @Test func reportsAMissingCompiler() throws {
    let compiler = VariantCompiler(
      installation: installation, environment: environment(["CC": "no-such-compiler"]))
    #expect(throws: NativeDesignError.compilerMissing("no-such-compiler")) {
      try compiler.build(Design(family: .pool))
    }
  }

  @Test func reportsWhatTheCompilerSaid() throws {
    let scratch = try ScratchFolder()
    let compiler = VariantCompiler(
      installation: installation, environment: environment(["MALLOMETER_CACHE": scratch.url.path]))
    let error = #expect(throws: NativeDesignError.self) {
      try compiler.build(
        Design(family: .pool), options: .init(extraFlags: ["-Dregion_map=2 + 2"]))
    }
    guard case .compilationFailed(_, _, let diagnostics) = error else {
      Issue.record("expected a failed compilation, not \(String(describing: error))")
      return
    }
    #expect(diagnostics.contains("error:"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).isEmpty)
  }

  @Test func reportsAnUnusableCache() throws {
    let compiler = VariantCompiler(
      installation: installation, environment: environment(["MALLOMETER_CACHE": "/proc/nowhere"]))
    let error = #expect(throws: NativeDesignError.self) {
      try compiler.build(Design(family: .pool))
    }
    guard case .cacheUnusable("/proc/nowhere", _) = error else {
      Issue.record("expected an unusable cache, not \(String(describing: error))")
      return
    }
  }

  @Test func reportsMissingSources() throws {
    let scratch = try ScratchFolder()
    let compiler = VariantCompiler(
      sources: scratch.url, environment: environment(["MALLOMETER_CACHE": scratch.url.path]))
    #expect(
      throws: NativeDesignError.sourceMissing(scratch.url.appendingPathComponent("common").path)
    ) {
      try compiler.build(Design(family: .pool))
    }
  }
}
