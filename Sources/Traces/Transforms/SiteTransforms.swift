/// `drop`: the objects are never asked for.
struct DropTransform: SiteTransform {
  mutating func birth(_ event: Event, _ output: inout TransformOutput) {}
  mutating func resize(_ object: inout Void, _ event: Event, _ output: inout TransformOutput) {}
  mutating func death(_ object: Void, _ event: Event, _ output: inout TransformOutput) {}
}

/// `preallocate`: one allocation of the most that the object ever needs.
struct PreallocateTransform: SiteTransform {
  /// By the number of the birth.
  let most: [UInt64]
  private var births = 0

  init(most: [UInt64]) { self.most = most }

  mutating func birth(_ event: Event, _ output: inout TransformOutput) throws(TraceError) -> UInt32
  {
    births += 1
    return try output.allocate(event, size: most[births - 1])
  }

  mutating func resize(_ object: inout UInt32, _ event: Event, _ output: inout TransformOutput) {}

  mutating func death(_ object: UInt32, _ event: Event, _ output: inout TransformOutput)
    throws(TraceError)
  {
    try output.free(object, thread: event.thread, site: event.site)
  }
}

/// `reuse-buffer`: freed blocks wait for the site's next objects.
struct ReuseBufferTransform: SiteTransform {
  struct Buffer {
    let slot: UInt32
    var capacity: UInt64
    let alignmentLog2: UInt8
  }

  let keep: Int
  /// By thread, the newest last.
  private var kept: [UInt16: [Buffer]] = [:]

  init(keep: Int) { self.keep = keep }

  mutating func birth(_ event: Event, _ output: inout TransformOutput) throws(TraceError) -> Buffer
  {
    let waiting = kept[event.thread] ?? []
    let fit = waiting.lastIndex {
      $0.capacity >= event.size && $0.alignmentLog2 >= event.alignmentLog2
    }
    if let fit { return kept[event.thread]?.remove(at: fit) ?? waiting[fit] }
    // What was aligned by more than malloc does may lose that when it is reallocated.
    if event.alignmentLog2 == 0, var newest = waiting.last, newest.alignmentLog2 == 0 {
      kept[event.thread]?.removeLast()
      try output.reallocate(newest.slot, event, size: event.size)
      newest.capacity = event.size
      return newest
    }
    return Buffer(
      slot: try output.allocate(event, size: event.size), capacity: event.size,
      alignmentLog2: event.alignmentLog2)
  }

  mutating func resize(_ object: inout Buffer, _ event: Event, _ output: inout TransformOutput)
    throws(TraceError)
  {
    guard event.size > object.capacity else { return }
    try output.reallocate(object.slot, event, size: event.size)
    object.capacity = event.size
  }

  mutating func death(_ object: Buffer, _ event: Event, _ output: inout TransformOutput)
    throws(TraceError)
  {
    if kept[event.thread, default: []].count < keep {
      kept[event.thread, default: []].append(object)
    } else {
      try output.free(object.slot, thread: event.thread, site: event.site)
    }
  }

  mutating func end(thread: UInt16, _ output: inout TransformOutput) throws(TraceError) {
    for buffer in kept.removeValue(forKey: thread) ?? [] {
      try output.free(buffer.slot, thread: thread)
    }
  }
}

/// `arena`: objects are cut from chunks, which are what is allocated.
struct ArenaTransform: SiteTransform {
  struct Chunk {
    let slot: UInt32
    var used: UInt64 = 0
    var objects = 0
  }

  struct Object {
    /// Number of its chunk; nil for one too large or aligned too widely for any, which has a block
    /// of its own.
    var chunk: Int?
    var slot: UInt32
    var start: UInt64
    var size: UInt64
  }

  /// Of every object in a chunk, as malloc's.
  static let alignment: UInt64 = 16

  let chunkBytes: UInt64
  private var chunks: [Chunk] = []
  private var freeNumbers: [Int] = []
  /// By thread: the chunk that its objects are cut from.
  private var current: [UInt16: Int] = [:]

  init(chunkBytes: UInt64) { self.chunkBytes = chunkBytes }

  mutating func birth(_ event: Event, _ output: inout TransformOutput) throws(TraceError) -> Object
  {
    guard event.size <= chunkBytes, event.alignment <= Self.alignment else {
      return Object(
        chunk: nil, slot: try output.allocate(event, size: event.size), start: 0, size: event.size)
    }
    if let number = current[event.thread] {
      let start = (chunks[number].used + Self.alignment - 1) & ~(Self.alignment - 1)
      if start + event.size <= chunkBytes { return cut(number, start, event.size) }
      current[event.thread] = nil
      try releaseIfEmpty(number, thread: event.thread, &output)
    }
    var request = event
    request.kind = .malloc
    let chunk = Chunk(slot: try output.allocate(request, size: chunkBytes))
    let number = freeNumbers.popLast() ?? chunks.count
    if number < chunks.count { chunks[number] = chunk } else { chunks.append(chunk) }
    current[event.thread] = number
    return cut(number, 0, event.size)
  }

  private mutating func cut(_ number: Int, _ start: UInt64, _ size: UInt64) -> Object {
    // An object of no bytes still has an address of its own.
    chunks[number].used = start + max(size, 1)
    chunks[number].objects += 1
    return Object(chunk: number, slot: chunks[number].slot, start: start, size: size)
  }

  mutating func resize(_ object: inout Object, _ event: Event, _ output: inout TransformOutput)
    throws(TraceError)
  {
    guard let number = object.chunk else {
      try output.reallocate(object.slot, event, size: event.size)
      object.size = event.size
      return
    }
    guard event.size > object.size else { return }
    let isLast = chunks[number].used == object.start + max(object.size, 1)
    if isLast, object.start + event.size <= chunkBytes {
      chunks[number].used = object.start + max(event.size, 1)
      object.size = event.size
      return
    }
    var request = event
    request.kind = .malloc
    let moved = try birth(request, &output)
    try death(object, event, &output)
    object = moved
  }

  mutating func death(_ object: Object, _ event: Event, _ output: inout TransformOutput)
    throws(TraceError)
  {
    guard let number = object.chunk else {
      return try output.free(object.slot, thread: event.thread, site: event.site)
    }
    chunks[number].objects -= 1
    try releaseIfEmpty(number, thread: event.thread, &output)
  }

  /// Starts a chunk anew that is still cut from; any other is freed.
  private mutating func releaseIfEmpty(
    _ number: Int, thread: UInt16, _ output: inout TransformOutput
  ) throws(TraceError) {
    guard chunks[number].objects == 0 else { return }
    if current.values.contains(number) {
      chunks[number].used = 0
    } else {
      try output.free(chunks[number].slot, thread: thread)
      freeNumbers.append(number)
    }
  }

  mutating func end(thread: UInt16, _ output: inout TransformOutput) throws(TraceError) {
    guard let number = current.removeValue(forKey: thread) else { return }
    try releaseIfEmpty(number, thread: thread, &output)
  }
}
