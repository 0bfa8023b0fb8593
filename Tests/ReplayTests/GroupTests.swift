import CPlayerFormat
import Platform
import Testing

@testable import Replay

@Suite struct Groups {
  private static let malloc = UInt8(MALLOMETER_OPERATION_MALLOC.rawValue)
  private static let free = UInt8(MALLOMETER_OPERATION_FREE.rawValue)
  private static let realloc = UInt8(MALLOMETER_OPERATION_REALLOC.rawValue)

  private func operation(_ kind: UInt8, size: UInt64 = 8) -> mallometer_operation {
    mallometer_operation(
      kind: kind, alignment: 0, group: 0, size_high: UInt8(size >> 32), slot: 0,
      size: UInt32(truncatingIfNeeded: size), site: 0)
  }

  /// The kinds that the marks stand for, group by group; nil for an operation by itself.
  private func groups(_ window: [mallometer_operation]) -> [[UInt8]?] {
    var groups: [[UInt8]?] = []
    var first = 0
    while first < window.count {
      let group = Int(window[first].group)
      if group == Int(MALLOMETER_GROUP_SINGLE) {
        groups.append(nil)
      } else if group < Int(MALLOMETER_GROUP_THREES) {
        groups.append((0..<4).map { UInt8(group >> $0 & 1) })
      } else {
        let kinds = group - Int(MALLOMETER_GROUP_THREES)
        groups.append((0..<3).map { UInt8(kinds >> (2 * $0) & 3) })
      }
      first += groups.last.flatMap { $0?.count } ?? 1
    }
    return groups
  }

  @Test(arguments: 1...20)
  func marksSayWhichCallsFollow(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let sizes: [UInt64] = [0, 1, 8, 8, 8, 8, 8, 8, 1 << 32 - 1, 1 << 32]
    // The more seeds, the more kinds: mallocs and frees, and in the end kinds that no group holds.
    let kinds = UInt8(min(1 + seed / 3, Int(MALLOMETER_OPERATION_AWAIT_TURN.rawValue)))
    var window = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
      operation(
        UInt8.random(in: 0...kinds, using: &generator),
        size: sizes.randomElement(using: &generator) ?? 0)
    }
    window.markGroups()
    var first = 0
    for group in groups(window) {
      if let group {
        #expect(first + group.count <= window.count, "no group spans windows")
        let members = window[first..<min(first + group.count, window.count)]
        #expect(members.map(\.kind) == group)
        #expect(
          members.allSatisfy { $0.kind == Self.free || $0.size > 0 && $0.size_high == 0 })
      }
      first += group?.count ?? 1
    }
    #expect(first == window.count)
  }

  @Test func fourMallocsOrFreesOrThreeOfAnyKindAreAGroup() {
    var window = [Self.malloc, Self.free, Self.free, Self.malloc, Self.realloc, Self.free]
      .map { operation($0) }
    window.append(operation(Self.malloc))
    window.append(operation(Self.malloc, size: 0))
    window.append(operation(Self.free, size: 0))
    window.markGroups()
    #expect(groups(window) == [[0, 1, 1, 0], [3, 1, 0], nil, nil])
  }
}
