import Platform
import Traces

/// One thread's operations, each recipe the same on every run with a seed.
extension EventArraySource {
  /// Random mallocs, reallocs and frees over so many slots.
  public static func random(
    operations: Int, slots: Int, sizes: ClosedRange<UInt64> = 1...4096, seed: UInt64
  ) -> EventArraySource {
    var generator = SeededGenerator(seed: seed)
    var live = [Bool](repeating: false, count: slots)
    let events = (0..<operations).map { _ in
      let slot = Int.random(in: 0..<slots, using: &generator)
      let size = UInt64.random(in: sizes, using: &generator)
      let choice = Int.random(in: 0..<8, using: &generator)
      defer { live[slot] = !live[slot] || choice == 0 }
      if !live[slot] {
        let kind: EventKind = choice == 1 ? .calloc : (choice == 2 ? .aligned : .malloc)
        return Event(
          kind: kind, alignmentLog2: kind == .aligned ? 6 : 0, slot: UInt32(slot), size: size)
      }
      return choice == 0
        ? Event(kind: .realloc, slot: UInt32(slot), size: size)
        : Event(kind: .free, slot: UInt32(slot))
    }
    return EventArraySource(
      events: events, slots: slots, siteAddresses: [1 << 32], touch: .firstLine)
  }

  /// Seeded mallocs and frees, some callocs, reallocs and aligned allocations.
  public static func mixed(
    operations: Int, slots: Int, seed: UInt64, sizes: ClosedRange<UInt64> = 1...1024,
    mallocsOnly: Bool = false
  ) -> EventArraySource {
    var random = SeededGenerator(seed: seed)
    var live: [UInt32] = []
    var dead = Array((0..<UInt32(slots)).reversed())
    var events: [Event] = []
    for _ in 0..<operations {
      let choice = Int.random(in: 0..<10, using: &random)
      let size = UInt64.random(in: sizes, using: &random)
      let site = UInt32.random(in: 0..<2, using: &random)
      if dead.isEmpty || (choice < 5 && !live.isEmpty) {
        let index = Int.random(in: live.indices, using: &random)
        if choice == 0 && !mallocsOnly {
          events.append(Event(kind: .realloc, slot: live[index], size: size, site: site))
        } else {
          live.swapAt(index, live.count - 1)
          let slot = live.removeLast()
          dead.append(slot)
          events.append(Event(kind: .free, slot: slot))
        }
      } else {
        let slot = dead.removeLast()
        live.append(slot)
        let kind: EventKind =
          mallocsOnly ? .malloc : choice == 8 ? .calloc : choice == 9 ? .aligned : .malloc
        events.append(
          Event(
            kind: kind, alignmentLog2: kind == .aligned ? 6 : 0, slot: slot, size: size, site: site
          ))
      }
    }
    return EventArraySource(events: events, slots: slots)
  }

  /// Small and large blocks, zeroed, aligned to up to 2 MiB, moved, of many sites.
  public static func blocks(operations: Int, slots: Int, sites: UInt32, seed: UInt64)
    -> EventArraySource
  {
    var random = SeededGenerator(seed: seed)
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
    return EventArraySource(
      events: events, slots: slots,
      siteAddresses: (0..<UInt64(sites)).map { 1 << 32 + $0 * 0x1234 })
  }

  /// Calls of every kind over forty call sites: mostly small sizes, some large.
  public static func calls(
    seed: UInt64, slots: Int, largest: UInt64, operations: Int = 60_000
  ) -> EventArraySource {
    var generator = SeededGenerator(seed: seed)
    var live = [Bool](repeating: false, count: slots)
    var events: [Event] = []
    for _ in 0..<operations {
      let slot = Int.random(in: 0..<slots, using: &generator)
      let scale = UInt64.random(in: 0..<8, using: &generator) == 0 ? largest : min(largest, 512)
      let size = UInt64.random(in: 0...scale, using: &generator)
      let site = UInt32.random(in: 0..<40, using: &generator)
      let choice = UInt64.random(in: 0..<16, using: &generator)
      if live[slot] && choice > 1 {
        events.append(Event(kind: .free, slot: UInt32(slot)))
        live[slot] = false
        continue
      }
      let kind: EventKind =
        live[slot] ? .realloc : (choice == 2 ? .calloc : (choice == 3 ? .aligned : .malloc))
      let alignment = UInt8.random(in: 4...13, using: &generator)
      events.append(
        Event(
          kind: kind, alignmentLog2: kind == .aligned ? alignment : 0, slot: UInt32(slot),
          size: kind == .realloc ? max(size, 1) : size, site: site))
      live[slot] = true
    }
    return EventArraySource(
      events: events, slots: slots, siteAddresses: fortySites, touch: .firstLine)
  }

  static let fortySites = (0..<40).map { UInt64(1 << 32) | (0x1000 &+ $0 &* 0x9_E37) }
}
