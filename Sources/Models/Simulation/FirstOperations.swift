import Traces

/// The beginning of another source: what is too slow for a whole trace runs on it.
public struct FirstOperations<Source: OperationSource>: OperationSource {
  private let source: Source
  private let limit: Int

  /// - Parameter limit: events after which it ends, ends of threads among them.
  public init(_ source: Source, limit: Int) {
    self.source = source
    self.limit = limit
  }

  /// The whole source's.
  public var slots: Int { source.slots }
  /// The whole source's.
  public var siteAddresses: [UInt64] { source.siteAddresses }
  /// The whole source's.
  public var touch: TouchPolicy { source.touch }
  /// The whole source's.
  public var windowEvents: Int { source.windowEvents }
  /// The whole source's.
  public var threads: Int { source.threads }

  /// The first `limit` events, ends of threads among them; the last block may be cut.
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
