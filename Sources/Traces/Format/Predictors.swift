import Glibc

/// What writer and reader both expect of the next event: per context the last three values, most
/// recent first. A value's code is its place, or `Ranked.explicit` with the value in its columns.
struct Ranked {
  static let explicit: UInt8 = 3

  var first: UInt32 = 0
  var second: UInt32 = 0
  var third: UInt32 = 0
  var reserved: UInt32 = 0
}

extension UnsafeMutablePointer<Ranked> {
  /// The value's code, with the value moved to the front.
  @inline(__always) func code(of value: UInt32) -> UInt8 {
    if pointee.first == value { return 0 }
    if pointee.second == value {
      pointee.second = pointee.first
      pointee.first = value
      return 1
    }
    let code: UInt8 = pointee.third == value ? 2 : Ranked.explicit
    insert(value)
    return code
  }

  /// The value of a code other than `Ranked.explicit`, moved to the front.
  @inline(__always) func value(of code: UInt8) -> UInt32 {
    let value: UInt32
    if code == 0 { return pointee.first }
    if code == 1 {
      value = pointee.second
      pointee.second = pointee.first
      pointee.first = value
      return value
    }
    value = pointee.third
    insert(value)
    return value
  }

  @inline(__always) func insert(_ value: UInt32) {
    pointee.third = pointee.second
    pointee.second = pointee.first
    pointee.first = value
  }
}

/// The contexts of a file's events; they go on from block to block.
struct Predictors {
  /// What one thread did last.
  struct Thread {
    /// Its last two sites.
    var site: UInt32 = 0
    var siteBefore: UInt32 = 0
    /// Nodes beside the object it freed last, in order of birth.
    var after: UInt32 = 0
    var before: UInt32 = 0
    /// Node it reallocated last.
    var reallocated: UInt32 = 0
    var reserved: UInt32 = 0
  }

  static let siteBits: UInt32 = 14
  static let sizeBits: UInt32 = 14
  static let freeSiteBits: UInt32 = 12

  /// By the thread's last two sites: the next site.
  let sites: UnsafeMutablePointer<Ranked>
  /// By the site and the site before: the size.
  let sizes: UnsafeMutablePointer<Ranked>
  /// By the site that allocated an object: the site that frees it.
  let freeSites: UnsafeMutablePointer<Ranked>
  private(set) var threads: UnsafeMutablePointer<Thread>
  private(set) var threadCapacity: Int

  /// Released by `deallocate`.
  static func allocate() -> Predictors {
    func table(_ bits: UInt32) -> UnsafeMutablePointer<Ranked> {
      zeroedMemory(MemoryLayout<Ranked>.stride << Int(bits)).assumingMemoryBound(to: Ranked.self)
    }
    let threads = UnsafeMutablePointer<Thread>.allocate(capacity: 16)
    threads.initialize(repeating: Thread(), count: 16)
    return Predictors(
      sites: table(siteBits), sizes: table(sizeBits), freeSites: table(freeSiteBits),
      threads: threads, threadCapacity: 16)
  }

  func deallocate() {
    free(sites)
    free(sizes)
    free(freeSites)
    threads.deallocate()
  }

  /// Makes room for thread numbers below `count`: at most 65536 of them, 24 bytes each.
  mutating func reserve(threads count: UInt32) {
    guard Int(count) > threadCapacity else { return }
    var capacity = threadCapacity
    while Int(count) > capacity { capacity *= 2 }
    let larger = UnsafeMutablePointer<Thread>.allocate(capacity: capacity)
    larger.moveInitialize(from: threads, count: threadCapacity)
    (larger + threadCapacity).initialize(repeating: Thread(), count: capacity - threadCapacity)
    threads.deallocate()
    threads = larger
    threadCapacity = capacity
  }

  @inline(__always) static func mix(_ value: UInt32, _ other: UInt32, _ bits: UInt32) -> Int {
    Int((value &* 0x9E37_79B1 ^ other &* 0x85EB_CA77) >> (32 - bits))
  }

  @inline(__always) func site(after thread: UnsafeMutablePointer<Thread>)
    -> UnsafeMutablePointer<Ranked>
  {
    sites + Predictors.mix(thread.pointee.site, thread.pointee.siteBefore, Predictors.siteBits)
  }

  @inline(__always) func size(site: UInt32, before: UInt32) -> UnsafeMutablePointer<Ranked> {
    sizes + Predictors.mix(site, before, Predictors.sizeBits)
  }

  @inline(__always) func freeSite(allocatedAt site: UInt32) -> UnsafeMutablePointer<Ranked> {
    freeSites + Predictors.mix(site, 0, Predictors.freeSiteBits)
  }
}
