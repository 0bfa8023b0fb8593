import Traces

extension Workload: OperationSource {
  public var siteAddresses: [UInt64] { sites.map(\.address) }
  public var touch: TouchPolicy { resolvedTouch }
  public var windowEvents: Int { options.windowEvents }

  public func forEachOperationBlock(
    _ body: (UnsafeBufferPointer<Event>) throws -> Void
  ) throws {
    try forEachBlock(body)
  }
}
