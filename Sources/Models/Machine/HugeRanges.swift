/// Where huge pages of 2 MiB serve: at most one range of whole ones in a region.
struct HugeRanges {
  /// log2 of the small pages in a huge one.
  static let shift: UInt64 = 9

  private var ranges: [UInt64: Range<UInt64>] = [:]

  var isEmpty: Bool { ranges.isEmpty }

  mutating func add(_ address: Address, bytes: UInt64) {
    ranges[address >> AddressSpace.offsetBits] = address >> 12..<(address + bytes) >> 12
  }

  /// Forgets the region's range where these bytes take it away.
  mutating func remove(_ address: Address, bytes: UInt64) {
    let region = address >> AddressSpace.offsetBits
    guard let range = ranges[region] else { return }
    let pages = address >> 12..<(address + AddressSpace.wholePages(bytes)) >> 12
    if pages.overlaps(range) { ranges[region] = nil }
  }

  func contains(page: UInt64) -> Bool {
    ranges[page >> (AddressSpace.offsetBits - 12)]?.contains(page) ?? false
  }
}
