import Designs
import Models
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

  @Test(arguments: variants, GeneratedSource.Sizes.allCases)
  func generated(design: Design, sizes: GeneratedSource.Sizes) throws {
    let isBulky = sizes == .huge || sizes == .large
    let source = GeneratedSource.random(
      operations: isBulky ? 4_000 : 20_000, live: isBulky ? 60 : 1_000, sizes: sizes, seed: 44)
    let difference = try firstDifference(design, source)
    #expect(difference == nil)
  }

  @Test(arguments: variants)
  func batches(design: Design) throws {
    let difference = try firstDifference(design, GeneratedSource.batches(rounds: 20))
    #expect(difference == nil)
  }

  @Test func theMachineChangesNoAlgorithmicStep() throws {
    let source = GeneratedSource.random(operations: 10_000, live: 600, sizes: .mixed, seed: 8)
    for design in Self.variants {
      let difference = try firstDifference(design, source, machine: .reference)
      #expect(difference == nil)
    }
  }
}
