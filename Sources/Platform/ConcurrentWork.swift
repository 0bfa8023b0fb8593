import Dispatch
import Foundation

/// Independent work on all processors.
public enum ConcurrentWork {
  /// The results of `work` for every element, in their order. Processors take the elements in turn,
  /// so that the longest had better come first.
  /// - Parameter progress: called after each element, by one thread at a time.
  /// - Throws: the first element's error; what was begun is finished, nothing further is begun.
  public static func map<Element: Sendable, Output: Sendable>(
    _ elements: [Element], progress: (Element) -> Void = { _ in },
    _ work: @Sendable (Element) throws -> Output
  ) throws -> [Output] {
    let lock = NSLock()
    // Every result has a place of its own, and the lock orders all that touch them.
    nonisolated(unsafe) var results = [Result<Output, any Error>?](
      repeating: nil, count: elements.count)
    nonisolated(unsafe) var failed = false
    withoutActuallyEscaping(progress) { progress in
      nonisolated(unsafe) let progress = progress
      DispatchQueue.concurrentPerform(iterations: elements.count) { index in
        if lock.withLock({ failed }) { return }
        let result = Result { try work(elements[index]) }
        lock.withLock {
          if case .failure = result { failed = true }
          results[index] = result
          progress(elements[index])
        }
      }
    }
    if let failure = results.first(where: { if case .failure = $0 { true } else { false } }) {
      _ = try failure?.get()
    }
    return try results.compactMap { try $0?.get() }
  }
}
