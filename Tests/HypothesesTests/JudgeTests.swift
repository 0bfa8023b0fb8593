import Designs
import Platform
import Testing

@testable import Hypotheses

private func claim(
  _ quantity: String, _ claimed: ClaimedValue, _ rule: String,
  assumes assumptions: [Claim.Assumption] = []
) throws -> Claim {
  let parsed = try ParsedQuantity(quantity)
  let rule = try #require(Rule(rule))
  let experiment = Claim.Experiment(
    quantity: parsed.quantity, rule: rule, workload: nil, designs: [], standIn: nil,
    assumptions: assumptions)
  return Claim(
    id: "c", claim: "c", source: .text("a colleague"), against: nil, claimed: claimed,
    trial: parsed.quantity.isConstant
      ? .arithmetic(parsed.quantity, rule) : .experiment(experiment),
    expected: nil, sameAs: nil, place: .option("c"))
}

private func ns(_ low: Double, _ high: Double? = nil) -> ClaimedValue {
  ClaimedValue(low: low, high: high ?? low, unit: .nanoseconds)
}

private func known(_ value: Double, _ low: Double?, _ high: Double?) -> Evidence {
  .known(Estimate(value: value, low: low, high: high))
}

private var judge: Judge { Judge(QuantityInterval(coreGHz: 4)) }

@Suite struct JudgeTests {
  @Test(arguments: [
    ("between", ns(5, 10), 7.0, 5.0, 10.0, Verdict.supported),
    ("between", ns(5, 10), 7, 4.9, 10, .inconclusive),
    ("between", ns(5, 10), 7, 6, 10.1, .inconclusive),
    ("between", ns(5, 10), 12, 10.1, 14, .refuted),
    ("between", ns(5, 10), 3, 2, 4.9, .refuted),
    ("between", ns(5, 10), 7, 0, 40, .inconclusive),
    ("within factor 2", ns(8), 8, 4, 16, .supported),
    ("within factor 2", ns(8), 3, 2, 3.9, .refuted),
    ("within factor 2", ns(-8), -8, -16, -4, .supported),
    ("order of magnitude", ns(10), 20, 4, 31, .supported),
    ("equals within 10 %", ns(10), 10, 9, 11, .supported),
    ("equals within 0 %", ns(10), 10, 10, 10, .supported),
    ("at least", ns(5), 7, 5, 9, .supported),
    ("at least", ns(5), 4, 3, 4.9, .refuted),
    ("at most", ns(5), 4, -3, 5, .supported),
    ("at most", ns(5), 6, 4, 8, .inconclusive),
    ("sign", ns(3), 1, 0.1, 2, .supported),
    ("sign", ns(3), 1, 0, 2, .inconclusive),
    ("sign", ns(3), -1, -2, 0, .refuted),
    ("sign", ns(3), 0, 0, 0, .refuted),
    ("sign", ns(-3), -1, -2, -0.1, .supported),
    ("sign", ns(-3), 1, 0, 2, .refuted),
  ])
  func intervalsAgainstRules(
    rule: String, claimed: ClaimedValue, value: Double, low: Double, high: Double,
    verdict: Verdict
  ) throws {
    let found = judge.judge(try claim("time(A)", claimed, rule)) { _ in known(value, low, high) }
    #expect(found.verdict == verdict)
    #expect(found.measured == Estimate(value: value, low: low, high: high))
    #expect(found.reason.hasSuffix("."))
  }

  @Test func unboundedEndsAreAsWideAsCanBe() throws {
    let least = try claim("time(A)", ns(5), "at least")
    #expect(judge.judge(least) { _ in known(7, 6, nil) }.verdict == .supported)
    #expect(judge.judge(least) { _ in known(7, nil, 8) }.verdict == .inconclusive)
    #expect(judge.judge(least) { _ in known(3, nil, 4) }.verdict == .refuted)
    let found = judge.judge(least) { _ in .known(Estimate(unbounded: 7)) }
    #expect(found.verdict == .inconclusive)
    #expect(found.reason.contains("−∞ to ∞"))
  }

  @Test func resultsAreInTheUnitOfTheClaim() throws {
    let cycles = ClaimedValue(low: 20, high: 20, unit: .cycles)
    let found = judge.judge(try claim("time(A)", cycles, "within factor 2")) { _ in known(5, 4, 6) }
    #expect(found.measured == Estimate(value: 20, low: 16, high: 24))
    #expect(found.verdict == .supported && found.reason.contains("20 cycles (16 to 24)"))
  }

  @Test func arithmeticNeedsNoEvidence() throws {
    let right = try claim("17 ns + 9 ns − 4 ns", ns(22), "equals within 0 %")
    let wrong = try claim("200 ns ÷ 37602 ns", .init(low: 20, high: 20, unit: .percent), "at least")
    for (claim, verdict) in [(right, Verdict.supported), (wrong, .refuted)] {
      let found = judge.judge(claim) { _ in .missing(.inconclusive, reason: "none") }
      #expect(found.verdict == verdict)
      #expect(found.measured?.low == found.measured?.value)
    }
  }

  @Test func whatCouldNotBeHadSaysWhy() throws {
    let both = try claim("time(A) ÷ time(B)", .init(low: 2, high: 2, unit: .ratio), "at least")
    let found = judge.judge(both) {
      $0 == .time(.first)
        ? .missing(.inconclusive, reason: "it hasn't been measured")
        : .missing(.notTestableHere, reason: "mimalloc is not installed")
    }
    #expect(
      found == Judgement(.notTestableHere, measured: nil, reason: "Mimalloc is not installed."))
    let cost = try claim("cost(magic-check)", ns(5), "within factor 2")
    let never = judge.judge(cost) { _ in .neverExecuted(reason: "magic-check is never executed") }
    #expect(never.verdict == .neverExecuted && never.measured == nil)
  }

  @Test func aDivisionByNothingIsNeverExecuted() throws {
    let share = try claim(
      "count(cache-hit) ÷ count(cache-lookup)", .init(low: 50, high: 50, unit: .percent), "at most")
    #expect(judge.judge(share) { _ in known(0, 0, 0) }.verdict == .neverExecuted)
    let costs = try claim(
      "cost(cache-hit) ÷ cost(magic-check)", .init(low: 5, high: 5, unit: .ratio), "at least")
    #expect(judge.judge(costs) { _ in known(0, 0, 2) }.verdict == .inconclusive)
  }

  @Test func whatNoDataTellApartIsRefutedOnlyIfAllOfItWouldBeTooLittle() throws {
    let cost = try claim("cost(magic-check)", ns(50, 100), "between")
    func found(_ most: Double) -> Judgement {
      judge.judge(cost) { _ in
        .unidentifiable(
          Estimate(value: 5, low: 0, high: most), reason: "it always comes with header-read")
      }
    }
    #expect(found(40).verdict == .refuted)
    #expect(found(40).reason.hasSuffix("50 to 100 ns; all that it may be."))
    #expect(found(60).verdict == .unidentifiable)
    #expect(found(60).reason == "It always comes with header-read.")
    #expect(found(60).measured?.high == 60)
  }

  @Test func whatRestsOnAStepTimedAloneSaysSo() throws {
    let cost = try claim("cost(magic-check)", ns(50, 100), "between")
    func found(_ most: Double?, alone: Double?) -> Judgement {
      judge.judge(cost) { _ in
        .unidentifiable(
          Estimate(value: 5, low: 0, high: most),
          alone: alone.map { Estimate(value: 5, low: 0, high: $0) }, reason: "nobody knows")
      }
    }
    let bounded = found(300, alone: 20)
    #expect(bounded.verdict == .refuted && bounded.basis == .isolated)
    #expect(bounded.reason.contains("timed alone"))
    #expect(bounded.measured?.high == 20)
    #expect(found(300, alone: 60).verdict == .unidentifiable)
    #expect(found(300, alone: 60).basis == nil && found(300, alone: nil).basis == nil)
    // What is decided without it doesn't rest on it.
    #expect(found(40, alone: 20).verdict == .refuted && found(40, alone: 20).basis == nil)
  }

  @Test func assumptionsAreChecked() throws {
    let assumption = Claim.Assumption(
      component: Component(.magicCheck), per: .mallocCall,
      times: ClaimedValue(low: 1, high: 1, unit: .count), cost: ns(10))
    let payoff = try claim(
      "payoff(A, \"magic-check=off\")", ns(10), "within factor 2", assumes: [assumption])
    func judged(_ times: Double, _ cost: Estimate?) -> Judgement {
      judge.judge(
        payoff, evidence: { _ in known(2, 1, 3) },
        assumptions: [AssumptionFinding(assumption, times: times, cost: cost)])
    }
    #expect(judged(0, nil).verdict == .neverExecuted)
    #expect(judged(0, nil).reason.contains("magic-check, which is never executed"))
    let often = judged(2, Estimate(value: 10, low: 9, high: 11))
    #expect(often.verdict == .refuted)
    #expect(often.reason.contains("executed 2 times per malloc-call, not 1"))
    let neither = judged(2, Estimate(value: 2, low: 1, high: 3))
    #expect(neither.reason.contains("executed 2 times per malloc-call, not 1"))
    #expect(neither.reason.contains("magic-check costs 2 ns, not 10 ns"))
    let cheap = judged(1, Estimate(value: 2, low: 1, high: 3))
    #expect(cheap.reason.contains("magic-check costs 2 ns, not 10 ns"))
    #expect(!judged(1, Estimate(value: 8, low: 3, high: 12)).reason.contains("magic-check"))
  }

  @Test func notTestableRowsStayUntested() {
    let claim = Claim(
      id: "c", claim: "c", source: .text("a"), against: nil, claimed: ns(4),
      trial: .notTestable(reason: "it needs Windows"), expected: nil, sameAs: nil,
      place: .option("c"))
    let found = judge.judge(claim) { _ in known(1, 1, 1) }
    #expect(found == Judgement(.notTestableHere, measured: nil, reason: "It needs Windows."))
    #expect(claim.expectedVerdict == .notTestableHere)
  }

  @Test func keysOfVerdicts() {
    #expect(
      Verdict.allCases.map(\.key) == [
        "supported", "refuted", "inconclusive", "unidentifiable", "neverExecuted",
        "notTestableHere",
      ])
  }
}

@Suite struct QuantityIntervalTests {
  private func estimate(
    _ text: String, _ values: [Measure: Estimate], _ interval: QuantityInterval? = nil
  ) throws -> Estimate? {
    (interval ?? QuantityInterval(coreGHz: 4)).estimate(
      of: try ParsedQuantity(text).quantity, values)
  }

  private let a = Measure.time(.first)
  private let b = Measure.time(.second)

  @Test func independentErrorsAddInSquares() throws {
    let found = try #require(
      try estimate(
        "time(A) − time(B)",
        [a: Estimate(value: 10, low: 7, high: 13), b: Estimate(value: 4, low: 0, high: 8)]))
    #expect(found == Estimate(value: 6, low: 1, high: 11))
  }

  @Test func theSameMeasureErrsOnce() throws {
    let found = try #require(
      try estimate("time(A) ÷ time(A)", [a: Estimate(value: 10, low: 7, high: 13)]))
    #expect(found == Estimate(value: 1, low: 1, high: 1))
  }

  @Test func aDivisorThatMayBeZeroBoundsNothing() throws {
    let values = [
      a: Estimate(value: 10, low: 7, high: 13), b: Estimate(value: 1, low: -1, high: 3),
    ]
    #expect(try estimate("time(A) ÷ time(B)", values) == Estimate(unbounded: 10))
    #expect(try estimate("time(B) ÷ time(A)", values)?.high != nil)
  }

  @Test func unboundedMeasuresUnboundOneSide() throws {
    let values = [
      a: Estimate(value: 10, low: 9, high: nil), b: Estimate(value: 1, low: 1, high: 1),
    ]
    let sum = try #require(try estimate("time(A) + time(B)", values))
    #expect(sum.low == 10 && sum.high == nil)
    let difference = try #require(try estimate("time(B) − time(A)", values))
    #expect(difference.low == nil && difference.high == -8)
  }

  @Test func jointMeasuresErrTogether() throws {
    let one = Measure.cost(Component(.magicCheck), .first)
    let other = Measure.cost(Component(.headerRead), .first)
    let values = [
      one: Estimate(value: 3, low: 0, high: 9), other: Estimate(value: 4, low: 0, high: 9),
    ]
    // The sum is known well, the parts aren't.
    let interval = QuantityInterval(
      coreGHz: 4, isJoint: { $0 != a },
      joint: { weights in
        abs((weights[one] ?? 0) - 2) < 1e-6 && abs((weights[other] ?? 0) - 2) < 1e-6 ? 0.5 : nil
      })
    let found = try #require(
      try estimate("(cost(magic-check) + cost(header-read)) × 2", values, interval))
    #expect(found == Estimate(value: 14, low: 13.5, high: 14.5))
    let single = try #require(try estimate("cost(magic-check) × 2", values, interval))
    #expect(single == Estimate(value: 6, low: 0, high: 18))
  }
}
