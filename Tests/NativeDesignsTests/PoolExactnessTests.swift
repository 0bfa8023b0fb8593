import Designs
import Models
import Testing

@testable import NativeDesigns

/// The pool's model against its counting build: every step, every window, every address.
@Suite struct PoolExactnessTests {
  static let variants: [Design] =
    Design.singleToggleVariants(of: .pool)
    + [
      Design(
        family: .pool,
        changes: ["index": "binary-search", "used-counter": "atomic", "header": "32"]),
      everything, eager,
    ]

  /// As many toggles off their defaults as don't contradict one another.
  static let everything = Design(
    family: .pool,
    changes: [
      "index": "binary-search", "used-counter": "atomic", "header": "32", "free-lists": "one",
      "heap": "global", "encoding": "xor-rotate", "magazine": "on", "bump": "on",
      "large-pages": "on", "bins": "32", "branch-hints": "off", "fast-path": "called",
      "page-flags": "separate", "prefetch": "on",
    ])

  /// Those that remote frees go through.
  static let eager = Design(
    family: .pool,
    changes: [
      "remote-collection": "eagerly", "encoding": "xor-rotate", "bump": "on", "magazine": "on",
      "header": "16", "tls-model": "global-dynamic",
    ])

  @Test(arguments: variants, GeneratedSource.Sizes.allCases)
  func generated(design: Design, sizes: GeneratedSource.Sizes) throws {
    let isBulky = sizes == .huge || sizes == .large
    let source = GeneratedSource.random(
      operations: isBulky ? 4_000 : 30_000, live: isBulky ? 60 : 2_000, sizes: sizes,
      seed: 20_25)
    let difference = try firstDifference(design, source)
    #expect(difference == nil)
  }

  @Test(arguments: variants)
  func batches(design: Design) throws {
    let difference = try firstDifference(design, GeneratedSource.batches(rounds: 20))
    #expect(difference == nil)
  }

  @Test func manyLiveObjects() throws {
    let source = GeneratedSource.random(
      operations: 200_000, live: 60_000, sizes: .small, seed: 4)
    let difference = try firstDifference(Design(family: .pool), source)
    #expect(difference == nil)
  }

  @Test func theMachineChangesNoAlgorithmicStep() throws {
    let source = GeneratedSource.random(operations: 20_000, live: 1_000, sizes: .mixed, seed: 8)
    let machine = MachineGeometry.reference
    for design in Self.variants {
      let difference = try firstDifference(design, source, machine: machine)
      #expect(difference == nil)
    }
  }
}
