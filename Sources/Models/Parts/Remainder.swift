/// What is left to cut from: of a run its blocks, of a segment its runs, of an arena its blocks.
struct Remainder {
  private(set) var next: Address = 0
  private var end: Address = 0

  /// Nothing.
  init() {}

  init(_ start: Address, bytes: UInt64) {
    next = start
    end = start + bytes
  }

  @inline(__always)
  func holds(_ bytes: UInt64) -> Bool { end &- next >= bytes }

  /// Cuts the first bytes off, which it must hold.
  @inline(__always)
  mutating func cut(_ bytes: UInt64) -> Address {
    defer { next &+= bytes }
    return next
  }
}
