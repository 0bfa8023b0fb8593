import Platform
import Traces

extension EventArraySource {
  /// How sizes are drawn.
  public enum Sizes: CaseIterable, Sendable {
    case small, mixed, medium, large, huge

    func draw(_ random: inout SeededGenerator) -> UInt64 {
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
  public static func keeping(
    operations: Int, live: Int, sizes: Sizes, waves: Int = 3, plain: Bool = false, seed: UInt64
  ) -> EventArraySource {
    var random = SeededGenerator(seed: seed)
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
    return EventArraySource(events: events, slots: live, siteAddresses: eightSites)
  }

  /// The seeds' own fixed sizes: batches of 100 × 1 KiB, 100 × 16 KiB, 10 × 1 MiB; and ten blocks of
  /// 2 MiB.
  public static func batches(rounds: Int) -> EventArraySource {
    var events: [Event] = []
    for _ in 0..<rounds {
      for (count, size) in [(100, 1 << 10), (100, 16 << 10), (10, 1 << 20), (10, 2 << 20)] {
        for slot in 0..<count {
          events.append(Event(kind: .malloc, slot: UInt32(slot), size: UInt64(size)))
        }
        for slot in 0..<count { events.append(Event(kind: .free, slot: UInt32(slot))) }
      }
    }
    return EventArraySource(events: events, slots: 100, siteAddresses: eightSites)
  }

  private static let eightSites: [UInt64] = (1...8).map { $0 << 32 | 0x40 }
}
