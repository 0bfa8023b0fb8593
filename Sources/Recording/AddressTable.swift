import CPlatform

/// Live blocks by address: which slot each has.
///
/// Open addressing with linear probing and backward-shift deletion, so that there are no tombstones
/// and a lookup of what isn't there ends soon. 16 bytes per place, at most half of them full. A
/// lookup costs one cache miss on a large heap; a Swift Dictionary cost 70–80 ns.
struct AddressTable: ~Copyable {
  private struct Place {
    /// 0: empty. No block lies at address 0.
    var address: UInt64
    var slot: UInt32
    var unused: UInt32 = 0
  }

  private var places: UnsafeMutablePointer<Place>
  private var mask: UInt64
  private(set) var count = 0

  init(capacity: Int = 4096) {
    let size = max(16, capacity).nextPowerOfTwo
    places = .allocate(capacity: size)
    places.initialize(repeating: Place(address: 0, slot: 0), count: size)
    mask = UInt64(size - 1)
  }

  deinit { places.deallocate() }

  @inline(__always) private func home(_ address: UInt64) -> UInt64 {
    // Blocks are 16-byte aligned: the upper bits of the product spread them.
    let product = (address >> 4) &* 0x9E37_79B9_7F4A_7C15
    return (product >> 24) & mask
  }

  /// The slot of the block at `address`, or nil.
  @inline(__always) func slot(at address: UInt64) -> UInt32? {
    var index = home(address)
    while true {
      let place = places[Int(truncatingIfNeeded: index)]
      if place.address == address { return place.slot }
      if place.address == 0 { return nil }
      index = (index &+ 1) & mask
    }
  }

  /// Fetches the place where a lookup of `address` will begin.
  @inline(__always) func prefetch(_ address: UInt64) {
    mallometer_prefetch(places + Int(truncatingIfNeeded: home(address)))
  }

  /// Puts a block in and returns nil, or the slot of the one that is there already.
  @inline(__always) mutating func insertUnlessPresent(_ address: UInt64, slot: UInt32) -> UInt32? {
    if UInt64(count) &* 2 > mask { grow() }
    var index = home(address)
    while true {
      let place = places[Int(truncatingIfNeeded: index)]
      if place.address == 0 { break }
      if place.address == address { return place.slot }
      index = (index &+ 1) & mask
    }
    places[Int(truncatingIfNeeded: index)] = Place(address: address, slot: slot)
    count &+= 1
    return nil
  }

  /// Puts in a block whose address isn't in the table.
  @inline(__always) mutating func insert(_ address: UInt64, slot: UInt32) {
    if UInt64(count) &* 2 > mask { grow() }
    var index = home(address)
    while places[Int(truncatingIfNeeded: index)].address != 0 { index = (index &+ 1) & mask }
    places[Int(truncatingIfNeeded: index)] = Place(address: address, slot: slot)
    count &+= 1
  }

  /// Takes a block out and returns its slot, or nil if it isn't there.
  @inline(__always) mutating func remove(_ address: UInt64) -> UInt32? {
    var index = home(address)
    while true {
      let place = places[Int(truncatingIfNeeded: index)]
      if place.address == address { break }
      if place.address == 0 { return nil }
      index = (index &+ 1) & mask
    }
    let slot = places[Int(truncatingIfNeeded: index)].slot
    var next = (index &+ 1) & mask
    while true {
      let place = places[Int(truncatingIfNeeded: next)]
      if place.address == 0 { break }
      // A place may move back if its home isn't between the hole and itself.
      if (next &- home(place.address)) & mask >= (next &- index) & mask {
        places[Int(truncatingIfNeeded: index)] = place
        index = next
      }
      next = (next &+ 1) & mask
    }
    places[Int(truncatingIfNeeded: index)].address = 0
    count &-= 1
    return slot
  }

  private mutating func grow() {
    let old = places
    let oldSize = Int(mask) + 1
    let size = oldSize * 2
    places = .allocate(capacity: size)
    places.initialize(repeating: Place(address: 0, slot: 0), count: size)
    mask = UInt64(size - 1)
    count = 0
    for index in 0..<oldSize where old[index].address != 0 {
      insert(old[index].address, slot: old[index].slot)
    }
    old.deallocate()
  }
}

extension Int {
  /// The least power of two that isn't less.
  var nextPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
