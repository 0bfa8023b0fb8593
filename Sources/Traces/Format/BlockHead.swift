/// The fixed part of a block: what is known of it without decoding its events.
struct BlockHead: Equatable {
  var events: UInt32 = 0
  var operations: UInt32 = 0
  /// Live objects after the last event.
  var liveObjects: UInt32 = 0
  /// Slots handed out since the start of the trace.
  var slots: UInt32 = 0
  /// Nanoseconds, multiples of the trace's resolution.
  var firstTime: UInt64 = 0
  var lastTime: UInt64 = 0
  /// Of the recorded process, at the last event; 0 when unknown.
  var minorFaults: UInt64 = 0
  var residentBytes: UInt64 = 0
  /// First-touched pages up to here as `PageEstimate` expects them under two touch policies.
  var firstLinePages: UInt64 = 0
  var perPagePages: UInt64 = 0
  /// Sites and modules defined before this block, and by it.
  var sitesBefore: UInt32 = 0
  var newSites: UInt32 = 0
  var modulesBefore: UInt32 = 0
  var newModules: UInt32 = 0
  /// Threads seen since the start of the trace.
  var threads: UInt32 = 0

  init() {}

  /// Reads a head from the first `TraceFormat.blockHeadBytes` bytes of a block's body.
  init(_ body: UnsafeRawBufferPointer) {
    func half(_ offset: Int) -> UInt32 {
      UInt32(littleEndian: body.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    func word(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: body.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    events = half(0)
    operations = half(4)
    liveObjects = half(8)
    slots = half(12)
    firstTime = word(16)
    lastTime = word(24)
    minorFaults = word(32)
    residentBytes = word(40)
    firstLinePages = word(48)
    perPagePages = word(56)
    sitesBefore = half(64)
    newSites = half(68)
    modulesBefore = half(72)
    newModules = half(76)
    threads = half(80)
  }

  /// Writes the head to the start of a block's body.
  func store(to body: UnsafeMutableRawBufferPointer) {
    func half(_ value: UInt32, _ offset: Int) {
      body.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
    }
    func word(_ value: UInt64, _ offset: Int) {
      body.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
    }
    half(events, 0)
    half(operations, 4)
    half(liveObjects, 8)
    half(slots, 12)
    word(firstTime, 16)
    word(lastTime, 24)
    word(minorFaults, 32)
    word(residentBytes, 40)
    word(firstLinePages, 48)
    word(perPagePages, 56)
    half(sitesBefore, 64)
    half(newSites, 68)
    half(modulesBefore, 72)
    half(newModules, 76)
    half(threads, 80)
    half(0, 84)
  }
}
