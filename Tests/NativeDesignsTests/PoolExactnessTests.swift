import Designs
import Models
import TestSupport
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

  @Test(arguments: variants, EventArraySource.Sizes.allCases)
  func generated(design: Design, sizes: EventArraySource.Sizes) throws {
    let isBulky = sizes == .huge || sizes == .large
    let source = EventArraySource.keeping(
      operations: isBulky ? 4_000 : 30_000, live: isBulky ? 60 : 2_000, sizes: sizes,
      seed: 20_25)
    let outcome = try exactnessCheck().compare(source, design: design)
    #expect(outcome.differing == 0, "\(String(describing: outcome.first))")
  }

  @Test(arguments: variants)
  func batches(design: Design) throws {
    let outcome = try exactnessCheck().compare(EventArraySource.batches(rounds: 20), design: design)
    #expect(outcome.differing == 0, "\(String(describing: outcome.first))")
  }

  @Test func manyLiveObjects() throws {
    let source = EventArraySource.keeping(
      operations: 200_000, live: 60_000, sizes: .small, seed: 4)
    let outcome = try exactnessCheck().compare(source, design: Design(family: .pool))
    #expect(outcome.differing == 0, "\(String(describing: outcome.first))")
  }

  @Test func theMachineChangesNoAlgorithmicStep() throws {
    let source = EventArraySource.keeping(operations: 20_000, live: 1_000, sizes: .mixed, seed: 8)
    let machine = MachineGeometry.reference
    for design in Self.variants {
      let outcome = try exactnessCheck().compare(source, design: design, machine: machine)
      #expect(outcome.differing == 0, "\(String(describing: outcome.first))")
    }
  }
}
