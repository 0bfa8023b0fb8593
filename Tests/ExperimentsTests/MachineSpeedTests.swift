import Foundation
import Platform
import Testing

@testable import Experiments
@testable import Replay

/// Sessions at different speeds of the machine.
@Suite struct MachineSpeedTests {
  private func session(_ slowness: Double, exponent: Double = 1) -> SessionSpeed {
    SessionSpeed(
      exponents: (0, exponent), usual: Slowness(outside: log(slowness), between: log(slowness)))
  }

  private func isNear(_ one: Double, _ other: Double) -> Bool { (one - other).magnitude < 1e-9 }

  @Test func timesAreBroughtToOneSpeed() throws {
    let sessions = [100, 200, 100, 150].map { session($0) }
    let speed = MachineSpeed(sessions)
    #expect(isNear(try #require(speed.usual?.between), log(100)))
    #expect(isNear(speed.factor(sessions[1]), 0.5))
    #expect(isNear(speed.factor(sessions[0]), 1))
    #expect(isNear(speed.range, 2))
    #expect(speed.notice?.contains("100 % slower") == true)
    // Work that minds a neighbour less is corrected by less.
    #expect(isNear(speed.factor(session(200, exponent: 0.5)), 0.5.squareRoot()))
  }

  /// Some of the sessions are brought to the speed that all of them had.
  @Test func someSessionsAreBroughtToAKnownSpeed() throws {
    let usual = try #require(MachineSpeed([100, 200, 100, 150].map { session($0) }).usual)
    let part = MachineSpeed([session(200)], known: usual)
    #expect(part.usual == usual && isNear(part.factor(session(200)), 0.5))
    #expect(isNear(MachineSpeed([session(200)]).factor(session(200)), 1))
  }

  @Test func whatWasNotTimedIsLeftAsItIs() {
    let untimed = SessionSpeed(exponents: (0, 1), usual: nil)
    #expect(MachineSpeed([untimed, untimed]).factor(untimed) == 1)
    #expect(MachineSpeed([]).usual == nil)
    #expect(MachineSpeed([]).factor(session(120)) == 1)
    let one = MachineSpeed([untimed, session(120)])
    #expect(one.factor(untimed) == 1)
    #expect(one.factor(session(120)) == 1)
    #expect(one.notice == nil)
  }

  @Test func aQuietMachineIsNotWorthANotice() {
    #expect(MachineSpeed([100, 110, 104].map { session($0) }).notice == nil)
    #expect(MachineSpeed([]).notice == nil)
  }

  /// Replays whose time grows with the slowness by known exponents, and by noise.
  private func result(
    outside: Double, between: Double, quiet: Bool = false, seed: UInt64 = 4
  ) -> CampaignResult {
    var random = SeededGenerator(seed: seed)
    func replays(_ ns: Double, count: Int) -> [ReplayMeasurement] {
      (0..<count).map { _ in
        let slow = [0, 1].map { _ in quiet ? 0 : Double.random(in: 0...0.6, using: &random) }
        let noise = Double.random(in: -0.01...0.01, using: &random)
        let time = ns * exp(outside * slow[0] + between * slow[1] + noise)
        return ReplayMeasurement(
          windowNanoseconds: [Float(time), Float(time)], waitedNanoseconds: 0, calls: 2,
          coreGHz: 3, tscGHz: 2, referenceNanoseconds: 20_000 * exp(slow[0]),
          throughputNanoseconds: 300 * exp(slow[1]), pageFaults: 0, peakResidentBytes: 0,
          involuntarySwitches: 0)
      }
    }
    return CampaignResult(
      calls: 2, contenders: [replays(2000, count: 6), replays(3000, count: 6)],
      null: replays(500, count: 6), twin: replays(2000, count: 6), seed: 1, builds: 3)
  }

  /// Every replay then takes what its build takes on the session's usual machine.
  @Test func replaysOfASessionTellWhatANeighbourCostsThem() throws {
    let disturbed = result(outside: 0.3, between: 0.6)
    let speed = SessionSpeed(disturbed)
    #expect((speed.exponents.outside - 0.3).magnitude < 0.05)
    #expect((speed.exponents.between - 0.6).magnitude < 0.05)
    let leveled = speed.leveled(disturbed)
    func spread(_ replays: [ReplayMeasurement]) -> Double {
      let times = replays.map(\.nanoseconds)
      return (times.max() ?? 0) / (times.min() ?? 1)
    }
    #expect(spread(disturbed.contenders[0]) > 1.15)
    #expect(spread(leveled.contenders[0]) < 1.04)
    let ratio = leveled.contenders[1][0].nanoseconds / leveled.contenders[0][0].nanoseconds
    #expect((ratio - 1.5).magnitude < 0.05)
  }

  /// Where the machine is the same throughout nothing says how times grow, and nothing is changed.
  @Test func aQuietSessionStaysAsItIs() {
    let quiet = result(outside: 0, between: 0, quiet: true)
    let leveled = SessionSpeed(quiet).leveled(quiet)
    #expect(leveled.contenders == quiet.contenders)
    #expect(leveled.null == quiet.null)
  }

  @Test func replaysWithoutTheReferenceWorkAreLeftAlone() {
    let timed = result(outside: 0.3, between: 0.6)
    var old = timed.null
    old[0].referenceNanoseconds = 0
    let mixed = CampaignResult(
      calls: 2, contenders: timed.contenders, null: old, twin: timed.twin, seed: 1, builds: 3)
    #expect(SessionSpeed(mixed).usual == nil)
    #expect(SessionSpeed(mixed).leveled(mixed).contenders == timed.contenders)
  }

  @Test func onSeveralThreadsTheReferenceWorkStandsForBoth() throws {
    var replay = result(outside: 0, between: 0).null[0]
    replay.throughputNanoseconds = 0
    let slowness = try #require(Slowness(replay))
    #expect(slowness.between == nil)
    let slower = Slowness(outside: slowness.outside + 0.2, between: log(500)).over(slowness)
    #expect(isNear(slower.outside, 0.2) && isNear(slower.between, 0.2))
  }

  /// The reference work takes fifty times what a probe takes: sessions on several threads, which know
  /// the one, and sessions on one thread, which know both, are compared by what both know.
  @Test func sessionsOnSeveralThreadsAreComparedWithOthers() {
    func speed(_ between: Double?) -> SessionSpeed {
      SessionSpeed(
        exponents: (0.15, 0.75), usual: Slowness(outside: log(20_000), between: between))
    }
    let sessions = [speed(log(350)), speed(nil), speed(log(350))]
    let machine = MachineSpeed(sessions)
    for session in sessions { #expect(isNear(machine.factor(session), 1)) }
    #expect(machine.notice == nil)
    let alone = speed(nil)
    #expect(isNear(MachineSpeed([alone]).factor(alone), 1))
  }
}
