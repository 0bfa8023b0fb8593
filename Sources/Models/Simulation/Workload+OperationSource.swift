import Traces

extension Workload: OperationSource {
  /// By the site numbers of the events.
  public var siteAddresses: [UInt64] { sites.map(\.address) }
  /// Never `auto`: what the page faults of the recording led to.
  public var touch: TouchPolicy { resolvedTouch }
  /// As the workload's options say.
  public var windowEvents: Int { options.windowEvents }

  /// All loops of the trace, what is live freed between them.
  public func forEachOperationBlock(
    _ body: (UnsafeBufferPointer<Event>) throws -> Void
  ) throws {
    try forEachBlock(body)
  }
}
