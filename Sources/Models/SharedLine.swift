import Designs

/// Who wrote a shared line of metadata last: a lock, a list that others push to, an atomic counter.
///
/// The counting builds' `SHARED_WRITE`: a write goes beside every write of the C source, and counts a
/// coherence transfer when the writer changed.
public struct SharedLine: Sendable {
  /// The thread's number + 1, or 0 before the first write.
  @usableFromInline var writer: UInt32 = 0

  /// A line that nobody has written.
  public init() {}

  /// Counts a coherence transfer where another thread wrote the line last.
  @inlinable @inline(__always)
  public mutating func write(by thread: UInt16, _ counts: StepCounts) {
    let number = UInt32(thread) &+ 1
    if writer == number { return }
    if writer != 0 { counts.count(.coherenceTransfer) }
    writer = number
  }
}

/// A lock of a design: on the serialised order it is always free. A spin lock is taken by a locked
/// instruction, which waits for the stores before it; the lock's own line is the model's to touch.
public struct SharedLock: Sendable {
  @usableFromInline var line = SharedLine()
  /// In which it was taken last.
  @usableFromInline var operation: UInt64 = 0

  /// A lock that nobody has taken.
  public init() {}

  @inlinable @inline(__always)
  mutating func write(by thread: UInt16, _ counts: StepCounts) {
    if line.writer != 0 && line.writer != UInt32(thread) &+ 1 {
      counts.lockTakenOverFrom = operation
    }
    operation = counts.operation
    line.write(by: thread, counts)
  }

  /// A spin lock taken.
  @inlinable @inline(__always)
  public mutating func acquire<Memory: MemoryModel>(
    by thread: UInt16, _ counts: StepCounts, _ memory: Memory
  ) {
    memory.lockedInstruction(.lockUncontended, counts)
    write(by: thread, counts)
  }

  /// A mutex of the C library taken: no locked instruction in a process of one thread, as replays are
  /// unless their threads are wanted.
  @inlinable @inline(__always)
  public mutating func acquireMutex(by thread: UInt16, _ counts: StepCounts) {
    counts.count(.mutexUncontended)
    write(by: thread, counts)
  }
}
