import Designs

extension ReuseModel {
  /// What the headers before an address say.
  struct Located {
    /// The block proper: where its caller's bytes start if it isn't aligned.
    var payload: Address
    /// Usable bytes of the block proper.
    var actual: UInt64
    var bin: Int
    /// The region's record where the block has it to itself, else -1.
    var number: Int
    /// Of the aligned block within, or 0.
    var alignmentLog2: UInt8
  }

  @inline(__always)
  static func isCacheable(_ bytes: UInt64) -> Bool {
    bytes &- ReuseLayout.cacheMinimum < ReuseLayout.cacheMaximum - ReuseLayout.cacheMinimum
  }

  /// Finds the block of an address and counts the reading of its headers.
  @inline(__always)
  func readHeader(_ address: Address) -> Located {
    let number = regions.number(of: address)
    let record = regions.records + number
    let block: Located
    if record.pointee.kind == .segment, let units = record.pointee.units {
      let unit = units[ReuseBacking.unit(of: address)]
      let bin = Int(unit & 0xFF)
      var payload = address
      var alignment: UInt8 = 0
      if unit & ReuseBacking.alignedFlag != 0 {
        let found = backing.blockStart(address, unit: unit)
        payload = found.start + options.headerBytes
        alignment = found.alignment
      }
      block = Located(
        payload: payload, actual: backing.bins[bin].bytes - options.headerBytes, bin: bin,
        number: -1, alignmentLog2: alignment)
    } else {
      block = locateAlone(address)
    }
    counts.count(.headerRead)
    checkMagic()
    if Memory.observesTouches { touchHeader(address, isWrite: options.checksMagic) }
    if block.alignmentLog2 != 0 {
      counts.count(.headerRead)
      checkMagic()
      if Memory.observesTouches { touchHeader(block.payload, isWrite: false) }
    }
    return block
  }

  /// A block that isn't in a segment.
  private func locateAlone(_ address: Address) -> Located {
    let number = regions.blockNumber(of: address)
    let record = regions.records + number
    let start =
      address - AddressSpace.offset(of: address)
      + UInt64(record.pointee.firstUnit) * ReuseBacking.run
    return Located(
      payload: record.pointee.kind == .opaque ? address : start + options.headerBytes,
      actual: record.pointee.bytes - options.headerBytes, bin: Int(record.pointee.bin),
      number: number, alignmentLog2: record.pointee.alignmentLog2)
  }

  @inline(__always)
  mutating func writeHeader(_ payload: Address, actual: UInt64, site: UInt64) {
    counts.count(.headerWrite)
    if options.headerBytes == 32 && (options.siteFieldsAlways || Self.isCacheable(actual)) {
      counts.count(.siteFieldsWrite)
    }
    if Self.isCacheable(actual) { regions.records[regions.blockNumber(of: payload)].site = site }
    if Memory.observesTouches { touchHeader(payload, isWrite: true) }
  }

  @inline(__always)
  func checkMagic() {
    if options.checksMagic { counts.count(.magicCheck) }
  }

  @inline(__always)
  func markMagic() {
    if options.checksMagic { counts.count(.magicMark) }
  }

  /// One line, or two where a header of 32 bytes lies across both.
  func touchHeader(_ payload: Address, isWrite: Bool) {
    if payload >= OpaqueBlocks.base { return }
    memory.touch(payload - options.headerBytes, isWrite: isWrite)
    if (payload - options.headerBytes) & 63 > 64 - options.headerBytes {
      memory.touch(payload - 8, isWrite: isWrite)
    }
  }
}
