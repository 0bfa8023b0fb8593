import Foundation
import Platform
import TestSupport
import Testing
import Traces

@testable import Replay

@Suite struct ProtocolTests {
  private func campaign(seed: UInt64, repeats: Int = 4) -> ReplayCampaign {
    ReplayCampaign(
      contenders: ["a", "b", "c"].map { Contender(name: $0, library: nil) },
      nullLibrary: URL(fileURLWithPath: "/null.so"), repeats: repeats, seed: seed)
  }

  @Test func everyRoundHoldsEverySubjectOnce() {
    let schedule = campaign(seed: 1).schedule
    #expect(schedule.count == 4 * 5)
    for round in 0..<4 {
      let subjects = schedule[(round * 5)..<(round * 5 + 5)]
      #expect(subjects.allSatisfy { $0.round == round })
      #expect(Set(subjects.map(\.subject)).count == 5)
    }
  }

  @Test func orderFollowsFromTheSeed() {
    #expect(campaign(seed: 1).schedule == campaign(seed: 1).schedule)
    #expect(campaign(seed: 1, repeats: 20).schedule != campaign(seed: 2, repeats: 20).schedule)
  }

  @Test func whatWasKeptIsNotMeasuredAgain() throws {
    let null = try testPlayer().executable.deletingLastPathComponent()
      .appendingPathComponent("libMallometerNull.so")
    let campaign = ReplayCampaign(
      contenders: [Contender(name: "glibc", library: nil)], nullLibrary: null, repeats: 2, seed: 3)
    let plan = try Plan.compile(EventArraySource.mixed(operations: 3000, slots: 50, seed: 1))
    let player = try testPlayer()
    var kept: [ReplayCampaign.Key: ReplayMeasurement] = [:]
    struct Interrupted: Error {}
    let store = ReplayCampaign.Store(find: { kept[$0] }, keep: { kept[$0] = $1 })
    var done = 0
    #expect(throws: Interrupted.self) {
      try campaign.run(plan, player: player, store: store) { _ in
        done += 1
        if done == 3 { throw Interrupted() }
      }
    }
    #expect(kept.count == 3)
    let before = kept
    let result = try campaign.run(plan, player: player, store: store)
    #expect(kept.count == 6)
    for (key, measurement) in before { #expect(kept[key] == measurement) }
    #expect(result.contenders[0].count == 2 && result.null.count == 2 && result.twin.count == 2)
    #expect(result.windowNanoseconds(0).count == 3)
    #expect(result.noiseFloorNs != nil)
  }

  @Test func modesOfTwoLevels() {
    let modes = RepeatStatistics.modes([12, 12.1, 16, 12.05, 16.1, 12.02])
    #expect(modes.count == 2)
    #expect(abs(modes[0].share - 4.0 / 6) < 1e-9)
    #expect(abs(modes[1].ns - 16.05) < 1e-9)
    #expect(RepeatStatistics.modes([10, 10.1, 10.2, 10.15, 10.3]).count == 1)
    #expect(RepeatStatistics.modes([10, 10, 10, 10, 20]).count == 1)
    #expect(RepeatStatistics.modes([]).isEmpty)
    #expect(RepeatStatistics.modes([5]) == [.init(ns: 5, share: 1)])
  }

  @Test func oneRepeatSetsNoBounds() {
    let estimate = RepeatStatistics.difference([3], less: [1], seed: 1)
    #expect(estimate.value == 2 && estimate.low == nil && estimate.high == nil)
  }

  /// 120 samples of five and of ten normal values: about 95 % of the intervals hold the truth.
  @Test(arguments: [5, 10])
  func intervalsCover(repeats: Int) {
    var random = SeededGenerator(seed: 42)
    func normal() -> Double {
      (0..<12).reduce(-6.0) { total, _ in total + Double.random(in: 0..<1, using: &random) }
    }
    let trials = 120
    var hits = 0
    for trial in 0..<trials {
      let values = (0..<repeats).map { _ in 10 + normal() }
      let baseline = (0..<repeats).map { _ in 4 + 0.3 * normal() }
      if RepeatStatistics.difference(values, less: baseline, seed: UInt64(trial)).contains(6) {
        hits += 1
      }
    }
    #expect(hits >= trials * 91 / 100)
  }

  @Test func windowQuartilesIgnoreDisturbedRepeats() {
    func measurement(_ windows: [Float]) -> ReplayMeasurement {
      ReplayMeasurement(
        windowNanoseconds: windows, waitedNanoseconds: 0, calls: 2048, coreGHz: 3, tscGHz: 2,
        pageFaults: 0, peakResidentBytes: 0, involuntarySwitches: 0)
    }
    let repeats = [measurement([1, 2]), measurement([1.2, 900]), measurement([1.1, 2.2])]
    #expect(RepeatStatistics.windowQuartiles(repeats) == [1, 2])
    #expect(RepeatStatistics.windowQuartiles([]).isEmpty)
  }
}
