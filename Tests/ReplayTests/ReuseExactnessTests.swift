import Designs
import Models
import NativeDesigns
import Platform
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
    let library = try VariantCompiler(installation: Installation()).build(design, counting: true)
    let source = Self.blocks(operations: 12_000, slots: 250, sites: 30, seed: 11)
    var native: [[UInt64]] = []
    try testPlayer().count(
      try Plan.compile(source), allocator: design.description, library: library
    ) { native.append(Array($0.counts) + [$0.addressHash]) }
    var differing: [String] = []
    var windows = 0
    _ = try Simulation(design: design).run(
      source,
      onWindow: { window in
        defer { windows += 1 }
        guard windows < native.count else { return }
        for step in Step.allCases where !step.isMachineStep {
          let index = Int(step.rawValue)
          if window.counts[index] != native[windows][index] {
            differing.append("window \(windows) \(step.name)")
          }
        }
        if window.addressHash != native[windows].last { differing.append("window \(windows) hash") }
      })
    #expect(windows == native.count && windows == 12)
    #expect(differing.isEmpty, "first: \(differing.first ?? "")")
  }

  /// Small and large blocks, zeroed, aligned to up to 2 MiB, moved, of many sites.
  static func blocks(operations: Int, slots: Int, sites: UInt32, seed: UInt64) -> ArraySource {
    var random = TestGenerator(state: seed)
    var live = [Bool](repeating: false, count: slots)
    let events = (0..<operations).map { _ in
      let slot = Int.random(in: 0..<slots, using: &random)
      let choice = Int.random(in: 0..<20, using: &random)
      let scale = UInt64.random(in: 0..<100, using: &random)
      let isLarge = choice > 2 && scale >= 80
      let size =
        isLarge
        ? UInt64.random(in: (400 << 10)...(scale > 97 ? 17 << 20 : 3 << 20), using: &random)
        : UInt64.random(in: 0...(16 << (scale / 8)), using: &random)
      let event: Event
      if !live[slot] {
        live[slot] = true
        let kind: EventKind = choice == 0 ? .calloc : choice == 4 ? .aligned : .malloc
        let log2 = kind == .aligned ? UInt8.random(in: 1...21, using: &random) : 0
        event = Event(
          kind: kind, alignmentLog2: log2, slot: UInt32(slot), size: size,
          site: UInt32.random(in: 0..<sites, using: &random))
      } else if choice < 2 {
        event = Event(kind: .realloc, slot: UInt32(slot), size: size)
      } else {
        live[slot] = false
        event = Event(kind: .free, slot: UInt32(slot))
      }
      return event
    }
    var source = ArraySource(events: events, slots: slots)
    source.siteAddresses = (0..<UInt64(sites)).map { 1 << 32 + $0 * 0x1234 }
    return source
  }
}
