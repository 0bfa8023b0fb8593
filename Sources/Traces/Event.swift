/// What a recorded call was.
public enum EventKind: UInt8, Sendable, CaseIterable {
  case malloc = 0
  case calloc = 1
  /// One event: the object keeps its slot. On a slot that isn't live it is `realloc(NULL, size)`.
  case realloc = 2
  /// memalign, posix_memalign, aligned_alloc, valloc, pvalloc: `Event.alignment` tells which bound.
  case aligned = 3
  case free = 4
  /// A free of an address the recorder never saw allocated. Kept and counted, never replayed.
  case foreignFree = 5
  /// Stands for a free that the recorder missed: an allocation was returned on a live address.
  case impliedFree = 6
  case threadStart = 7
  case threadEnd = 8

  /// Whether the object's life begins (or goes on, for realloc) with this event.
  @inlinable public var allocates: Bool { rawValue <= EventKind.aligned.rawValue }

  /// Whether the object's life ends with this event.
  @inlinable public var frees: Bool { self == .free || self == .impliedFree }
}

/// One recorded call: 32 bytes, trivially copyable, so that blocks of events are plain memory.
public struct Event: Equatable, Sendable {
  public var kind: EventKind
  /// Base-2 logarithm of the alignment for `aligned`, else 0.
  public var alignmentLog2: UInt8
  /// Dense thread number, 0 for the first thread.
  public var thread: UInt16
  /// Dense object number, recycled after the free: below `TraceSummary.slots`, never an address.
  public var slot: UInt32
  /// Requested bytes (count × size for calloc); 0 for frees and thread events.
  public var size: UInt64
  /// Nanoseconds since the start of the recording.
  public var time: UInt64
  /// Index into the trace's site table.
  public var site: UInt32

  @inlinable public init(
    kind: EventKind, alignmentLog2: UInt8 = 0, thread: UInt16 = 0, slot: UInt32,
    size: UInt64 = 0, time: UInt64 = 0, site: UInt32 = 0
  ) {
    self.kind = kind
    self.alignmentLog2 = alignmentLog2
    self.thread = thread
    self.slot = slot
    self.size = size
    self.time = time
    self.site = site
  }

  /// Alignment in bytes that was asked for, or 0 for malloc's own guarantee.
  @inlinable public var alignment: UInt64 { alignmentLog2 == 0 ? 0 : 1 << UInt64(alignmentLog2) }
}

/// Where a call came from: stable across runs, whatever the address space layout.
public struct Site: Hashable, Sendable {
  /// Index into the trace's module table.
  public var module: UInt32
  /// The return address less the module's load bias: a virtual address of its ELF file.
  public var offset: UInt64

  public init(module: UInt32, offset: UInt64) {
    self.module = module
    self.offset = offset
  }

  /// The address by which models and native designs know this site: what the return address would
  /// be if module n were loaded at (n + 1) × 4 GiB.
  @inlinable public var address: UInt64 { (UInt64(module) + 1) << 32 | (offset & 0xFFFF_FFFF) }
}
