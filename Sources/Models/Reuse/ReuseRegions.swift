/// What is known of every live region: what the C source reads from headers, the model reads here.
///
/// Four bytes per region ever mapped, and a record per live one, recycled.
struct ReuseRegions {
  /// `arena` is a whole arena, `cut` a block of one.
  enum Kind: UInt8 { case segment, mapped, single, opaque, arena, cut }

  struct Record {
    var kind: Kind
    /// The bin of a single block.
    var bin: UInt8 = 0
    /// Of the aligned block that lies within, or 0.
    var alignmentLog2: UInt8 = 0
    /// The unit of its arena in which a block begins; 0 for what has a region to itself.
    var firstUnit: UInt16 = 0
    /// Whole bytes, header included.
    var bytes: UInt64
    var site: UInt64 = 0
    /// A segment's units of 64 KiB: bin, aligned flag, number of the run. An arena's: the record of
    /// the block that begins there.
    var units: UnsafeMutablePointer<UInt32>?
  }

  private let heap: ModelHeap
  private var recycled = RecycledRecords<Record>()
  private var numbers: UnsafeMutablePointer<UInt32>
  private var numberCapacity = 64

  init(heap: ModelHeap) {
    self.heap = heap
    numbers = heap.allocate(numberCapacity, of: 0)
  }

  @inline(__always)
  var records: UnsafeMutablePointer<Record> { recycled.records }

  /// A record without a region: an opaque block. Its number makes its address.
  mutating func add(_ record: Record) -> Int { recycled.add(record, heap) }

  mutating func add(_ record: Record, at region: Address) {
    let number = Int(AddressSpace.region(of: region))
    if number >= numberCapacity {
      numbers = heap.grow(
        numbers, from: numberCapacity, to: max(number + 1, numberCapacity * 2), of: 0)
      numberCapacity = max(number + 1, numberCapacity * 2)
    }
    numbers[number] = UInt32(add(record))
  }

  @inline(__always)
  func number(of address: Address) -> Int {
    address >= OpaqueBlocks.base
      ? Int((address - OpaqueBlocks.base) >> 6)
      : Int(numbers[Int(AddressSpace.region(of: address))])
  }

  /// The record of a block that isn't in a segment: of the region, or of the block in its arena.
  func blockNumber(of address: Address) -> Int {
    let number = number(of: address)
    guard records[number].kind == .arena, let units = records[number].units else { return number }
    return Int(units[ReuseBacking.unit(of: address)])
  }

  mutating func remove(_ number: Int) { recycled.remove(number, heap) }
}
