import CPlatform
import Designs
import Traces

/// Performs operations on a model: keeps every object's address, touches payloads, cuts windows.
///
/// One specialised loop per model. State is contiguous and grows with live objects only.
struct SimulationDriver<Model: AllocatorModel> {
  /// What is known of a live object, beside each other because both are needed together.
  struct Object {
    var address: Address
    var size: UInt64
  }

  typealias WindowBody = (SimulatedWindow) throws -> Void

  private var model: Model
  private let memory: Model.Memory
  private let counts: StepCounts
  private let touch: TouchPolicy
  private let windowEvents: Int
  /// Whether ends of threads may stand among the operations.
  private let hasThreads: Bool
  private let sites: UnsafeMutableBufferPointer<UInt64>
  private let objects: UnsafeMutablePointer<Object>
  /// The counts at the start of the window, and then the window's own.
  private let windowStart: UnsafeMutableBufferPointer<UInt64>
  private let windowCounts: UnsafeMutableBufferPointer<UInt64>

  private(set) var operations: UInt64 = 0
  private(set) var windows = 0
  private(set) var peakLiveBytes: UInt64 = 0
  private var liveBytes: UInt64 = 0
  private var inWindow = 0
  private var addressHash: UInt64 = 0

  init(model: Model, memory: Model.Memory, counts: StepCounts, source: any OperationSource) {
    self.model = model
    self.memory = memory
    self.counts = counts
    touch = source.touch
    windowEvents = source.windowEvents
    hasThreads = source.threads > 1
    let addresses = source.siteAddresses
    sites = .allocate(capacity: max(addresses.count, 1))
    sites.initialize(repeating: 0)
    for (index, address) in addresses.enumerated() { sites[index] = address }
    objects = .allocate(capacity: max(source.slots, 1))
    objects.initialize(repeating: Object(address: 0, size: 0), count: max(source.slots, 1))
    windowStart = .allocate(capacity: Step.count)
    windowStart.initialize(repeating: 0)
    windowCounts = .allocate(capacity: Step.count)
    windowCounts.initialize(repeating: 0)
  }

  /// What the model measured of its own.
  var metrics: [String: Double] { model.metrics }

  func deallocate() {
    sites.deallocate()
    objects.deallocate()
    windowStart.deallocate()
    windowCounts.deallocate()
  }

  /// Performs a block of operations. A window is handed over when the operation after it comes: a
  /// thread's end belongs to the window before.
  mutating func perform(
    _ block: UnsafeBufferPointer<Event>, onWindow: WindowBody?,
    onOperation: Simulation.OperationBody?
  ) throws {
    var next = 0
    while next < block.count {
      if hasThreads && block[next].kind == .threadEnd {
        model.endThread(block[next].thread)
        if onOperation != nil { memory.settle() }
        onOperation?(operations, block[next], 0, counts.values)
        next += 1
        continue
      }
      if inWindow == windowEvents { try closeWindow(onWindow) }
      var end = min(block.count, next + windowEvents - inWindow)
      if hasThreads {
        end = block[next..<end].firstIndex { $0.kind == .threadEnd } ?? end
      }
      if let onOperation {
        for index in next..<end {
          counts.operation = operations + UInt64(index - next)
          let address = perform(block[index])
          memory.settle()
          onOperation(counts.operation, block[index], address, counts.values)
        }
      } else {
        for index in next..<end {
          prefetch(block, at: index)
          _ = perform(block[index])
        }
      }
      operations += UInt64(end - next)
      inWindow += end - next
      next = end
    }
  }

  /// Hands the last window over.
  mutating func finish(onWindow: WindowBody?) throws {
    if inWindow > 0 { try closeWindow(onWindow) }
  }

  private mutating func closeWindow(_ onWindow: WindowBody?) throws {
    memory.settle()
    if let onWindow {
      let now = counts.values
      for step in 0..<Step.count {
        windowCounts[step] = now[step] &- windowStart[step]
        windowStart[step] = now[step]
      }
      try onWindow(
        SimulatedWindow(
          index: windows, operations: inWindow, counts: UnsafeBufferPointer(windowCounts),
          addressHash: addressHash))
    }
    windows += 1
    inWindow = 0
    addressHash = 0
  }

  /// Operations ahead for which an object's entry, and then the memory it lies in, are fetched:
  /// far enough to hide a miss of the host's caches, which is what a simulation waits for.
  private static var objectDistance: Int { 24 }
  private static var memoryDistance: Int { 8 }

  @inline(__always)
  private func prefetch(_ block: UnsafeBufferPointer<Event>, at index: Int) {
    if index &+ Self.objectDistance < block.count {
      mallometer_prefetch(objects + Int(block[index &+ Self.objectDistance].slot))
      let address = objects[Int(block[index &+ Self.memoryDistance].slot)].address
      if address != 0 { model.prefetch(address) }
    }
  }

  /// - Returns: the address that was handed out, or 0 for a free.
  @inline(__always)
  private mutating func perform(_ event: Event) -> Address {
    let slot = Int(event.slot)
    let object = objects[slot]
    if Model.Memory.observesTouches {
      memory.branch(DriverBranch.isFree, taken: event.kind.frees)
    }
    if event.kind.frees {
      objects[slot] = Object(address: 0, size: 0)
      liveBytes &-= object.size
      if object.address != 0 { model.deallocate(object.address, thread: event.thread) }
      return 0
    }
    let site = sites[Int(event.site)]
    let address: Address
    if event.kind == .realloc && object.address != 0 {
      address = model.reallocate(
        object.address, size: event.size, site: site, thread: event.thread)
    } else {
      address = model.allocate(
        size: event.size, alignment: event.alignment, zeroed: event.kind == .calloc, site: site,
        thread: event.thread)
    }
    liveBytes = liveBytes &- object.size &+ event.size
    peakLiveBytes = max(peakLiveBytes, liveBytes)
    objects[slot] = Object(address: address, size: event.size)
    addressHash = (addressHash ^ OpaqueBlocks.located(address)) &* 0x9E37_79B9_7F4A_7C15
    if Model.Memory.observesTouches && OpaqueBlocks.located(address) != 0 && event.size > 0 {
      touchPayload(address, bytes: event.size)
    }
    return address
  }

  /// The program's own touches, as the player makes them: 8-byte stores.
  @inline(__always)
  private func touchPayload(_ address: Address, bytes: UInt64) {
    switch touch {
    case .none, .auto: break
    case .firstLine: memory.touch(address, isWrite: true)
    case .perPage: memory.touchPages(address, bytes: bytes)
    case .all: memory.touchRange(address, bytes: (bytes - 1) & ~63 + 8, isWrite: true)
    }
  }
}

/// The replay loop's own data-dependent branches.
enum DriverBranch {
  /// Whether the next operation is a free.
  static let isFree: UInt32 = 0
}
