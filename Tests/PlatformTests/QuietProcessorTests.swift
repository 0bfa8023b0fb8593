import Synchronization
import Testing

@testable import Platform

/// Cores of a machine that others use too, as probes would find them look by look.
private final class Cores: Sendable {
  private let looks: Mutex<[Int: [Float]]>
  let waits = Mutex(0)

  /// - Parameter looks: what most probes of each look find, by processor; the last goes on.
  init(_ looks: [Int: [Float]]) { self.looks = Mutex(looks) }

  func chosen(patience: Int = 8, times: Int = 1) -> [Int?] {
    let quiet = QuietProcessor(
      processors: looks.withLock { $0.keys.sorted() }, patience: patience,
      probe: { processor in
        self.looks.withLock { looks in
          let ratio = looks[processor]?.first ?? 0
          if (looks[processor]?.count ?? 0) > 1 { looks[processor]?.removeFirst() }
          // Two interrupts: one made the chain longer, one the other additions.
          return [ratio * 0.1, ratio * 9] + [Float](repeating: ratio, count: 98)
        }
      }, wait: { self.waits.withLock { $0 += 1 } })
    return (0..<times).map { _ in quiet.choose() }
  }
}

@Suite struct QuietProcessorTests {
  @Test func takesTheLastWhereNobodyElseIs() {
    let cores = Cores([0: [0.7], 1: [0.71]])
    #expect(cores.chosen() == [1])
    #expect(cores.waits.withLock { $0 } == 0)
  }

  @Test func goesToTheCoreThatIsLeftAlone() {
    // The first choice has nothing to compare with: only then does it take what comes.
    let cores = Cores([0: [0.7], 1: [0.7, 1.0]])
    #expect(cores.chosen(times: 3) == [1, 0, 0])
    #expect(cores.waits.withLock { $0 } == 0)
  }

  @Test func waitsForQuiet() {
    let cores = Cores([0: [1.0], 1: [0.7, 1.0, 1.0, 1.0, 0.72]])
    #expect(cores.chosen(times: 2) == [1, 1])
    #expect(cores.waits.withLock { $0 } == 3)
  }

  @Test func takesTheBestOfBusyCoresInTheEnd() {
    let cores = Cores([0: [1.0], 1: [0.7, 1.0]])
    let chosen = cores.chosen(patience: 5, times: 2)
    #expect(chosen == [1, 1])
    #expect(cores.waits.withLock { $0 } == 4)
  }

  @Test func choosesNothingWhereThereIsNothing() {
    #expect(Cores([:]).chosen() == [nil])
  }

  @Test func probesRunOnThisMachine() {
    guard let processor = ProcessorSet.available.last else { return }
    let ratios = QuietProcessor.probeSharing(processor)
    #expect(ratios.count > 100)
    #expect(ratios.allSatisfy { $0 > 0 })
    #expect(QuietProcessor.probeSharing(100_000).isEmpty)
    #expect(ProcessorSet.available.contains(processor))
  }
}
