import Designs
import Foundation
import Platform
import Testing

@testable import Experiments
@testable import Notebook
@testable import Replay

/// What takes 10 ns a window in the replay itself, and these in the allocator.
private let allocatorNs: [String: Float] = ["a": 30, "b": 20, "c": 5, "null": 0]

/// Replays that are written into a notebook instead of being made, by machines of different speed.
@Suite struct SessionTests {
  let folder: PrivateFolder
  let notebook: Notebook
  let start = Date(timeIntervalSince1970: 1_700_000_000)

  init() throws {
    folder = try PrivateFolder(prefix: "session-test")
    notebook = try Notebook(path: folder.file("n.sqlite"))
    try Data("player".utf8).write(to: player)
    try Data("null".utf8).write(to: null)
    try Data("libc".utf8).write(to: systemLibrary)
  }

  private var player: URL { URL(fileURLWithPath: folder.file("player")) }
  private var null: URL { URL(fileURLWithPath: folder.file("null.so")) }
  private var systemLibrary: URL { URL(fileURLWithPath: folder.file("libc.so.6")) }

  private func campaign(
    _ names: String..., repeats: Int = 4, hasTwin: Bool = true
  ) -> ReplayCampaign {
    ReplayCampaign(
      contenders: names.map { Contender(name: $0, library: nil) }, nullLibrary: null,
      repeats: repeats, seed: 1, hasTwin: hasTwin)
  }

  private func store(anew: Bool = false, after seconds: TimeInterval = 0) -> MeasurementStore {
    MeasurementStore(
      notebook: notebook, player: player, seed: 1, measuresAnew: anew,
      libraries: SystemLibraries(systemLibrary: systemLibrary.path), now: { start + seconds })
  }

  private func name(_ key: ReplayCampaign.Key, _ campaign: ReplayCampaign) -> String {
    switch key.subject {
    case .null: "null"
    case .twin: campaign.contenders[0].name
    case .contender(let index): campaign.contenders[index].name
    }
  }

  /// Does what a campaign does: finds, or "measures" and keeps.
  private func run(
    _ campaign: ReplayCampaign, _ kept: ReplayCampaign.Store, slowness: Float,
    interruptedAfter limit: Int = .max
  ) throws -> (result: CampaignResult, measured: Int) {
    var all: [ReplayCampaign.Subject: [ReplayMeasurement]] = [:]
    var measured = 0
    for key in campaign.schedule.prefix(limit) {
      var measurement = try kept.find(key)
      if measurement == nil {
        let ns = slowness * (10 + (allocatorNs[name(key, campaign)] ?? 0))
        let new = ReplayMeasurement(
          windowNanoseconds: [ns, ns], waitedNanoseconds: 0, calls: 2, coreGHz: 3, tscGHz: 3,
          pageFaults: 0, peakResidentBytes: 0, involuntarySwitches: 0)
        try kept.keep(key, new)
        measured += 1
        measurement = new
      }
      all[key.subject, default: []].append(try #require(measurement))
    }
    let result = CampaignResult(
      calls: 2, contenders: campaign.contenders.indices.map { all[.contender($0)] ?? [] },
      null: all[.null] ?? [], twin: all[.twin] ?? [], seed: 1)
    return (result, measured)
  }

  private func run(
    _ campaign: ReplayCampaign, slowness: Float, anew: Bool = false,
    after seconds: TimeInterval = 0,
    interruptedAfter limit: Int = .max
  ) throws -> (result: CampaignResult, measured: Int) {
    let kept = try store(anew: anew, after: seconds)
      .store(for: campaign, trace: "t", options: "{}")
    return try run(campaign, kept, slowness: slowness, interruptedAfter: limit)
  }

  private func sessions() throws -> [MeasurementSession] {
    try notebook.sessions(trace: "t", options: "{}")
  }

  @Test func aGapIsFormedWithinOneSession() throws {
    _ = try run(campaign("a", "c"), slowness: 1)
    // `a` is known, but of a machine that was half as fast again: it is measured beside `b`.
    let slow = try run(campaign("a", "b"), slowness: 1.5)
    #expect(slow.measured == 16)
    #expect(slow.result.windowGapNs(0, less: 1).value == 15, "1.5 × (30 − 20)")
    #expect(slow.result.windowNoiseFloorNs == 0, "the twin is of the same session")
    #expect(slow.result.windowNanoseconds(1) == [30, 30], "less 1.5 times what null takes")
    // `c` is in the first alone and `b` in the second: nothing of either serves.
    let apart = try run(campaign("b", "c"), slowness: 2)
    #expect(apart.measured == 16)
    #expect(apart.result.windowGapNs(0, less: 1).value == 30)
    // What was measured together is found, each in its own session.
    let again = try run(campaign("a", "c"), slowness: 9)
    #expect(again.measured == 0 && again.result.windowGapNs(0, less: 1).value == 25)
    let fewer = try run(campaign("a", "b", repeats: 3), slowness: 9)
    #expect(fewer.measured == 0 && fewer.result.windowGapNs(0, less: 1).value == 15)
  }

  /// What glibc took before an upgrade is no other glibc's time.
  @Test func anotherSystemLibraryIsMeasuredAnew() throws {
    #expect(try run(campaign("a"), slowness: 1).measured == 12)
    #expect(try run(campaign("a"), slowness: 1).measured == 0)
    try Data("libc, upgraded".utf8).write(to: systemLibrary)
    #expect(try run(campaign("a"), slowness: 1).measured == 12)
    try Data("libc".utf8).write(to: systemLibrary)
    #expect(try run(campaign("a"), slowness: 1).measured == 0)
  }

  @Test func theNewestOfCompleteSessionsCounts() throws {
    _ = try run(campaign("a", "b"), slowness: 1)
    _ = try run(campaign("a", "b"), slowness: 1.5, anew: true)
    let again = try run(campaign("a", "b"), slowness: 9)
    #expect(again.measured == 0 && again.result.windowGapNs(0, less: 1).value == 15)
  }

  @Test func aSessionWithoutThePairIsNoneForAGap() throws {
    _ = try run(campaign("a", "b", hasTwin: false), slowness: 1)
    #expect(try run(campaign("a", "b"), slowness: 1.5).measured == 16)
    #expect(try run(campaign("a", "b", hasTwin: false), slowness: 2).measured == 0)
  }

  @Test(arguments: 1..<16) func whatWasInterruptedGoesOn(count: Int) throws {
    _ = try run(campaign("a", "b"), slowness: 1, interruptedAfter: count)
    let rest = try run(campaign("a", "b"), slowness: 1, after: 60)
    #expect(rest.measured == 16 - count && rest.result.windowGapNs(0, less: 1).value == 10)
    #expect(try sessions().count == 1)
  }

  @Test func longAfterAnInterruptionOnlyWholeRoundsCount() throws {
    // Four participants: two rounds and half of the third.
    _ = try run(campaign("a", "b"), slowness: 1, interruptedAfter: 10)
    let rest = try run(campaign("a", "b"), slowness: 1.5, after: 86_400)
    #expect(rest.measured == 8)
    let levels = rest.result.contenders.map { $0.map(\.windowNanoseconds[0]) }
    #expect(levels == [[40, 40, 60, 60], [30, 30, 45, 45]])
    #expect(rest.result.null.map(\.windowNanoseconds[0]) == [10, 10, 15, 15])
    #expect(try run(campaign("a", "b"), slowness: 9, after: 86_500).measured == 0)
  }

  @Test func moreRepeatsFollowThoseThatAreThere() throws {
    _ = try run(campaign("a", "b", repeats: 2), slowness: 1)
    #expect(try run(campaign("a", "b", repeats: 4), slowness: 1, after: 86_400).measured == 8)
  }

  // MARK: - Builds

  /// Contenders of three builds each, whose libraries are made if need be.
  private func built(_ names: String..., repeats: Int = 6) throws -> ReplayCampaign {
    let contenders = try names.map { name in
      let builds = (0..<3).map { URL(fileURLWithPath: folder.file("\(name)-\($0).so")) }
      for build in builds { try Data(build.path.utf8).write(to: build) }
      return Contender(name: name, builds: builds)
    }
    return ReplayCampaign(
      contenders: contenders, nullLibrary: null, repeats: repeats, seed: 1)
  }

  @Test func theNotebookKnowsWhichBuildWasMeasured() throws {
    #expect(try run(try built("a", "b"), slowness: 1).measured == 24)
    let session = try #require(try sessions().first)
    let builds = session.rounds.filter { $0.key.allocator == "a" && $0.key.kind == .time }
    #expect(Set(builds.values) == [[0, 3], [1, 4], [2, 5]], "each build has its rounds")
    #expect(try run(try built("a", "b"), slowness: 9).measured == 0)
    #expect(try run(try built("a", "b", repeats: 3), slowness: 9).measured == 0)
    #expect(try run(try built("a", "b", repeats: 9), slowness: 1).measured == 12)
  }

  @Test func measurementsOfOneBuildDoNotStandForThree() throws {
    let one = Contender(name: "a", builds: Array(try built("a").contenders[0].builds.prefix(1)))
    let single = ReplayCampaign(contenders: [one], nullLibrary: null, repeats: 6, seed: 1)
    #expect(try run(single, slowness: 1).measured == 18)
    #expect(try run(try built("a"), slowness: 2).measured == 18, "measured anew")
    #expect(try run(single, slowness: 9).measured == 0, "older notebooks serve as they did")
  }

  @Test(arguments: [5, 12, 17]) func anInterruptedSessionOfBuildsGoesOn(count: Int) throws {
    _ = try run(try built("a", "b"), slowness: 1, interruptedAfter: count)
    #expect(try run(try built("a", "b"), slowness: 1, after: 60).measured == 24 - count)
    #expect(try sessions().count == 1)
  }

  // MARK: - Fits

  /// Runs a fit's measuring on this trace as the laboratory does.
  private func fitTimes(
    _ names: [String], defaults: [Int], slowness: Float
  ) throws -> (times: DesignTimes, measured: Int) {
    let store = store()
    let contenders = names.map { Contender(name: $0, library: nil) }
    let family = try #require(Family.all.first)
    let designs = names.map { _ in Design(family: family) }
    var times = DesignTimes()
    var measured = 0
    let parts = try store.parts(
      contenders, defaults: defaults, nullLibrary: null, trace: "t", options: "{}", repeats: 4)
    for part in parts {
      let indices = part.members + part.bridges
      let campaign = ReplayCampaign(
        contenders: indices.map { contenders[$0] }, nullLibrary: null, repeats: 4, seed: 1,
        hasTwin: false)
      let kept = store.store(
        for: campaign, trace: "t", options: "{}", in: part.session ?? .new())
      let made = try run(campaign, kept, slowness: slowness)
      measured += made.measured
      times.add(
        part, measured: indices.indices.map { made.result.windowNanoseconds($0) }, of: designs,
        on: "t")
    }
    return (times, measured)
  }

  @Test func aFitScalesWhatJoinsLaterByTheDefaultDesign() throws {
    let first = try fitTimes(["a", "c"], defaults: [0], slowness: 1)
    #expect(first.measured == 12 && first.times.otherSessions.isEmpty)
    // `b` joins when the machine is slower: the default `a` and null are measured again with it.
    let second = try fitTimes(["a", "b", "c"], defaults: [0], slowness: 1.5)
    #expect(second.measured == 12)
    let other = try #require(second.times.otherSessions.first)
    #expect(second.times.otherSessions.count == 1 && other.designs.count == 1)
    #expect(abs(try #require(other.scale) - 1 / 1.5) < 1e-6)
    for (index, ns) in [(0, 30), (1, 20), (2, 5)] as [(Int, Float)] {
      let windows = try #require(second.times.windowNanoseconds[index])
      #expect(windows.allSatisfy { abs($0 - ns) < 1e-4 }, "design \(index)")
    }
    // Both sessions have two of the three now: the newer sets the level.
    let third = try fitTimes(["a", "b", "c"], defaults: [0], slowness: 9)
    #expect(third.measured == 0 && third.times.otherSessions.map(\.scale) == [1.5])
    let levels = (0..<3).map { third.times.windowNanoseconds[$0]?.first }
    #expect(levels == [45, 30, 7.5])
  }

  @Test func withoutABridgeAFitTakesTheSessionsOwnNull() throws {
    _ = try run(campaign("a", "c"), slowness: 1)
    _ = try run(campaign("b"), slowness: 1.5)
    let both = try fitTimes(["a", "b", "c"], defaults: [0], slowness: 9)
    #expect(both.measured == 0 && both.times.otherSessions.map(\.scale) == [nil])
    #expect(both.times.windowNanoseconds[1] == [30, 30], "1.5 × 20, not 1.5 × 30 − 10")
  }

  @Test func aFitContinuesWhatWasInterruptedAndMeasuresTheNewApart() throws {
    // Three participants: two whole rounds.
    _ = try run(
      campaign("a", "b", hasTwin: false), slowness: 1, interruptedAfter: 6)
    let store = store()
    let contenders = ["a", "b", "c"].map { Contender(name: $0, library: nil) }
    let parts = try store.parts(
      contenders, defaults: [0], nullLibrary: null, trace: "t", options: "{}", repeats: 4)
    #expect(parts.map(\.members) == [[0, 1], [2]])
    #expect(parts.map(\.bridges) == [[], [0]])
    #expect(parts[0].session?.name == (try sessions().first?.name) && parts[1].session == nil)
    let lacking = try store.lacking(
      contenders, nullLibrary: null, trace: "t", options: "{}", repeats: 4)
    #expect(lacking[2] == nil && lacking[0] != nil && lacking[0] != 0)
  }
}
