/// What is in a trace: counts, peaks and distributions, from one pass over its events.
///
/// Memory grows with the slots (24 bytes each) and the sites, not with the events.
public struct TraceStatistics: Sendable {
  /// How many allocations asked for at most so many bytes, and more than the bucket before.
  public struct SizeBucket: Sendable, Codable, Equatable {
    /// A power of two; the first bucket, 1, includes sizes of 0.
    public var upTo: UInt64
    public var count: UInt64
  }

  /// How many objects lived for at most so many events, and more than the bucket before.
  public struct LifetimeBucket: Sendable, Codable, Equatable {
    public var upToEvents: UInt64
    public var count: UInt64
  }

  /// What one call site did.
  public struct SiteUse: Sendable, Equatable {
    public var site: UInt32
    public var events: UInt64
    /// Requested by its allocations.
    public var bytes: UInt64
  }

  public private(set) var events: UInt64 = 0
  public private(set) var mallocs: UInt64 = 0
  public private(set) var callocs: UInt64 = 0
  public private(set) var reallocs: UInt64 = 0
  public private(set) var aligned: UInt64 = 0
  public private(set) var frees: UInt64 = 0
  public private(set) var impliedFrees: UInt64 = 0
  public private(set) var foreignFrees: UInt64 = 0
  /// Threads with at least one event.
  public private(set) var threads = 0
  /// Lives that began.
  public private(set) var objects: UInt64 = 0
  /// Frees and reallocs of objects that another thread allocated.
  public private(set) var crossThreadFrees: UInt64 = 0
  public private(set) var peakLiveObjects: UInt64 = 0
  public private(set) var peakLiveBytes: UInt64 = 0
  public private(set) var liveObjectsAtEnd: UInt64 = 0
  /// Nanoseconds of the last event.
  public private(set) var lastTime: UInt64 = 0
  public private(set) var sizes: [SizeBucket] = []
  public private(set) var lifetimes: [LifetimeBucket] = []
  /// Sites with at least one event, most events first.
  public private(set) var sites: [SiteUse] = []

  public init(of trace: TraceReader) throws {
    var collector = Collector(trace)
    defer { collector.deallocate() }
    try trace.forEachBlock { collector.add($0) }
    collector.finish(&self)
  }

  /// The tables of the pass: contiguous, by slot, site, thread and power of two.
  private struct Collector {
    struct Object {
      var size: UInt64
      var birth: UInt64
      var thread: UInt32
      var isLive: Bool
    }

    private let objects: UnsafeMutableBufferPointer<Object>
    private let siteEvents: UnsafeMutableBufferPointer<UInt64>
    private let siteBytes: UnsafeMutableBufferPointer<UInt64>
    private let threads: UnsafeMutableBufferPointer<Bool>
    private let kinds: UnsafeMutableBufferPointer<UInt64>
    private let sizes: UnsafeMutableBufferPointer<UInt64>
    private let lifetimes: UnsafeMutableBufferPointer<UInt64>
    private var event: UInt64 = 0
    private var births: UInt64 = 0
    private var live: UInt64 = 0
    private var peak: UInt64 = 0
    private var liveBytes: UInt64 = 0
    private var peakBytes: UInt64 = 0
    private var crossThread: UInt64 = 0
    private var lastTime: UInt64 = 0

    init(_ trace: TraceReader) {
      func table<T>(_ count: Int, _ value: T) -> UnsafeMutableBufferPointer<T> {
        let table = UnsafeMutableBufferPointer<T>.allocate(capacity: max(count, 1))
        table.initialize(repeating: value)
        return table
      }
      objects = table(trace.slots, Object(size: 0, birth: 0, thread: 0, isLive: false))
      siteEvents = table(trace.sites.count, 0)
      siteBytes = table(trace.sites.count, 0)
      threads = table(trace.threads, false)
      kinds = table(EventKind.allCases.count, 0)
      sizes = table(65, 0)
      lifetimes = table(65, 0)
    }

    func deallocate() {
      objects.deallocate()
      siteEvents.deallocate()
      siteBytes.deallocate()
      threads.deallocate()
      kinds.deallocate()
      sizes.deallocate()
      lifetimes.deallocate()
    }

    /// Number of the power-of-two bucket: 0 for 0 and 1, else that of the next power of two.
    @inline(__always) private func bucket(_ value: UInt64) -> Int {
      value <= 1 ? 0 : 64 - (value - 1).leadingZeroBitCount
    }

    mutating func add(_ events: UnsafeBufferPointer<Event>) {
      for item in events {
        kinds[Int(item.kind.rawValue)] &+= 1
        threads[Int(item.thread)] = true
        siteEvents[Int(item.site)] &+= 1
        if item.kind.allocates {
          allocate(item)
        } else if item.kind.frees {
          free(item)
        }
        event &+= 1
        lastTime = item.time
      }
    }

    @inline(__always) private mutating func allocate(_ item: Event) {
      let slot = Int(item.slot)
      if objects[slot].isLive {
        liveBytes &-= objects[slot].size
        objects[slot].size = item.size
        if objects[slot].thread != item.thread {
          crossThread &+= 1
          objects[slot].thread = UInt32(item.thread)
        }
      } else {
        objects[slot] = Object(
          size: item.size, birth: event, thread: UInt32(item.thread), isLive: true)
        births &+= 1
        live &+= 1
        if live > peak { peak = live }
      }
      liveBytes &+= item.size
      if liveBytes > peakBytes { peakBytes = liveBytes }
      sizes[bucket(item.size)] &+= 1
      siteBytes[Int(item.site)] &+= item.size
    }

    @inline(__always) private mutating func free(_ item: Event) {
      let object = objects[Int(item.slot)]
      objects[Int(item.slot)].isLive = false
      live &-= 1
      liveBytes &-= object.size
      lifetimes[bucket(event &- object.birth)] &+= 1
      if object.thread != item.thread { crossThread &+= 1 }
    }

    func finish(_ result: inout TraceStatistics) {
      func count(_ kind: EventKind) -> UInt64 { kinds[Int(kind.rawValue)] }
      result.events = event
      result.mallocs = count(.malloc)
      result.callocs = count(.calloc)
      result.reallocs = count(.realloc)
      result.aligned = count(.aligned)
      result.frees = count(.free)
      result.impliedFrees = count(.impliedFree)
      result.foreignFrees = count(.foreignFree)
      result.threads = threads.count { $0 }
      result.objects = births
      result.crossThreadFrees = crossThread
      result.peakLiveObjects = peak
      result.peakLiveBytes = peakBytes
      result.liveObjectsAtEnd = live
      result.lastTime = lastTime
      for index in 0..<64 where sizes[index] > 0 {
        result.sizes.append(SizeBucket(upTo: 1 << UInt64(index), count: sizes[index]))
      }
      for index in 0..<64 where lifetimes[index] > 0 {
        result.lifetimes.append(
          LifetimeBucket(upToEvents: 1 << UInt64(index), count: lifetimes[index]))
      }
      result.sites = siteEvents.indices.filter { siteEvents[$0] > 0 }
        .map { SiteUse(site: UInt32($0), events: siteEvents[$0], bytes: siteBytes[$0]) }
        .sorted { ($1.events, $0.site) < ($0.events, $1.site) }
    }
  }
}
