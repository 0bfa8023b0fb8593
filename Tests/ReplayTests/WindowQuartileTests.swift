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

  @Test func aFasterMachineTakesLessOfEverything() {
    let measured = result(from: quiet, to: quiet, twin: quiet)
    let scaled = measured.scaled(by: 0.5)
    let gaps = [measured, scaled].map { $0.windowGapNs(0, less: 1).value }
    #expect(gaps[0] > 10 && (gaps[1] * 2 - gaps[0]).magnitude < 1e-3)
    #expect((scaled.dispatchNs * 2 - measured.dispatchNs).magnitude < 1e-3)
    #expect(scaled.contenders[0][0].calls == measured.contenders[0][0].calls)
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

  // MARK: - Builds

  /// Rounds over three builds in turn, whose layouts make them so much slower than the design.
  private func builds(
    _ perCall: Double, slower: [Double], repeats: Int = 9, _ random: inout SeededGenerator
  ) -> [ReplayMeasurement] {
    (0..<repeats).flatMap { round in
      replays(perCall * slower[round % slower.count], disturbed: [0], &random)
    }
  }

  private func built(
    from: [Double], to: [Double], seed: UInt64 = 5, repeats: Int = 9
  ) -> CampaignResult {
    var random = SeededGenerator(seed: seed)
    return CampaignResult(
      calls: UInt64(Self.windows * Self.calls),
      contenders: [
        builds(20, slower: from, repeats: repeats, &random),
        builds(18, slower: to, repeats: repeats, &random),
      ], null: builds(2, slower: [1], repeats: repeats, &random),
      twin: builds(20, slower: from, repeats: repeats, &random), seed: seed, builds: 3)
  }

  /// A quartile over all repeats would take the luckiest build, 18 ns, for the design.
  @Test func theMeanOverBuildsIsTaken() throws {
    let result = built(from: [0.9, 1, 1.1], to: [1, 1, 1])
    let mean =
      result.windowNanoseconds(0).reduce(0) { $0 + Double($1) } / Double(result.calls)
    #expect((mean - 18).magnitude < 0.2, "20 less the null's 2")
    #expect((result.windowGapNs(0, less: 1).value - 2).magnitude < 0.2)
    let levels = result.levels(result.contenders[0]).levels
    #expect(levels.count == 3)
    for (level, expected) in zip(levels, [18.0, 20, 22]) {
      #expect((level - expected).magnitude < 0.3)
    }
  }

  @Test func theBuildsScatterIsInTheInterval() throws {
    let steady = built(from: [1, 1, 1], to: [1, 1, 1]).windowGapNs(0, less: 1)
    #expect(try #require(steady.low) > 1.5, "a gap of 2 ns is beyond doubt")
    let scattered = built(from: [0.9, 1, 1.1], to: [1, 1, 1])
    let gap = scattered.windowGapNs(0, less: 1)
    #expect(try #require(gap.low) < 0, "with builds 4 ns apart it isn't")
    // The A/A pair has the same builds: what is noise stays small.
    #expect(try #require(scattered.windowNoiseFloorNs) < 0.3)
  }

  @Test func standardErrorsHaveNoiseAndLayout() throws {
    let errors = built(from: [0.9, 1, 1.1], to: [1, 1, 1]).standardErrors.compactMap { $0 }
    #expect(errors.count == 2)
    // Of 20 ns, 10 % from build to build is 2 ÷ √3, drawn towards the other's.
    #expect(errors[0] > 0.6 && errors[0] < 1.2)
    #expect(errors[1] > 0.2 && errors[1] < errors[0])
    let quiet = built(from: [1, 1, 1], to: [1, 1, 1]).standardErrors.compactMap { $0 }
    #expect(quiet.allSatisfy { $0 < 0.05 })
    #expect(result(from: [0], to: [0], twin: [0]).standardErrors == [nil, nil])
    #expect(result(from: [0], to: [0], twin: [0]).nullStandardError == nil)
  }

  /// Of all windows it is the whole gap; of one in two parts neither is surer than the whole.
  @Test func gapsOfSomeWindows() throws {
    let result = built(from: [0.95, 1, 1.05], to: [1, 1, 1])
    let whole = result.windowGapNs(0, less: 1)
    let all = result.windowGapNs(
      0, less: 1, windows: 0..<Self.windows, calls: UInt64(Self.windows * Self.calls))
    #expect(all == whole)
    let half = Self.windows / 2
    let part = result.windowGapNs(
      0, less: 1, windows: 0..<half, calls: UInt64(half * Self.calls))
    #expect((part.value - 2).magnitude < 0.3)
    #expect(try #require(part.low) < part.value && part.value < (try #require(part.high)))
  }

  /// Every time of a session has the null replays' error in it, and no difference of two.
  @Test func theNullsErrorIsCarriedApart() throws {
    var random = SeededGenerator(seed: 6)
    let scattered = CampaignResult(
      calls: UInt64(Self.windows * Self.calls),
      contenders: [builds(20, slower: [1, 1, 1], repeats: 9, &random)],
      null: builds(10, slower: [0.8, 1, 1.2], repeats: 9, &random), twin: [], seed: 6, builds: 3)
    #expect(try #require(scattered.standardErrors[0]) < 0.05)
    #expect(try #require(scattered.nullStandardError) > 0.8)
  }

  /// Builds whose levels are drawn anew: the interval has the true gap in 95 % of the draws or
  /// somewhat more.
  @Test func intervalsOverBuildsCover() {
    var random = SeededGenerator(seed: 77)
    func layout() -> [Double] {
      (0..<3).map { _ in
        1 + 0.03 * (0..<12).reduce(-6.0) { sum, _ in sum + random.unit() }
      }
    }
    let trials = 60
    let hits = (0..<trials).filter { trial in
      built(from: layout(), to: layout(), seed: UInt64(trial), repeats: 3)
        .windowGapNs(0, less: 1).contains(2)
    }.count
    #expect(hits >= trials * 90 / 100)
  }
}
