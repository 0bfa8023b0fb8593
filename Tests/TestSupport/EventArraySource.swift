import Models
import Traces

/// Operations in memory as a workload.
public struct EventArraySource: OperationSource, Sendable {
  public var events: [Event]
  public var slots: Int
  /// Every thread number is below it.
  public var threads: Int
  public var siteAddresses: [UInt64]
  public var touch: TouchPolicy
  public var windowEvents = 1024
  /// Operations that are handed out at a time.
  public var blockLength = 777

  public init(
    events: [Event], slots: Int, threads: Int = 1,
    siteAddresses: [UInt64] = [0x1_0000_0010, 0x1_0000_0020], touch: TouchPolicy = .none
  ) {
    self.events = events
    self.slots = slots
    self.threads = threads
    self.siteAddresses = siteAddresses
    self.touch = touch
  }

  /// How many windows its operations fill, the last one's part among them.
  public var windows: Int {
    (events.count { $0.kind.isOperation } + windowEvents - 1) / windowEvents
  }

  public func forEachOperationBlock(
    _ body: (UnsafeBufferPointer<Event>) throws -> Void
  ) throws {
    try events.withUnsafeBufferPointer { events in
      for start in stride(from: 0, to: events.count, by: blockLength) {
        let end = min(start + blockLength, events.count)
        try body(UnsafeBufferPointer(rebasing: events[start..<end]))
      }
    }
  }
}
