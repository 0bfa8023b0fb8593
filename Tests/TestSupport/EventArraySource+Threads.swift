import Platform
import Traces

extension EventArraySource {
  /// Calls of every kind on threads that end and are followed by others; objects are freed and
  /// reallocated by any thread.
  /// - Parameters:
  ///   - concurrent: how many threads live at a time.
  ///   - endsThreads: whether a thread's place is taken by another after some hundreds of calls.
  public static func threaded(
    seed: UInt64, concurrent: Int, slots: Int, largest: UInt64, operations: Int = 60_000,
    endsThreads: Bool = true
  ) -> EventArraySource {
    var generator = SeededGenerator(seed: seed)
    var live = [Bool](repeating: false, count: slots)
    var events: [Event] = []
    var running = (0..<concurrent).map { UInt16($0) }
    var nextThread = UInt16(concurrent)
    for number in 0..<operations {
      let lane = Int(generator.below(64)) % concurrent
      if number % 500 == 499 {
        if endsThreads {
          events.append(Event(kind: .threadEnd, thread: running[lane], slot: 0))
          running[lane] = nextThread
        }
        nextThread += 1
      }
      let slot = Int(generator.below(UInt64(slots)))
      let scale = generator.below(8) == 0 ? largest : min(largest, 512)
      let size = generator.below(scale + 1)
      let site = UInt32(generator.below(40))
      let choice = generator.below(16)
      let alignment = UInt8(4 + generator.below(10))
      var event = Event(
        kind: .malloc, thread: running[lane], slot: UInt32(slot), size: size, site: site)
      if live[slot] && choice > 1 {
        event.kind = .free
        event.size = 0
      } else if live[slot] {
        event.kind = .realloc
        event.size = max(size, 1)
      } else if choice == 2 {
        event.kind = .calloc
      } else if choice == 3 {
        event.kind = .aligned
        event.alignmentLog2 = alignment
      }
      events.append(event)
      live[slot] = event.kind != .free
    }
    return EventArraySource(
      events: events, slots: slots, threads: concurrent + operations / 500 + 1,
      siteAddresses: fortySites, touch: .firstLine)
  }
}
