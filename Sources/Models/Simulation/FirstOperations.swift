import Traces

/// The beginning of another source: what is too slow for a whole trace runs on it.
public struct FirstOperations<Source: OperationSource>: OperationSource {
  private let source: Source
  private let limit: Int

  /// - Parameter limit: operations after which it ends.
  public init(_ source: Source, limit: Int) {
    self.source = source
    self.limit = limit
  }

  public var slots: Int { source.slots }
  public var siteAddresses: [UInt64] { source.siteAddresses }
  public var touch: TouchPolicy { source.touch }
  public var windowEvents: Int { source.windowEvents }
  public var threads: Int { source.threads }

  public func forEachOperationBlock(
    _ body: (UnsafeBufferPointer<Event>) throws -> Void
  ) throws {
    var left = limit
    do {
      try source.forEachOperationBlock { block in
        guard left > 0 else { throw EnoughOperations() }
        try body(UnsafeBufferPointer(rebasing: block.prefix(left)))
        left -= min(left, block.count)
      }
    } catch is EnoughOperations {}
  }
}

extension FirstOperations: Sendable where Source: Sendable {}

/// Ends a stream early.
private struct EnoughOperations: Error {}
