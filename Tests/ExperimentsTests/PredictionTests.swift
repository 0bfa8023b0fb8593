import Costs
import Designs
import Platform
import Testing

@testable import Experiments
@testable import Replay

@Suite struct PredictionTests {
  /// Predicted 2 within 1, measured as given: whether the measurement counts as inside what was
  /// predicted alone, and inside what both allow for.
  @Test(arguments: [
    (2.9, 2.9, 2.9, true, true), (3.1, 3.1, 3.1, false, false), (0.9, 0.9, 0.9, false, false),
    // Noise of 1 on the side that faces the prediction: inside up to the root of two.
    (3.4, 2.4, 9.0, false, true), (3.5, 2.5, 9.0, false, false), (0.5, -9.0, 1.5, false, false),
    (0.6, -9.0, 1.6, false, true), (1.0, -9.0, 9.0, true, true),
  ])
  func measurementsAreComparedWithBothUncertainties(
    value: Double, low: Double, high: Double, isInsideAlone: Bool, isInside: Bool
  ) {
    let agreement = Agreement(
      predicted: Estimate(value: 2, low: 1, high: 3),
      measured: Estimate(value: value, low: low, high: high))
    #expect(agreement.isInside == isInside)
    #expect(agreement.isInsideAlone == isInsideAlone)
  }

  /// An end that nobody knows holds nothing in: neither inside nor outside.
  @Test func anUnknownEndDecidesNothing() {
    let bounded = Estimate(value: 2, low: 1, high: 3)
    let above = Estimate(value: 2, low: nil, high: 3)
    let measured = Estimate(unbounded: 1.5)
    #expect(Agreement(predicted: above, measured: bounded).isInside == true)
    #expect(Agreement(predicted: above, measured: measured).isInside == nil)
    #expect(Agreement(predicted: above, measured: measured).isInsideAlone == nil)
    #expect(Agreement(predicted: bounded, measured: measured).isInside == nil)
    #expect(Agreement(predicted: bounded, measured: measured).isInsideAlone == true)
  }

  /// One wrong sign, one right one that is 20 % off, one under its noise.
  @Test func verificationsAreSummedUpWithSignsApart() throws {
    func payoff(
      _ predicted: Double, _ half: Double, _ measured: Double, _ noise: Double, floor: Double?
    ) -> (agreement: Agreement, noiseFloorNs: Double?) {
      (
        Agreement(
          predicted: Estimate(value: predicted, low: predicted - half, high: predicted + half),
          measured: Estimate(value: measured, low: measured - noise, high: measured + noise)),
        floor
      )
    }
    let summary = VerificationSummary([
      payoff(1.2, 0.1, 1, 0.4, floor: 0.2), payoff(0.5, 1, -2, 0.4, floor: 0.2),
      // Over the floor of the pair, and under its own scatter.
      payoff(0.6, 0.05, 0.5, 0.6, floor: 0.2),
      // Nothing bounds it: it can tell no sign.
      (
        Agreement(
          predicted: Estimate(value: 1, low: 0.5, high: 1.5), measured: Estimate(unbounded: 3)),
        nil
      ),
    ])
    #expect(summary.compared == 4 && summary.overNoise == 2)
    #expect(summary.pay == 1 && summary.cost == 1)
    #expect(summary.rightSignPercent == 50)
    // 20 % and 125 %.
    #expect(abs(try #require(summary.medianErrorPercent) - 72.5) < 1e-9)
    // Of these two the first is inside, and half widths are 10 and 50 %.
    #expect(summary.overNoiseInsidePercent == 50)
    #expect(abs(try #require(summary.overNoiseHalfWidthPercent) - 30) < 1e-9)
    #expect(summary.insideAlonePercent == 0)
    #expect(abs(try #require(summary.insidePercent) - 200 / 3) < 1e-9)
    // 0.1 of 1, 1 of 2, and 0.05 of a noise of 0.6.
    #expect(abs(try #require(summary.medianHalfWidthPercent) - 10) < 1e-9)
  }

  /// A trace and what it was rewritten to have null replays of their own, whose scatter is in the
  /// interval of what each takes.
  @Test func theNullReplaysOfAPlanAreInItsInterval() throws {
    func replays(_ times: [Float]) -> [ReplayMeasurement] {
      times.map {
        ReplayMeasurement(
          windowNanoseconds: [$0, $0], waitedNanoseconds: 0, calls: 2, coreGHz: 3, tscGHz: 3,
          pageFaults: 0, peakResidentBytes: 0, involuntarySwitches: 0)
      }
    }
    func half(null: [Float]) throws -> Double {
      let result = CampaignResult(
        calls: 2, contenders: [replays([30, 30.1, 29.9, 30.2, 29.8, 30])], null: replays(null),
        twin: [], seed: 1)
      let found = result.meanNs(0)
      return try #require(found.high) - found.value
    }
    let still = try half(null: [10, 10, 10, 10, 10, 10])
    #expect(still > 0)
    #expect(try half(null: [10, 12, 8, 11, 9, 10]) > 3 * still)
  }

  /// Ctrl-C reaches the command that runs under both designs before it reaches us.
  @Test func anInterruptedCommandIsAnInterruption() throws {
    // Whoever runs the tests may ignore the signal, and so would the command.
    let dies = "$SIG{INT} = 'DEFAULT'; kill INT => $$; sleep 1"
    let comparison = ProgramComparison(command: ["perl", "-e", dies], pairs: 2, seed: 1)
    let nothing = Contender(name: "nothing", library: nil)
    #expect(throws: PlayerError.interrupted) {
      _ = try comparison.run(before: nothing, after: [nothing]) {}
    }
  }

  @Test func contradictionsNameBothChanges() throws {
    let reuse = Design(family: try #require(Family.all.first { $0.name == "reuse" }))
    let found = OptimisationOrder.Contradiction.all(
      of: reuse,
      ["header=16", "header=32", "cache=off", "cache-sites=256", "magic-check=off"]
    ) { name, design throws(DesignError) in
      try DesignCatalogue().apply(name, to: design)
    }
    let pairs = found.map { [$0.first, $0.second] }
    // A header of 16 bytes has no room for call sites, and without a cache there are none.
    #expect(
      pairs == [
        ["header=16", "header=32"], ["header=16", "cache-sites=256"],
        ["cache=off", "cache-sites=256"],
      ])
  }
}
