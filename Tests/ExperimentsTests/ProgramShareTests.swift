import Designs
import Foundation
import Platform
import Replay
import Testing
import Traces

@testable import Experiments

/// Shares of a program's time, against numbers computed by hand.
@Suite struct ProgramShareTests {
  private func share(
    recorded: Double, glibc: Estimate, before: Estimate, payoff: Estimate
  ) -> ProgramShare? {
    ProgramShare(
      recorded: recorded, events: 10_000_000, glibcNs: glibc, before: before, payoff: payoff)
  }

  private func exact(_ value: Double) -> Estimate {
    Estimate(value: value, low: value, high: value)
  }

  /// Ten million events: 1 s recorded, 0.25 s of it the recorder's and 0.2 s glibc's; under the
  /// design 0.3 s. Of these 0.85 s a payoff of 17 ns is 0.17 s, a fifth.
  @Test func aShareIsOfTheTimeUnderTheDesign() throws {
    let found = try #require(
      share(recorded: 1, glibc: exact(20), before: exact(30), payoff: exact(17)))
    #expect(abs(found.secondsBefore.value - 0.85) < 1e-9)
    #expect(abs(found.secondsSaved.value - 0.17) < 1e-9)
    #expect(abs(found.percent.value - 20) < 1e-9)
    // The recorder may have taken 0.12 or 0.5 s.
    #expect(abs(try #require(found.secondsBefore.low) - 0.6) < 1e-9)
    #expect(abs(try #require(found.secondsBefore.high) - 0.98) < 1e-9)
    // With 0.6 s 28.33 %, with 0.98 s 17.35 %.
    #expect(abs(try #require(found.percent.low) - 17 / 0.98) < 1e-9)
    #expect(abs(try #require(found.percent.high) - 17 / 0.6) < 1e-9)
  }

  /// What isn't known of glibc and of the design is in the interval of the time too.
  @Test func allThreePartsWidenTheTime() throws {
    let found = try #require(
      share(
        recorded: 1, glibc: Estimate(value: 20, low: 16, high: 28),
        before: Estimate(value: 30, low: 24, high: 42), payoff: exact(-17)))
    let below = hypot(hypot(0.25, 0.08), 0.06)
    let above = hypot(hypot(0.13, 0.04), 0.12)
    #expect(abs(try #require(found.secondsBefore.low) - (0.85 - below)) < 1e-9)
    #expect(abs(try #require(found.secondsBefore.high) - (0.85 + above)) < 1e-9)
    #expect(found.percent.value < 0)
    let most = 17 / (0.85 - below)
    #expect(abs(try #require(found.percent.low) + most) < 1e-9, "a smaller base makes it worse")
  }

  @Test func anUnknownEndStaysUnknown() throws {
    let found = try #require(
      share(
        recorded: 1, glibc: exact(20), before: exact(30),
        payoff: Estimate(value: 17, low: 10, high: nil)))
    #expect(found.percent.low != nil && found.percent.high == nil)
  }

  @Test func nothingLeftOfTheProgramIsNoShare() {
    #expect(share(recorded: 0.3, glibc: exact(20), before: exact(15), payoff: exact(1)) == nil)
  }

  /// Two processes of one command: 0.17 of 0.85 s and nothing of 0.15 s are 17 % of both.
  @Test func processesOfACommandWeighByTheirTime() throws {
    let large = ProgramShare(secondsSaved: exact(0.17), secondsBefore: exact(0.85))
    let small = ProgramShare(secondsSaved: exact(0), secondsBefore: exact(0.15))
    let both = try #require(ProgramShare.sum([large, small]))
    #expect(abs(both.percent.value - 17) < 1e-9)
    #expect(abs(both.scaled(toSeconds: 2).percent.value - 8.5) < 1e-9)
    #expect(ProgramShare.sum([]) == nil)
  }

  private func verdict(
    _ shares: [ProgramFinding], measured: Estimate, seconds: Double
  ) -> ProgramVerdict {
    ProgramVerdict(
      name: "x", findings: shares.enumerated().map { (trace: "t\($0)", program: $1) },
      outcome: .init(savedPercent: measured, pairs: 30), secondsBefore: seconds,
      noiseFloorPercent: 0.2)
  }

  @Test func aVerdictComparesWithTheBar() throws {
    let share = ProgramFinding.share(
      ProgramShare(
        secondsSaved: Estimate(value: 0.1, low: 0.08, high: 0.12), secondsBefore: exact(1)))
    let near = verdict([share], measured: Estimate(value: 8.1, low: 7, high: 9), seconds: 1.02)
    #expect(!near.isScaled)
    #expect(abs(try #require(near.errorPoints) - 1.9) < 1e-9)
    #expect(abs(near.barPoints - 2.025) < 1e-9 && near.meetsBar == true)
    #expect(near.isInInterval == true)
    let far = verdict([share], measured: Estimate(value: 7, low: 6.9, high: 7.1), seconds: 1)
    #expect(far.meetsBar == false && far.isInInterval == false)
    let small = verdict([share], measured: exact(0.1), seconds: 1)
    #expect(small.barPoints == 0.3)
  }

  /// Half an interval of three times what the error may be: nine times as many pairs.
  @Test func aVerdictSaysHowManyPairsWouldTell() {
    let share = ProgramFinding.share(
      ProgramShare(secondsSaved: exact(0.1), secondsBefore: exact(1)))
    let wide = verdict([share], measured: Estimate(value: 8, low: 2, high: 14), seconds: 1)
    #expect(wide.barPoints == 2 && wide.pairsToTell == 270)
    let narrow = verdict([share], measured: Estimate(value: 8, low: 6.5, high: 9.5), seconds: 1)
    #expect(narrow.pairsToTell == nil)
    let open = verdict([share], measured: Estimate(value: 8, low: nil, high: 9), seconds: 1)
    #expect(open.pairsToTell == nil)
    let boundless = verdict(
      [share], measured: Estimate(value: 8, low: -1e12, high: 1e12), seconds: 1)
    #expect(boundless.pairsToTell == .max)
    let missing = verdict(
      [.unknown(reason: "calls were dropped")], measured: Estimate(value: 8, low: 2, high: 14),
      seconds: 1)
    #expect(missing.pairsToTell == nil)
  }

  /// The traces cover a quarter of what the command takes: the answer is a share of all of it.
  @Test func aCommandThatTakesMoreThanItsTracesScalesTheAnswer() throws {
    let share = ProgramFinding.share(
      ProgramShare(secondsSaved: exact(0.1), secondsBefore: exact(0.5)))
    let found = verdict([share], measured: exact(5), seconds: 2)
    #expect(found.isScaled && found.tracedShare == 0.25)
    #expect(abs(try #require(found.predictedPercent).value - 5) < 1e-9)
  }

  /// Nine of ten runs are slowed down, each by something else.
  @Test func whatDisturbsRunsIsNotTheCommandsTime() {
    let slow: [Double] = stride(from: 1.54, to: 1, by: -0.01).map { $0 }
    let quiet = [Double](repeating: 1, count: 6)
    #expect(slow.count == 54)
    #expect(ProgramComparison.undisturbed(slow + quiet) == 1)
    #expect(ProgramComparison.undisturbed([2]) == 2)
  }

  @Test func aTraceWithoutAShareLeavesNothingPredicted() {
    let share = ProgramFinding.share(
      ProgramShare(secondsSaved: exact(0.1), secondsBefore: exact(0.5)))
    let found = verdict([share, .unknown(reason: "it was cut")], measured: exact(5), seconds: 1)
    #expect(found.predictedPercent == nil && found.meetsBar == nil)
    #expect(found.reason == "t1: it was cut")
  }

  struct Recording: Sendable {
    var dropped: UInt64?
    var counter: String?
    var seconds: Double?
    /// What is said to be missing; nil where nothing is.
    var reason: String?
  }

  private static let recordings = [
    Recording(reason: "doesn't know"),
    Recording(dropped: 0, seconds: 2),
    Recording(dropped: 7, seconds: 2, reason: "7 calls were dropped"),
    Recording(dropped: 0, counter: "stoppedAtMaximum", seconds: 2, reason: "--max-events"),
  ]

  /// Only a whole trace tells what its process took.
  @Test(arguments: recordings)
  func partsOfARunHaveNoShare(_ recording: Recording) throws {
    let folder = try PrivateFolder(prefix: "program-share-test")
    let writer = try TraceWriter(path: folder.file("a.mlt"), header: TraceHeader(program: "a"))
    try writer.append(Event(kind: .malloc, slot: 0, size: 8, time: 1, site: 0))
    var footer = TraceFooter(
      userSeconds: recording.seconds, systemSeconds: recording.seconds.map { _ in 1 })
    footer.recorder = recording.dropped.map {
      TraceFooter.Recorder(dropped: $0, counters: recording.counter.map { [$0: 1] } ?? [:])
    }
    try writer.finish(footer: footer)
    let trace = try TraceReader(path: folder.file("a.mlt"))
    if let reason = recording.reason {
      let error = try #require(throws: MissingProgramTime.self) { try trace.wholeRunSeconds() }
      #expect(error.reason.contains(reason))
    } else {
      #expect(try trace.wholeRunSeconds() == 3)
    }
  }

  /// Each call costs 1 ns, wherever it comes from: sites cost what they call.
  @Test func sitesCostWhatTheyCall() throws {
    let folder = try PrivateFolder(prefix: "site-costs-test")
    let writer = try TraceWriter(path: folder.file("a.mlt"), header: TraceHeader(program: "a"))
    let module = try writer.moduleNumber(Module(path: "/bin/a"))
    for offset in 1...3 { _ = try writer.siteNumber(module: module, offset: UInt64(offset)) }
    for slot in 0..<6 {
      try writer.append(
        Event(
          kind: .malloc, slot: UInt32(slot), size: 40, time: UInt64(slot),
          site: slot < 4 ? 1 : 2))
    }
    for slot in 0..<2 {
      try writer.append(Event(kind: .free, slot: UInt32(slot), time: UInt64(slot + 9), site: 2))
    }
    try writer.finish()
    var costs = [Double](repeating: 0, count: Step.count)
    for step in [Step.mallocCall, .freeCall] { costs[Int(step.rawValue)] = 1 }
    let pool = Design(family: try #require(Family.all.first { $0.name == "pool" }))
    let sites = try SiteCost.all(
      of: "a", Workload(trace: try TraceReader(path: folder.file("a.mlt"))), under: pool,
      costs: costs)
    #expect(sites.map(\.site) == [1, 2])
    #expect(sites.map(\.events) == [4, 4])
    #expect(sites.map(\.ns) == [0.5, 0.5] && sites.map(\.share) == [0.5, 0.5])
  }
}
