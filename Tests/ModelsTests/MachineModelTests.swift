import Designs
import Platform
import TestSupport
import Testing

@testable import Models

/// The same definition written as plainly as can be: arrays of recent tags per set.
private struct PlainSets {
  var recent: [[UInt32]]
  let ways: Int

  init(_ level: MachineGeometry.Level) {
    recent = Array(repeating: [], count: level.sets)
    ways = level.ways
  }

  mutating func access(_ tag: UInt32, set: Int) -> Bool {
    let found = recent[set].firstIndex(of: tag)
    if let found { recent[set].remove(at: found) }
    recent[set].insert(tag, at: 0)
    if recent[set].count > ways { recent[set].removeLast() }
    return found != nil
  }

  mutating func remove(_ tag: UInt32, set: Int) { recent[set].removeAll { $0 == tag } }
}

@Suite struct CacheSets {
  @Test(
    arguments: [(1, 1), (1, 4), (16, 6), (64, 12), (7, 15), (2048, 16), (32, 20)], [false, true])
  func agreeWithAPlainDefinition(shape: (sets: Int, ways: Int), portable: Bool) {
    let (sets, ways) = shape
    let level = MachineGeometry.Level(sets: sets, ways: ways)
    let fast = RecencySets(level, portable: portable)
    defer { fast.deallocate() }
    var plain = PlainSets(level)
    var generator = SeededGenerator(seed: UInt64(sets * 100 + ways))
    for step in 0..<200_000 {
      // A mixture of hot and cold tags around the capacity.
      let range = step % 3 == 0 ? level.capacity / 2 + 1 : level.capacity * 2 + 1
      let tag = UInt32(Int.random(in: 1...range, using: &generator))
      let set = Int(tag) % sets
      if step % 17 == 0 {
        fast.remove(tag, set: set)
        plain.remove(tag, set: set)
      } else {
        let hit = fast.access(tag, set: set)
        if hit != plain.access(tag, set: set) {
          Issue.record("access \(step) of tag \(tag): \(hit)")
          return
        }
      }
    }
  }
}

/// The whole machine written plainly: no filters, no shortcuts, dictionaries for the page table.
private struct PlainMachine {
  var levelOne, levelTwo, levelThree, translation, translationSecond: PlainSets
  let geometry: MachineGeometry
  var frames: [UInt64: UInt32] = [:]
  var table = PageTable()
  /// Ranges of 2 MiB that have a page of the page table, and what room its last one has.
  var tables: Set<UInt64> = []
  var tableRoom = 0
  var lastLine: UInt64?
  /// Of touches, and of the last load that was waited for.
  var position = 65
  var leading = 0
  var counts = [UInt64](repeating: 0, count: Step.count)

  init(_ geometry: MachineGeometry) {
    self.geometry = geometry
    levelOne = PlainSets(geometry.levelOne)
    levelTwo = PlainSets(geometry.levelTwo)
    levelThree = PlainSets(geometry.levelThree)
    translation = PlainSets(geometry.translation)
    translationSecond = PlainSets(geometry.translationSecond)
  }

  mutating func count(_ step: Step) { counts[Int(step.rawValue)] += 1 }

  func translationSet(_ page: UInt64, _ level: MachineGeometry.Level) -> Int {
    Int((page &+ ((page >> 28) &* 0x9E37_79B9_7F4A_7C15) >> 40) % UInt64(level.sets))
  }

  func thirdSet(_ line: UInt32) -> Int {
    Int((UInt64(line &* 0x9E37_79B1) * UInt64(geometry.levelThree.sets)) >> 32)
  }

  mutating func touch(_ address: UInt64, isWrite: Bool, streamed: Bool = false) {
    if address / 64 == lastLine { return }
    lastLine = address / 64
    defer { position += 1 }
    let page = address / 4096
    if frames[page] == nil {
      count(.pageFault)
      if tables.insert(page / 512).inserted {
        // Every region of the test is 1 MiB.
        if tableRoom < 1 << 20 {
          count(.pageTablePage)
          tableRoom += 2 << 20
        }
        tableRoom -= 1 << 20
      }
      let frame = table.assign(page: page).frame
      frames[page] = frame
      for line in 1...32 as ClosedRange<UInt32> { fill(line, .kernelLine) }
      for line in frame * 64..<frame * 64 + 64 { fill(line, .clearedLine) }
      _ = translation.access(frame, set: translationSet(page, geometry.translation))
      _ = translationSecond.access(frame, set: translationSet(page, geometry.translationSecond))
    } else {
      let frame = frames[page] ?? 0
      if !translation.access(frame, set: translationSet(page, geometry.translation)) {
        let set = translationSet(page, geometry.translationSecond)
        count(translationSecond.access(frame, set: set) ? .translationHit : .translationWalk)
      }
    }
    let line = (frames[page] ?? 0) * 64 + UInt32(address % 4096 / 64)
    if levelOne.access(line, set: Int(line) % geometry.levelOne.sets) { return }
    let isInTwo = levelTwo.access(line, set: Int(line) % geometry.levelTwo.sets)
    if !isInTwo && !isWrite && !streamed {
      if position - leading <= 64 {
        count(.loadOverlapped)
        _ = levelThree.access(line, set: thirdSet(line))
        return
      }
      leading = position
    }
    if isInTwo {
      count(streamed ? .lineStreamedNear : (isWrite ? .levelTwoStore : .levelTwoLoad))
    } else if levelThree.access(line, set: thirdSet(line)) {
      count(streamed ? .lineStreamedNear : (isWrite ? .levelThreeStore : .levelThreeLoad))
    } else {
      count(streamed ? .lineStreamedMemory : (isWrite ? .memoryStore : .memoryLoad))
    }
  }

  mutating func fill(_ line: UInt32, _ step: Step) {
    if !levelTwo.access(line, set: Int(line) % geometry.levelTwo.sets) { count(step) }
    _ = levelThree.access(line, set: thirdSet(line))
  }

  mutating func touchRange(_ address: UInt64, bytes: UInt64, isWrite: Bool) {
    touch(address, isWrite: isWrite)
    for line in (address / 64 + 1)..<((address + bytes - 1) / 64 + 1) {
      touch(line * 64, isWrite: isWrite, streamed: true)
    }
  }

  mutating func release(_ address: UInt64, bytes: UInt64) {
    lastLine = nil
    for page in address / 4096..<(address + bytes + 4095) / 4096 {
      guard let frame = frames.removeValue(forKey: page) else { continue }
      translation.remove(frame, set: translationSet(page, geometry.translation))
      translationSecond.remove(frame, set: translationSet(page, geometry.translationSecond))
    }
    table.release(pages: address / 4096..<(address + bytes + 4095) / 4096, isUnmapped: false) {
      _, _ in
    }
  }
}

@Suite struct Machine {
  /// Small enough that everything is evicted often.
  static let small = MachineGeometry(
    levelOne: .init(sets: 8, ways: 3), levelTwo: .init(sets: 64, ways: 4),
    levelThree: .init(sets: 100, ways: 7), translation: .init(sets: 4, ways: 2),
    translationSecond: .init(sets: 8, ways: 4))

  /// More ways than one of the host's vectors holds.
  static let manyWays = MachineGeometry(
    levelOne: .init(sets: 8, ways: 3), levelTwo: .init(sets: 16, ways: 20),
    levelThree: .init(sets: 100, ways: 7), translation: .init(sets: 1, ways: 17),
    translationSecond: .init(sets: 8, ways: 4))

  @Test(arguments: 1...8)
  func agreesWithAPlainDefinition(seed: Int) {
    let geometry =
      seed == 6 ? MachineGeometry.reference : seed > 6 ? Self.manyWays : Self.small
    let counts = StepCounts.allocate()
    defer { counts.deallocate() }
    let machine = MachineModel(geometry: geometry, counts: counts)
    var plain = PlainMachine(geometry)
    defer { plain.table.deallocate() }
    var generator = SeededGenerator(seed: UInt64(seed))
    let regions = (0..<20).map { _ in machine.map(bytes: 1 << 20) }
    for step in 0..<30_000 {
      let region = regions[Int.random(in: 0..<20, using: &generator)]
      let pages = UInt64(step % 5 == 0 ? 256 : 4)
      let page = region + UInt64.random(in: 0..<pages, using: &generator) * 4096
      let address = page + UInt64.random(in: 0..<512, using: &generator) * 8
      let isWrite = Bool.random(using: &generator)
      switch Int.random(in: 0..<40, using: &generator) {
      case 0:
        let bytes = UInt64.random(in: 1...20_000, using: &generator)
        machine.touchRange(address, bytes: bytes, isWrite: isWrite)
        plain.touchRange(address, bytes: bytes, isWrite: isWrite)
      case 1:
        machine.touchPages(address, bytes: 9000)
        let inPage = address % 4096
        for (offset, lines) in [(0, 0), (4096, 64), (8192, 128)] as [(UInt64, UInt64)] {
          let page = address - inPage + offset
          let turned = page + (inPage + lines) % 4096
          let isInside = turned - address <= 9000 - 8
          plain.touch(isInside ? turned : page + inPage, isWrite: true)
        }
      case 2:
        machine.purge(page, bytes: 10_000)
        plain.release(page, bytes: 10_000)
      default:
        machine.touch(address, isWrite: isWrite)
        plain.touch(address, isWrite: isWrite)
        if step % 4 == 0 {
          machine.touch(address + 1, isWrite: isWrite)
          plain.touch(address + 1, isWrite: isWrite)
        }
      }
      // Between looking, few or many touches wait.
      guard Int.random(in: 0..<1 << (step >> 10 & 7 << 1), using: &generator) == 0 else { continue }
      machine.settle()
      if Array(counts.values) != plain.counts {
        Issue.record("step \(step): \(Array(counts.values)) is not \(plain.counts)")
        return
      }
    }
    #expect(machine.residentPages == plain.frames.count)
    for step in [
      Step.levelTwoLoad, .levelTwoStore, .loadOverlapped, .pageFault, .clearedLine, .pageTablePage,
      .translationWalk, .lineStreamedNear,
    ] {
      #expect(counts[step] > 0, "the stream exercised \(step.name)")
    }
  }

  private func withMachine(_ body: (MachineModel, StepCounts) -> Void) {
    let counts = StepCounts.allocate()
    defer { counts.deallocate() }
    body(MachineModel(geometry: .reference, counts: counts), counts)
  }

  @Test func aPageFaultsOnceUntilItIsGivenBack() {
    withMachine { machine, counts in
      let region = machine.map(bytes: 16 * 4096)
      for offset in stride(from: UInt64(0), to: 16 * 4096, by: 64) {
        machine.touch(region + offset, isWrite: true)
      }
      #expect(machine.residentPages == 16)
      #expect(counts[.pageFault] == 16)
      machine.purge(region + 4096, bytes: 3 * 4096)
      #expect(machine.residentPages == 13)
      machine.touchPages(region, bytes: 16 * 4096)
      machine.settle()
      #expect(counts[.pageFault] == 19)
      machine.unmap(region, bytes: 16 * 4096)
      #expect(machine.residentPages == 0)
      #expect(machine.space.mappedBytes == 0)
      #expect(machine.space.peakMappedBytes == 16 * 4096)
      let next = machine.map(bytes: 4096)
      #expect(next == 2 << 40)
      machine.touch(next, isWrite: false)
      machine.settle()
      #expect(counts[.pageFault] == 20)
    }
  }

  /// 64 touches after a load that waits for memory the core may still be waiting.
  @Test(arguments: [(0, 1), (63, 1), (64, 0)])
  func loadsCloseToOneThatIsWaitedForAreOverlapped(between touches: Int, overlapped: UInt64) {
    withMachine { machine, counts in
      let region = machine.map(bytes: 16 << 20)
      machine.touchPages(region, bytes: 16 << 20)
      machine.settle()
      // Two lines of pages whose lines the others have driven out of the second level.
      let before = counts[.levelThreeLoad] + counts[.memoryLoad]
      #expect(counts[.loadOverlapped] == 0)
      machine.touch(region + 2048, isWrite: false)
      for touch in 0..<touches {
        machine.touch(region + 15 << 20 + UInt64(touch % 2) * 64, isWrite: true)
      }
      machine.touch(region + 9 * 4096 + 2048, isWrite: false)
      machine.settle()
      #expect(counts[.loadOverlapped] == overlapped)
      #expect(counts[.levelThreeLoad] + counts[.memoryLoad] == before + 2 - overlapped)
    }
  }

  @Test func aPageOfThePageTableServesTwoMebibytes() {
    withMachine { machine, counts in
      let large = machine.map(bytes: 8 << 20)
      func touch(_ offset: UInt64) {
        machine.touch(large + offset, isWrite: true)
        machine.settle()
      }
      for offset in [0, 4096, 2 << 20, 5 << 20] as [UInt64] { touch(offset) }
      #expect(counts[.pageTablePage] == 3)
      machine.purge(large, bytes: 8 << 20)
      touch(0)
      #expect(counts[.pageTablePage] == 3, "what is purged keeps its table")
      machine.unmap(large, bytes: 8 << 20)
      touch(0)
      #expect(counts[.pageTablePage] == 4)
      for _ in 0..<128 {
        machine.touch(machine.map(bytes: 32 << 10), isWrite: true)
        machine.settle()
      }
      #expect(counts[.pageTablePage] == 6, "64 regions of 32 KiB share one")
    }
  }

  @Test func aFaultTakesLinesThatTheSecondLevelMayHaveLost() {
    withMachine { machine, counts in
      let region = machine.map(bytes: 8 << 20)
      func fault(_ page: UInt64) -> [UInt64] {
        let before = [counts[.kernelLine], counts[.clearedLine]]
        machine.touch(region + page * 4096, isWrite: true)
        machine.settle()
        return zip([counts[.kernelLine], counts[.clearedLine]], before).map { $0 - $1 }
      }
      #expect(fault(0) == [UInt64(Step.kernelLinesOfAFault), 64])
      #expect(fault(1) == [0, 64])
      machine.purge(region + 4096, bytes: 4096)
      #expect(fault(1) == [0, 0], "the frame that was given back last, still in the cache")
      let other = machine.map(bytes: 4 << 20)
      for _ in 0..<2 { machine.touchRange(other, bytes: 4 << 20, isWrite: false) }
      machine.settle()
      #expect(fault(2) == [UInt64(Step.kernelLinesOfAFault), 64])
    }
  }

  /// Lines at one offset in every page would share a set of the first cache, which has twelve.
  @Test func pagesTouchedOneByOneStayInTheFirstCache() {
    withMachine { machine, counts in
      let region = machine.map(bytes: 64 * 4096)
      machine.touchPages(region, bytes: 64 * 4096)
      machine.settle()
      let faults = counts[.pageFault]
      let stores = { counts[.levelTwoStore] + counts[.levelThreeStore] + counts[.memoryStore] }
      let missed = stores()
      machine.touchPages(region, bytes: 64 * 4096)
      machine.settle()
      #expect(counts[.pageFault] == faults && stores() == missed)
    }
  }

  /// The most that was touched and not given back, whatever was mapped: touches that wait count.
  @Test func thePeakOfResidentMemoryIsWhatWasTouchedAtOnce() {
    withMachine { machine, _ in
      let first = machine.map(bytes: 100 * 4096)
      machine.touchPages(first, bytes: 10 * 4096)
      machine.purge(first, bytes: 4 * 4096)
      machine.touchPages(first + 50 * 4096, bytes: 3 * 4096)
      #expect(machine.peakResidentBytes == 10 * 4096)
      machine.touchPages(first, bytes: 2 * 4096)
      #expect(machine.residentPages == 11 && machine.peakResidentBytes == 11 * 4096)
      machine.unmap(first, bytes: 100 * 4096)
      let huge = machine.map(bytes: 2 << 20)
      machine.useHugePages(huge, bytes: 2 << 20)
      machine.touch(huge, isWrite: true)
      #expect(machine.peakResidentBytes == 2 << 20, "all of a huge page is resident")
    }
  }

  @Test func aHugePageFaultsOnceAndNeedsOneTranslation() {
    for isHuge in [false, true] {
      withMachine { machine, counts in
        let region = machine.map(bytes: 6 << 20)
        if isHuge { machine.useHugePages(region + 2 << 20, bytes: 4 << 20) }
        for _ in 0..<2 { machine.touchPages(region + 2 << 20, bytes: 4 << 20) }
        machine.touch(region, isWrite: true)
        machine.settle()
        #expect(counts[.pageFault] == (isHuge ? 1 : 1025))
        #expect(counts[.hugePageFault] == (isHuge ? 2 : 0))
        #expect(machine.residentPages == 1025)
        // 1024 small pages are more than the first buffer holds; two huge ones aren't.
        #expect((counts[.translationHit] > 900) == !isHuge)
        machine.unmap(region, bytes: 6 << 20)
        #expect(machine.residentPages == 0)
        let next = machine.map(bytes: 4 << 20)
        machine.touchPages(next, bytes: 4 << 20)
        machine.settle()
        #expect(counts[.hugePageFault] == (isHuge ? 2 : 0), "a region of its own")
      }
    }
  }

  @Test func whatFitsIsServedByTheLevelItFits() {
    withMachine { machine, counts in
      // 256 KiB: beyond the first level, within the second.
      let region = machine.map(bytes: 1 << 18)
      for _ in 0..<4 {
        for offset in stride(from: UInt64(0), to: 1 << 18, by: 64) {
          machine.touch(region + offset, isWrite: false)
        }
      }
      machine.settle()
      #expect(counts[.pageFault] == 64)
      #expect(counts[.levelTwoLoad] > 4 * 4096 - 64 - 500)
      #expect(counts[.memoryLoad] + counts[.levelThreeLoad] < 500)
      #expect(counts[.translationWalk] == 0)
    }
  }

  @Test func aPassOverTheWholeMachineEnds() {
    withMachine { machine, counts in
      let region = machine.map(bytes: 1 << 40)
      #expect(region != 0)
      machine.touchRange(region, bytes: 1 << 40, isWrite: true)
      machine.touchPages(region, bytes: 1 << 40)
      #expect(counts[.pageFault] == 2 << 28)
      #expect(machine.residentPages == 0)
      machine.unmap(region, bytes: 1 << 40)
      #expect(machine.map(bytes: 1 << 40 + 1) == 0)
      #expect(machine.map(bytes: 0) == 0)
    }
  }

  /// What a locked instruction waits for costs what a load does; what it doesn't, what a store does.
  @Test func aLockedInstructionWaitsForTheLastStores() {
    for isLocked in [false, true] {
      withMachine { machine, counts in
        let region = machine.map(bytes: 1 << 18)
        for _ in 0..<4 {
          for offset in stride(from: UInt64(0), to: 1 << 18, by: 64) {
            machine.touch(region + offset, isWrite: true)
            if isLocked { machine.lockedInstruction() }
          }
        }
        machine.settle()
        #expect(counts[isLocked ? .levelTwoLoad : .levelTwoStore] > 4 * 4096 - 64 - 500)
        // A store that filled its batch was charged before the instruction came.
        #expect(counts[isLocked ? .levelTwoStore : .levelTwoLoad] <= (isLocked ? 16 : 0))
      }
    }
  }

  @Test func unmappingALargeRegionOfFewPagesIsQuick() {
    withMachine { machine, counts in
      for _ in 0..<1000 {
        let region = machine.map(bytes: 1 << 39)
        machine.touch(region + 1 << 38, isWrite: true)
        machine.unmap(region, bytes: 1 << 39)
      }
      #expect(counts[.pageFault] == 1000)
      #expect(machine.residentPages == 0)
    }
  }

  @Test func setsOfAnyNumberAreRounded() {
    let level = MachineGeometry.Level(sets: 1280, ways: 20).withPowerOfTwoSets
    #expect(level.sets == 1024 && level.ways == 25)
    #expect(MachineGeometry.Level(sets: 64, ways: 12).withPowerOfTwoSets.ways == 12)
  }
}
