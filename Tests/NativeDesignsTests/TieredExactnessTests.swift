import Designs
import Models
import TestSupport
import Testing

@testable import NativeDesigns

/// The tiered model against its counting build: every step, every window, every address.
@Suite struct TieredExactnessTests {
  static let variants: [Design] =
    Design.singleToggleVariants(of: .tiered)
    + [
      ["medium": "global", "warming": "on"],
      ["statistics": "off", "pattern-detection": "off"],
      ["statistics": "off", "pattern-detection": "off", "medium": "global"],
      ["statistics": "relaxed", "mmap-threshold": "8KiB", "hugepage-threshold": "1MiB"],
      ["hugepages": "off", "region-cache-entries": "256", "region-cache-bytes": "256MiB"],
    ].map { Design(family: .tiered, changes: $0) }

  @Test(arguments: variants, EventArraySource.Sizes.allCases)
  func generated(design: Design, sizes: EventArraySource.Sizes) throws {
    let isBulky = sizes == .huge || sizes == .large
    let source = EventArraySource.keeping(
      operations: isBulky ? 4_000 : 20_000, live: isBulky ? 60 : 1_000, sizes: sizes, seed: 44)
    let outcome = try exactnessCheck().compare(source, design: design)
    #expect(outcome.differing == 0, "\(String(describing: outcome.first))")
  }

  @Test(arguments: variants)
  func batches(design: Design) throws {
    let outcome = try exactnessCheck().compare(EventArraySource.batches(rounds: 20), design: design)
    #expect(outcome.differing == 0, "\(String(describing: outcome.first))")
  }

  @Test func theMachineChangesNoAlgorithmicStep() throws {
    let source = EventArraySource.keeping(operations: 10_000, live: 600, sizes: .mixed, seed: 8)
    for design in Self.variants {
      let outcome = try exactnessCheck().compare(source, design: design, machine: .reference)
      #expect(outcome.differing == 0, "\(String(describing: outcome.first))")
    }
  }
}
