/// Owns the plain memory in which a model keeps its state, and frees it at the end.
///
/// Models hold the pointers themselves; only growing goes through here, so that an event costs no
/// reference counting. What is kept there owns nothing itself: no destructor runs.
final class ModelHeap {
  private var owned: [UnsafeMutableRawPointer] = []
  /// Bytes before each allocation, in which its place in `owned` stands.
  private static let prefix = 16

  deinit {
    for pointer in owned { pointer.deallocate() }
  }

  /// Room for `count` values, all `initial`.
  func allocate<T>(_ count: Int, of initial: T) -> UnsafeMutablePointer<T> {
    let pointer: UnsafeMutablePointer<T> = reserve(count)
    pointer.initialize(repeating: initial, count: count)
    return pointer
  }

  /// The same values with room for `newCount`, the rest `initial`. The old pointer is dead.
  func grow<T>(
    _ pointer: UnsafeMutablePointer<T>, from count: Int, to newCount: Int, of initial: T
  ) -> UnsafeMutablePointer<T> {
    let larger = move(pointer, from: count, to: newCount)
    (larger + count).initialize(repeating: initial, count: newCount - count)
    return larger
  }

  /// The same values with room for `newCount`, the rest uninitialised. The old pointer is dead.
  func move<T>(
    _ pointer: UnsafeMutablePointer<T>, from count: Int, to newCount: Int
  ) -> UnsafeMutablePointer<T> {
    let larger: UnsafeMutablePointer<T> = reserve(newCount)
    larger.moveInitialize(from: pointer, count: count)
    free(pointer)
    return larger
  }

  /// Uninitialised room for `count` values.
  func reserve<T>(_ count: Int) -> UnsafeMutablePointer<T> {
    precondition(MemoryLayout<T>.alignment <= Self.prefix, "the prefix would misalign the values")
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: Self.prefix + count * MemoryLayout<T>.stride, alignment: Self.prefix)
    raw.storeBytes(of: owned.count, as: Int.self)
    owned.append(raw)
    return (raw + Self.prefix).bindMemory(to: T.self, capacity: count)
  }

  /// - Complexity: O(1).
  func free<T>(_ pointer: UnsafeMutablePointer<T>) {
    let raw = UnsafeMutableRawPointer(pointer) - Self.prefix
    let place = raw.load(as: Int.self)
    let last = owned.removeLast()
    if last != raw {
      owned[place] = last
      last.storeBytes(of: place, as: Int.self)
    }
    raw.deallocate()
  }
}
