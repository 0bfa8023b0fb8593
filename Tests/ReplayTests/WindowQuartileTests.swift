import Platform
import Testing
import Traces

@testable import Replay

/// Gaps of synthetic replays whose truth is known.
@Suite struct WindowQuartileTests {
  private static let windows = 200
  private static let calls = 1000

  /// Replays of so many nanoseconds per call. In a disturbed repeat so many of ten windows take
  /// twice as long.
  private func replays(
    _ perCall: Double, disturbed: [Int], _ random: inout SeededGenerator
  ) -> [ReplayMeasurement] {
    disturbed.map { tenths in
      let times = (0..<Self.windows).map { _ -> Float in
        let noise = Double.random(in: 0.99...1.01, using: &random)
        let isHit = Int.random(in: 0..<10, using: &random) < tenths
        return Float(perCall * Double(Self.calls) * noise * (isHit ? 2 : 1))
      }
      return ReplayMeasurement(
        windowNanoseconds: times, waitedNanoseconds: 0, calls: UInt64(Self.windows * Self.calls),
        coreGHz: 3, tscGHz: 2, pageFaults: 0, peakResidentBytes: 0, involuntarySwitches: 0)
    }
  }

  private func result(
    from: [Int], to: [Int], twin: [Int], seed: UInt64 = 5
  ) -> CampaignResult {
    var random = SeededGenerator(seed: seed)
    return CampaignResult(
      calls: UInt64(Self.windows * Self.calls),
      contenders: [replays(20, disturbed: from, &random), replays(6, disturbed: to, &random)],
      null: replays(2, disturbed: from, &random), twin: replays(20, disturbed: twin, &random),
      seed: seed)
  }

  private let quiet = [0, 0, 0, 0, 0, 0, 0, 0, 0]

  @Test func quietRepeatsGiveTheGap() throws {
    let gap = result(from: quiet, to: quiet, twin: quiet).windowGapNs(0, less: 1)
    #expect((gap.value - 14).magnitude < 0.1)
    let low = try #require(gap.low)
    let high = try #require(gap.high)
    #expect(low <= gap.value && gap.value <= high && high - low < 0.5)
  }

  /// Five of nine repeats of one side were disturbed from end to end: the median is off by the
  /// whole of it, the windows' quartiles are not.
  @Test func mostRepeatsDisturbed() {
    let disturbed = result(from: [10, 10, 0, 10, 0, 10, 0, 10, 0], to: quiet, twin: quiet)
    #expect((disturbed.windowGapNs(0, less: 1).value - 14).magnitude < 0.2)
    let medians = disturbed.ns(0).value - disturbed.ns(1).value
    #expect(medians > 30)
  }

  /// Half of the windows of every repeat: no repeat is whole, every window is.
  @Test func everyRepeatDisturbedInPart() {
    let disturbed = result(
      from: [5, 5, 5, 5, 5, 5, 5, 5, 5], to: quiet, twin: [5, 5, 5, 5, 5, 5, 5, 5, 5])
    let gap = disturbed.windowGapNs(0, less: 1)
    // A window in eleven is hit in seven of nine repeats or more.
    #expect((gap.value - 14).magnitude < 2.5)
    #expect(disturbed.ns(0).value - disturbed.ns(1).value > 20)
  }

  @Test func noiseFloorFollowsTheSameEstimate() throws {
    let calm = try #require(result(from: quiet, to: quiet, twin: quiet).windowNoiseFloorNs)
    let twin = result(from: quiet, to: quiet, twin: [10, 0, 0, 10, 0, 0, 0, 10, 0])
    #expect(calm < 0.2)
    #expect(try #require(twin.windowNoiseFloorNs) < 1)
    #expect(try #require(twin.noiseFloorNs) > 10)
    // All of it disturbed can't be told from slow: then the floor says so.
    let slow = result(from: quiet, to: quiet, twin: [10, 10, 10, 10, 10, 10, 10, 10, 10])
    #expect(try #require(slow.windowNoiseFloorNs) > 19)
  }

  @Test func equalsTheQuartilesThatFitsWorkOn() {
    let result = result(from: [3, 0, 9, 1, 0, 0, 10, 0, 2], to: quiet, twin: quiet)
    let one = result.windowNanoseconds(0).reduce(0) { $0 + Double($1) }
    let other = result.windowNanoseconds(1).reduce(0) { $0 + Double($1) }
    let expected = (one - other) / Double(result.calls)
    #expect((result.windowGapNs(0, less: 1).value - expected).magnitude < 1e-3)
  }

  @Test func oneRepeatSetsNoBounds() {
    let gap = result(from: [0], to: [0], twin: [0]).windowGapNs(0, less: 1)
    #expect(gap.low == nil && gap.high == nil)
    #expect(result(from: [0], to: [0], twin: [0]).windowNoiseFloorNs == nil)
  }
}
