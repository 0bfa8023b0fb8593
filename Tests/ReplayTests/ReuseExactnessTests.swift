import Designs
import Models
import NativeDesigns
import Platform
import TestSupport
import Testing
import Traces

@testable import Replay

/// The reuse model against its counting builds: every step and every address of every window.
@Suite struct ReuseExactnessTests {
  /// Every value that isn't a default, one at a time, and combinations whose parts meet.
  static let variants: [[String: String]] =
    Design.singleToggleVariants(of: .reuse).map { design in
      Dictionary(uniqueKeysWithValues: design.settings.map { ($0.toggle, $0.value) })
    } + [
      ["header": "16", "cache": "thread-local"],
      ["policy": "off", "threshold": "512KiB", "eviction": "unmap"],
      ["policy": "frozen", "threshold": "24MiB", "bins": "size-segregated"],
      ["policy": "off", "threshold": "24MiB", "backing": "glibc", "cache": "off"],
      ["best-strategy": "cached", "active-list": "precomputed", "random-test": "integer"],
      ["header": "16", "magic-check": "off", "eviction": "purge", "evolution-tracking": "off"],
      ["bins": "size-segregated", "free-lists": "on", "madvise": "free"],
      ["bins": "size-segregated", "free-lists": "on", "arenas": "on", "heap": "thread-local"],
      [
        "cache": "thread-local", "header": "16", "free-lists": "on", "arenas": "on",
        "heap": "thread-local",
      ],
      [
        "policy": "off", "threshold": "512KiB", "arenas": "on", "eviction": "purge",
        "madvise": "free",
      ],
      ["policy": "off", "threshold": "512KiB", "arenas": "on", "cache": "off"],
      ["backing": "glibc", "arenas": "on", "free-lists": "on"],
    ]

  @Test(arguments: variants)
  func modelAndCountingBuildAgree(changes: [String: String]) throws {
    let design = Design(family: .reuse, changes: changes)
    let source = EventArraySource.blocks(operations: 12_000, slots: 250, sites: 30, seed: 11)
    let outcome = try exactnessCheck().compare(source, design: design)
    #expect(outcome.windows == 12)
    #expect(outcome.differing == 0, "\(String(describing: outcome.first))")
  }
}
