import Dispatch

/// Maps on all processors, in order.
func concurrentMap<Element: Sendable, Result: Sendable>(
  _ elements: [Element], _ transform: @Sendable (Element) -> Result
) -> [Result] {
  let results = [Result?](unsafeUninitializedCapacity: elements.count) { buffer, count in
    buffer.initialize(repeating: nil)
    let slots = Slots(base: buffer)
    DispatchQueue.concurrentPerform(iterations: elements.count) { index in
      slots.base[index] = transform(elements[index])
    }
    count = elements.count
  }
  return results.compactMap { $0 }
}

/// Every iteration writes its own element and nobody reads before all are done.
private struct Slots<Result>: @unchecked Sendable {
  let base: UnsafeMutableBufferPointer<Result?>
}
