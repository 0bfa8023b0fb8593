import Designs
import Foundation
import Platform
import Replay
import TestSupport
import Testing

@testable import NativeDesigns

/// Builds of one design with code and data elsewhere.
@Suite struct PlacementTests {
  /// Where a library's functions lie, from its symbol table.
  private func functions(of library: URL) throws -> [String: UInt64] {
    let listed = try ChildProcess(
      executable: "/usr/bin/nm", arguments: [library.path],
      environment: ProcessInfo.processInfo.environment
    ).run()
    var places: [String: UInt64] = [:]
    for line in listed.output.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 3, words[1] == "t" || words[1] == "T" else { continue }
      places[String(words[2])] = UInt64(words[0], radix: 16)
    }
    return places
  }

  @Test func functionsLieElsewhereAndInAnotherOrder() throws {
    let scratch = try ScratchFolder()
    let compiler = VariantCompiler(
      installation: try Installation(),
      environment: environment(["MALLOMETER_CACHE": scratch.url.path]))
    for family in Family.all {
      #expect(!compiler.hasPlacements(Design(family: family), count: 3))
      let libraries = try compiler.placements(Design(family: family), count: 3)
      #expect(Set(libraries).count == 3)
      let places = try libraries.map(functions)
      #expect(Set(places.map { Set($0.keys) }).count == 1, "\(family.name): the same functions")
      let hot = ["malloc", "free", "mallometer_malloc_at", "realloc"]
      #expect(Set(places.map { place in hot.map { (place[$0] ?? 0) % 4096 } }).count == 3)
      let orders = places.map { place in
        place.keys.sorted { (place[$0] ?? 0, $0) < (place[$1] ?? 0, $1) }
      }
      #expect(Set(orders).count == 3, "\(family.name): another order in each")
      let again = try compiler.placements(Design(family: family), count: 2)
      #expect(again == Array(libraries.prefix(2)), "found again")
      #expect(compiler.hasPlacements(Design(family: family), count: 3))
      #expect(!compiler.hasPlacements(Design(family: family), count: 4))
    }
  }

  /// Nothing but the place differs: every step of every window is the same.
  @Test(arguments: [
    Design(family: .pool), Design(family: .reuse), Design(family: .tiered),
    Design(family: .locked),
  ])
  func stepsAreTheSame(design: Design) throws {
    let source = EventArraySource.keeping(operations: 8000, live: 300, sizes: .mixed, seed: 21)
    let plan = try Plan.compile(source)
    let compiler = VariantCompiler(installation: try Installation())
    let player = try Player(installation: Installation())
    var runs: [[[UInt64]]] = []
    for placement in 0..<3 {
      let library = try compiler.build(
        design, options: .init(counting: true, placement: placement))
      var windows: [[UInt64]] = []
      try player.count(plan, allocator: design.description, library: library) {
        windows.append(Array($0.counts) + [$0.addressHash])
      }
      runs.append(windows)
    }
    #expect(runs[0].count == 8 && runs[0].joined().contains { $0 > 0 })
    #expect(runs[1] == runs[0] && runs[2] == runs[0])
  }

  @Test func onlySectionsOfFunctionsMove() {
    let assembly = """
      \t.section\t.text.unlikely.slow,"ax",@progbits
      \t.section\t.text.fast,"ax",@progbits
      \t.section\t.text.startup.begin,"ax",@progbits
      \t.section\t.rodata.cst16,"aM",@progbits,16
      \t.section\t.text.fast
      \tret
      """
    var placement = CodePlacement(seed: 7)
    let lines = placement.place(assembly).split(separator: "\n").map(String.init)
    let sections = lines.filter { $0.contains(".section\t.") }
    #expect(sections.contains { $0.contains(".text.sorted.0.") && $0.hasSuffix(",@progbits") })
    #expect(sections.contains("\t.section\t.text.startup.begin,\"ax\",@progbits"))
    #expect(sections.contains("\t.section\t.rodata.cst16,\"aM\",@progbits,16"))
    let fast = sections.filter { $0.contains(".text.sorted.1.") }
    #expect(fast.count == 2 && fast[0].hasPrefix(fast[1]), "one place for both parts")
    #expect(lines.filter { $0.hasSuffix(", 0x90") }.count == 2, "padding once per function")
    var other = CodePlacement(seed: 8)
    #expect(other.place(assembly) != lines.joined(separator: "\n") + "\n")
  }

  @Test func compilesConcurrentlyInOrder() throws {
    let scratch = try ScratchFolder()
    let compiler = VariantCompiler(
      installation: try Installation(),
      environment: environment(["MALLOMETER_CACHE": scratch.url.path]))
    let designs = Family.all.map { Design(family: $0) }
    var told: Set<String> = []
    let all = try compiler.placements(designs, count: 2) { told.insert($0.description) }
    #expect(told == Set(designs.map(\.description)))
    for (design, libraries) in zip(designs, all) {
      #expect(try compiler.placements(design, count: 2) == libraries)
      #expect(libraries.allSatisfy { $0.lastPathComponent.hasPrefix(design.family.name + "-") })
    }
    let unknown = VariantCompiler(
      installation: try Installation(), environment: environment(["CC": "no-such-compiler"]))
    #expect(throws: NativeDesignError.compilerMissing("no-such-compiler")) {
      try unknown.placements(designs, count: 2)
    }
  }
}
