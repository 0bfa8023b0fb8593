/// Which slot of a sequenced plan an object has, and which thread used it last.
///
/// A thread takes its slots from those that it emptied itself, so that reuse needs no waiting. A
/// thread that only allocates takes over the oldest of the thread that has most, once the table is
/// twice as large as the live objects need.
struct SlotOwners {
  /// Where an object lies.
  struct Place {
    var slot: UInt32 = 0
    /// The thread that used it last.
    var thread: UInt16 = 0
  }

  /// Slots that went from one thread to another, which must wait for the first's turn.
  struct Takeover {
    /// One of them, which stands for all.
    let slot: UInt32
    let from: Int
  }

  /// Slots are handed out so many at once, always from a multiple of it: a cache line, and those
  /// that a processor fetches along with it, then belong to one thread.
  private static let batch = 64
  /// Slots that are taken over at once at most.
  private static let takeoverLimit = 512
  /// The table grows to this much without regard to how many objects are live.
  private static let freeGrowth = 4096

  private var places: [Place]
  private var pools: [Pool]
  private var turns: [UInt32] = []
  private var live = 0

  /// Slots that nobody ever gets again, from batches of their own.
  private var gates: Range<UInt32> = 0..<0

  /// Empty slots of one thread: reused last in, first out, taken over from the other end.
  private struct Pool {
    var slots: [UInt32] = []
    /// Those before it were taken over.
    var first = 0

    var count: Int { slots.count - first }

    mutating func takeOldest(_ count: Int) -> ArraySlice<UInt32> {
      let taken = slots[first..<(first + count)]
      first += count
      if first > slots.count / 2 {
        slots.removeFirst(first)
        first = 0
      }
      return taken
    }
  }

  /// - Parameter slots: of the trace.
  init(slots: Int, threads: Int) {
    places = Array(repeating: Place(), count: slots)
    pools = Array(repeating: Pool(), count: threads)
  }

  /// Slots handed out so far.
  var count: Int { turns.count }

  /// Where the live object in a slot of the trace lies.
  func place(of traceSlot: UInt32) -> Place { places[Int(traceSlot)] }

  func turn(of slot: UInt32) -> UInt32 { turns[Int(slot)] }

  /// Notes an allocation into a slot, or a turn passed on.
  mutating func advance(_ slot: UInt32) { turns[Int(slot)] &+= 1 }

  mutating func use(_ traceSlot: UInt32, by thread: Int) {
    places[Int(traceSlot)].thread = UInt16(thread)
  }

  /// Gives a new object an empty slot.
  mutating func insert(_ traceSlot: UInt32, by thread: Int) -> (slot: UInt32, Takeover?) {
    let (slot, takeover) = takeEmpty(thread)
    places[Int(traceSlot)] = Place(slot: slot, thread: UInt16(thread))
    live += 1
    return (slot, takeover)
  }

  mutating func remove(_ traceSlot: UInt32, by thread: Int) {
    pools[thread].slots.append(places[Int(traceSlot)].slot)
    live -= 1
  }

  /// A slot that nobody ever gets again.
  mutating func insertGate() -> UInt32 {
    if gates.isEmpty { gates = insertBatch() }
    return gates.removeFirst()
  }

  private mutating func insertBatch() -> Range<UInt32> {
    let first = UInt32(turns.count)
    turns.append(contentsOf: repeatElement(0, count: Self.batch))
    return first..<(first + UInt32(Self.batch))
  }

  private mutating func takeEmpty(_ thread: Int) -> (UInt32, Takeover?) {
    var takeover: Takeover?
    if pools[thread].count == 0 {
      if turns.count >= 2 * live + Self.freeGrowth { takeover = takeOver(for: thread) }
      if takeover == nil {
        pools[thread].slots.append(contentsOf: insertBatch().reversed())
      }
    }
    return (pools[thread].slots.removeLast(), takeover)
  }

  private mutating func takeOver(for thread: Int) -> Takeover? {
    guard let from = pools.indices.max(by: { pools[$0].count < pools[$1].count }) else {
      return nil
    }
    let count = min((pools[from].count + 1) / 2, Self.takeoverLimit)
    guard from != thread, count > 0 else { return nil }
    let taken = pools[from].takeOldest(count)
    pools[thread].slots.append(contentsOf: taken)
    return taken.first.map { Takeover(slot: $0, from: from) }
  }
}
