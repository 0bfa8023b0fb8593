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
    /// Whole bytes, header included; while the record is free, the next free one.
    var bytes: UInt64
    var site: UInt64 = 0
    /// A segment's units of 64 KiB: bin, aligned flag, number of the run. An arena's: the record of
    /// the block that begins there.
    var units: UnsafeMutablePointer<UInt32>?
  }

  private let heap: ModelHeap
  private(set) var records: UnsafeMutablePointer<Record>
  private var recordCount = 0
  private var recordCapacity = 64
  private var freeRecord = -1
  private var numbers: UnsafeMutablePointer<UInt32>
  private var numberCapacity = 64

  init(heap: ModelHeap) {
    self.heap = heap
    records = heap.allocate(recordCapacity, of: Record(kind: .segment, bytes: 0))
    numbers = heap.allocate(numberCapacity, of: 0)
  }

  /// A record without a region: an opaque block. Its number makes its address.
  mutating func add(_ record: Record) -> Int {
    if freeRecord >= 0 {
      let number = freeRecord
      freeRecord = Int(bitPattern: UInt(records[number].bytes))
      records[number] = record
      return number
    }
    if recordCount == recordCapacity {
      records = heap.grow(records, from: recordCount, to: recordCapacity * 2, of: record)
      recordCapacity *= 2
    }
    records[recordCount] = record
    recordCount += 1
    return recordCount - 1
  }

  mutating func add(_ record: Record, at region: Address) {
    let number = Int(region >> 40)
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
      ? Int((address - OpaqueBlocks.base) >> 6) : Int(numbers[Int(address >> 40)])
  }

  /// The record of a block that isn't in a segment: of the region, or of the block in its arena.
  func blockNumber(of address: Address) -> Int {
    let number = number(of: address)
    guard records[number].kind == .arena, let units = records[number].units else { return number }
    return Int(units[Int(address & 0xFF_FFFF_FFFF) / Int(ReuseBacking.run)])
  }

  mutating func remove(_ number: Int) {
    records[number].bytes = UInt64(UInt(bitPattern: freeRecord))
    freeRecord = number
  }
}
