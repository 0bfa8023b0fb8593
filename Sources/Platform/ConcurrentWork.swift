import Dispatch
import Foundation

/// Independent work on all processors.
public enum ConcurrentWork {
  /// The results of `work` for every element, in their order. Processors take the elements in turn,
  /// so that the longest had better come first.
  /// - Parameter progress: called after each element, by one thread at a time.
  /// - Throws: the first element's error; what was begun is finished, nothing further is begun.
  public static func map<Element: Sendable, Output: Sendable, Failure: Error>(
    _ elements: [Element], progress: (Element) -> Void = { _ in },
    _ work: @Sendable (Element) throws(Failure) -> Output
  ) throws(Failure) -> [Output] {
    let lock = NSLock()
    // Every result has a place of its own, and the lock orders all that touch them.
    nonisolated(unsafe) var results = [Result<Output, Failure>?](
      repeating: nil, count: elements.count)
    nonisolated(unsafe) var failed = false
    withoutActuallyEscaping(progress) { progress in
      nonisolated(unsafe) let progress = progress
      DispatchQueue.concurrentPerform(iterations: elements.count) { index in
        if lock.withLock({ failed }) { return }
        let result = Result { () throws(Failure) in try work(elements[index]) }
        lock.withLock {
          if case .failure = result { failed = true }
          results[index] = result
          progress(elements[index])
        }
      }
    }
    var outputs: [Output] = []
    outputs.reserveCapacity(elements.count)
    for result in results {
      if let result { outputs.append(try result.get()) }
    }
    return outputs
  }
}
