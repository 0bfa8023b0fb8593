/// Owns the plain memory in which a model keeps its state, and frees it at the end.
///
/// Models hold the pointers themselves; only growing goes through here, so that an event costs no
/// reference counting.
final class ModelHeap {
  private var owned: [UnsafeMutableRawPointer] = []

  deinit {
    for pointer in owned { pointer.deallocate() }
  }

  /// Room for `count` values, all `initial`.
  func allocate<T>(_ count: Int, of initial: T) -> UnsafeMutablePointer<T> {
    let pointer = UnsafeMutablePointer<T>.allocate(capacity: count)
    pointer.initialize(repeating: initial, count: count)
    owned.append(UnsafeMutableRawPointer(pointer))
    return pointer
  }

  /// The same values with room for `newCount`, the rest `initial`. The old pointer is dead.
  /// - Complexity: O(`newCount` + allocations owned).
  func grow<T>(
    _ pointer: UnsafeMutablePointer<T>, from count: Int, to newCount: Int, of initial: T
  ) -> UnsafeMutablePointer<T> {
    let larger = allocate(newCount, of: initial)
    larger.update(from: pointer, count: count)
    free(pointer)
    return larger
  }

  func free<T>(_ pointer: UnsafeMutablePointer<T>) {
    let raw = UnsafeMutableRawPointer(pointer)
    if let index = owned.lastIndex(of: raw) {
      owned.swapAt(index, owned.count - 1)
      owned.removeLast()
    }
    raw.deallocate()
  }
}
