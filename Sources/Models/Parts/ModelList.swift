/// Values in a row that grows, in memory that a `ModelHeap` owns.
///
/// An intrusive list that is used last in, first out, is a stack: models keep a design's free
/// lists as one of these, and report the touches of the links.
struct ModelList<Element> {
  private var elements: UnsafeMutablePointer<Element>?
  private(set) var count = 0
  private var capacity = 0

  /// Room for the first elements that are appended.
  private static var firstCapacity: Int { 64 }

  /// The first element; there must be one, or have been one.
  @inline(__always)
  var first: UnsafeMutablePointer<Element> { elements.unsafelyUnwrapped }

  /// - Complexity: O(1) amortised; elements move, and pointers to them are dead.
  @inline(__always)
  mutating func append(_ element: Element, _ heap: ModelHeap) {
    if count == capacity { grow(heap) }
    (first + count).initialize(to: element)
    count &+= 1
  }

  /// The element that was appended last; there must be one.
  @inline(__always)
  mutating func removeLast() -> Element {
    count &-= 1
    return (first + count).move()
  }

  @inline(never)
  private mutating func grow(_ heap: ModelHeap) {
    let larger = max(Self.firstCapacity, 2 * capacity)
    elements = elements.map { heap.move($0, from: count, to: larger) } ?? heap.reserve(larger)
    capacity = larger
  }
}

/// Records known by their numbers, which are used again: the one that was freed last first.
struct RecycledRecords<Record> {
  private var list = ModelList<Record>()
  private var free = ModelList<Int>()

  /// Record 0.
  @inline(__always)
  var records: UnsafeMutablePointer<Record> { list.first }

  /// - Returns: the record's number.
  mutating func add(_ record: Record, _ heap: ModelHeap) -> Int {
    if free.count > 0 {
      let number = free.removeLast()
      records[number] = record
      return number
    }
    list.append(record, heap)
    return list.count - 1
  }

  /// Frees a number.
  mutating func remove(_ number: Int, _ heap: ModelHeap) { free.append(number, heap) }
}
