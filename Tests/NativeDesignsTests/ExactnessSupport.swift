import Designs
import Foundation
import Models
import Platform
import Replay
import Testing
import Traces

@testable import NativeDesigns

/// Generated operations, everything from a seed.
struct GeneratedSource: OperationSource {
  var events: [Event]
  var slots: Int
  var siteAddresses: [UInt64] = (1...8).map { $0 << 32 | 0x40 }
  var touch: TouchPolicy = .none
  var windowEvents = 1024

  func forEachOperationBlock(_ body: (UnsafeBufferPointer<Event>) throws -> Void) throws {
    try events.withUnsafeBufferPointer(body)
  }

  /// SplitMix64.
  struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  /// How sizes are drawn.
  enum Sizes: CaseIterable {
    case small, mixed, medium, large, huge

    func draw(_ random: inout Generator) -> UInt64 {
      switch self {
      case .small: UInt64.random(in: 16...1024, using: &random)
      case .medium: UInt64.random(in: 0...(200 << 10), using: &random)
      case .large: UInt64.random(in: (500 << 10)...(1100 << 10), using: &random)
      case .huge: UInt64.random(in: (1 << 20)...(9 << 20), using: &random)
      case .mixed:
        // A size of every order of magnitude up to 8 MiB, small ones more often.
        UInt64.random(
          in: 0...(1 << (UInt64.random(in: 0...4095, using: &random).leadingZeroBitCount - 51) * 2),
          using: &random)
      }
    }
  }

  /// Mallocs and frees that keep about `live` objects, with callocs, reallocs and aligned
  /// allocations among them; `waves` times everything is freed.
  static func random(
    operations: Int, live: Int, sizes: Sizes, waves: Int = 3, plain: Bool = false, seed: UInt64
  ) -> GeneratedSource {
    var random = Generator(state: seed)
    var liveSlots: [UInt32] = []
    var dead = Array((0..<UInt32(live)).reversed())
    var events: [Event] = []
    var untilWave = operations / waves
    while events.count < operations {
      let size = sizes.draw(&random)
      let site = UInt32.random(in: 0..<8, using: &random)
      untilWave -= 1
      if untilWave <= 0 {
        while let slot = liveSlots.popLast() {
          events.append(Event(kind: .free, slot: slot))
          dead.append(slot)
        }
        untilWave = operations / waves
      }
      let choice = Int.random(in: 0..<100, using: &random)
      if dead.isEmpty || (choice < 45 && !liveSlots.isEmpty) {
        let index = Int.random(in: liveSlots.indices, using: &random)
        if choice < 6 && !plain {
          events.append(Event(kind: .realloc, slot: liveSlots[index], size: size, site: site))
          continue
        }
        liveSlots.swapAt(index, liveSlots.count - 1)
        let slot = liveSlots.removeLast()
        dead.append(slot)
        events.append(Event(kind: .free, slot: slot))
        continue
      }
      let slot = dead.removeLast()
      liveSlots.append(slot)
      var event = Event(kind: .malloc, slot: slot, size: size, site: site)
      if !plain && choice > 90 {
        event.kind = .aligned
        event.alignmentLog2 = UInt8.random(in: choice > 98 ? 0...24 : 0...12, using: &random)
      } else if !plain && choice > 82 {
        event.kind = .calloc
      }
      events.append(event)
    }
    return GeneratedSource(events: events, slots: live)
  }

  /// The seeds' own fixed sizes: batches of 100 × 1 KiB, 100 × 16 KiB, 10 × 1 MiB; and ten blocks of
  /// 2 MiB.
  static func batches(rounds: Int) -> GeneratedSource {
    var events: [Event] = []
    for _ in 0..<rounds {
      for (count, size) in [(100, 1 << 10), (100, 16 << 10), (10, 1 << 20), (10, 2 << 20)] {
        for slot in 0..<count {
          events.append(Event(kind: .malloc, slot: UInt32(slot), size: UInt64(size)))
        }
        for slot in 0..<count { events.append(Event(kind: .free, slot: UInt32(slot))) }
      }
    }
    return GeneratedSource(events: events, slots: 100)
  }
}

/// The first place where a model and its counting build part, or nil.
func firstDifference(
  _ design: Design, _ source: some OperationSource, machine: MachineGeometry? = nil
) throws -> String? {
  let library = try VariantCompiler(installation: try Installation()).build(design, counting: true)
  let player = try Player(installation: try builtInstallation())
  let plan = try Plan.compile(source)
  var native: [[UInt64]] = []
  try player.count(plan, allocator: design.description, library: library) { window in
    native.append(Array(window.counts) + [window.addressHash])
  }
  var first: String?
  var windows = 0
  _ = try Simulation(design: design, machine: machine).run(
    source,
    onWindow: { window in
      windows += 1
      guard first == nil, window.index < native.count else { return }
      for step in Step.allCases where !step.isMachineStep {
        let model = window.counts[Int(step.rawValue)]
        let counted = native[window.index][Int(step.rawValue)]
        if model != counted {
          first = "window \(window.index), \(step.name): model \(model), native \(counted)"
          return
        }
      }
      if window.addressHash != native[window.index][Step.count] {
        first = "window \(window.index): addresses"
      }
    })
  if let found = first, let window = Int(found.split(separator: " ")[1].prefix { $0.isNumber }) {
    return try "\(found); \(firstOperation(design, source, plan, window, player, library))"
  }
  if windows != native.count { return "\(windows) windows modelled, \(native.count) counted" }
  return first
}

/// Where the player that was built with these tests lies.
func builtInstallation() throws -> Installation {
  var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
  repeat {
    folder.deleteLastPathComponent()
    let player = folder.appendingPathComponent("mallometer-player")
    if FileManager.default.fileExists(atPath: player.path) { break }
  } while folder.path != "/"
  return try Installation(executable: folder.appendingPathComponent("mallometer"))
}

/// The first operation of a window whose address or counts differ.
private func firstOperation(
  _ design: Design, _ source: some OperationSource, _ plan: Plan, _ window: Int, _ player: Player,
  _ library: URL
) throws -> String {
  let dumped = try player.dump(
    plan, window: window, allocator: design.description, library: library)
  var found = "no single operation differs"
  var before = [UInt64](repeating: 0, count: Step.count)
  _ = try Simulation(design: design).run(
    source,
    onOperation: { number, event, address, counts in
      defer { before = Array(counts) }
      guard found.hasPrefix("no "), let first = dumped.first,
        number >= first.number, number < first.number + UInt64(dumped.count)
      else { return }
      let native = dumped[Int(number - first.number)]
      if native.address != address {
        found = "operation \(number) \(event): \(native.address) native, \(address) modelled"
        return
      }
      for step in Step.allCases where !step.isMachineStep {
        let index = Int(step.rawValue)
        if counts[index] - before[index] != native.counts[index] {
          found = "operation \(number) \(event): \(step.name) \(native.counts[index]) native"
          return
        }
      }
    })
  return found
}
