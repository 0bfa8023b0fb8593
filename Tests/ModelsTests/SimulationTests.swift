import Designs
import TestSupport
import Testing
import Traces

@testable import Models

@Suite struct Simulations {
  let simulation = Simulation(design: Design(family: .pool))

  private func run(
    _ source: EventArraySource, machine: Bool = false,
    onWindow: ((SimulatedWindow) throws -> Void)? = nil
  ) throws -> SimulationResult {
    let counts = StepCounts.allocate()
    defer { counts.deallocate() }
    if machine {
      return try simulation.run(
        RegionModel.self, source,
        memory: MachineModel(geometry: .reference, counts: counts), counts: counts,
        onWindow: onWindow, onOperation: nil)
    }
    return try simulation.run(
      RegionModel.self, source, memory: NoMemory(), counts: counts, onWindow: onWindow,
      onOperation: nil)
  }

  @Test(arguments: [1, 7, 1023, 1024, 1025, 5000])
  func windowsAreTheSameHoweverTheStreamIsCut(blockLength: Int) throws {
    var source = EventArraySource.random(operations: 5000, slots: 100, seed: 1)
    var windows: [(Int, Int, UInt64, [UInt64])] = []
    var expected = windows
    _ = try run(source) {
      expected.append(($0.index, $0.operations, $0.addressHash, Array($0.counts)))
    }
    source.blockLength = blockLength
    let result = try run(source) {
      windows.append(($0.index, $0.operations, $0.addressHash, Array($0.counts)))
    }
    #expect(windows.elementsEqual(expected, by: ==))
    #expect(windows.map(\.1) == [1024, 1024, 1024, 1024, 904])
    #expect(result.windows == 5 && result.operations == 5000)
    var sums = [UInt64](repeating: 0, count: Step.count)
    for window in windows { for step in 0..<Step.count { sums[step] += window.3[step] } }
    #expect(sums == result.counts)
  }

  @Test func twoRunsGiveTheSame() throws {
    let source = EventArraySource.random(
      operations: 20_000, slots: 500, sizes: 1...100_000, seed: 2)
    var hashes: [[UInt64]] = [[], []]
    var totals: [[UInt64]] = []
    for run in 0..<2 {
      let result = try self.run(source, machine: true) {
        hashes[run].append($0.addressHash)
        hashes[run] += $0.counts
      }
      totals.append(result.counts)
    }
    #expect(hashes[0] == hashes[1])
    #expect(totals[0] == totals[1])
  }

  @Test func theHashIsOverAddressesInOrder() throws {
    let source = EventArraySource(
      events: [
        Event(kind: .malloc, slot: 0, size: 10), Event(kind: .malloc, slot: 1, size: 10),
        Event(kind: .free, slot: 0), Event(kind: .realloc, slot: 1, size: 9000),
      ], slots: 2)
    var hash: UInt64 = 0
    for region in 1...3 as ClosedRange<UInt64> {
      hash = (hash ^ region << 40) &* 0x9E37_79B9_7F4A_7C15
    }
    var windows: [UInt64] = []
    let result = try run(source) { windows.append($0.addressHash) }
    #expect(windows == [hash])
    #expect(result[.mallocCall] == 3 && result[.reallocCall] == 1 && result[.freeCall] == 2)
    #expect(result.peakLiveBytes == 9000)
    #expect(result.peakMappedBytes == 3 * 4096)
  }

  @Test(arguments: [
    (TouchPolicy.none, UInt64(0)), (.firstLine, 1), (.perPage, 3), (.all, 3),
  ])
  func payloadsAreTouchedByPolicy(touch: TouchPolicy, faults: UInt64) throws {
    let source = EventArraySource(
      events: [Event(kind: .malloc, slot: 0, size: 9000), Event(kind: .malloc, slot: 1, size: 0)],
      slots: 2, touch: touch)
    let result = try run(source, machine: true)
    #expect(result.pageFaults == faults)
    #expect(result[.lineStreamedNear] == (touch == .all ? 140 : 0))
  }

  @Test func whatAWindowThrowsEndsTheRun() {
    struct Enough: Error {}
    let source = EventArraySource.random(operations: 5000, slots: 100, seed: 1)
    var windows = 0
    #expect(throws: Enough.self) {
      try run(source) { _ in
        windows += 1
        if windows == 2 { throw Enough() }
      }
    }
    #expect(windows == 2)
  }
}
