import Traces

/// A stream of validated operations with everything a simulation needs to know about it.
///
/// `Workload` is the one that matters; tests make small ones of their own. Every event is an
/// operation (it allocates or frees a slot) or, with several threads, the end of a thread, which counts
/// in no window but belongs to the one of the operation before it; slots are below `slots`, an allocating event's slot is dead
/// (for realloc: live) and a freeing event's slot is live.
public protocol OperationSource {
  /// An upper bound of the object slots.
  var slots: Int { get }
  /// `Site.address` of every site number that occurs.
  var siteAddresses: [UInt64] { get }
  /// How much of each block is touched; never `auto`.
  var touch: TouchPolicy { get }
  /// Operations per window.
  var windowEvents: Int { get }
  /// Every thread number is below it.
  var threads: Int { get }
  /// The operations, in blocks of any length; what `body` throws ends the stream.
  func forEachOperationBlock(_ body: (UnsafeBufferPointer<Event>) throws -> Void) throws
}

extension OperationSource {
  /// One thread: no ends of threads among the operations.
  public var threads: Int { 1 }
}
