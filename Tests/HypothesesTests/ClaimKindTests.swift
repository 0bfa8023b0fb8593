import Testing

@testable import Hypotheses

@Suite struct ClaimKindTests {
  private func kind(_ quantity: String) throws -> ClaimKind? {
    let parsed = try ParsedQuantity(quantity)
    let experiment = Claim.Experiment(
      quantity: parsed.quantity, rule: .atLeast, workload: nil, designs: [], standIn: nil,
      assumptions: [])
    return Claim(
      id: "c", claim: "c", source: .text("a"), against: nil,
      claimed: ClaimedValue(low: 1, high: 1, unit: .ratio),
      trial: parsed.quantity.isConstant
        ? .arithmetic(parsed.quantity, .atLeast) : .experiment(experiment),
      expected: nil, sameAs: nil, place: .option("c")
    ).kind
  }

  /// The least certain of its measures says what a quantity rests on.
  @Test(arguments: [
    ("2 ns + 3 ns", ClaimKind.arithmetic), ("bytes(header) ÷ 2 MiB", .configured),
    ("count(malloc-call) ÷ events", .counted), ("bytes(peak-live)", .counted),
    ("syscalls(A)", .counted), ("study(comparisons)", .counted), ("study(bytes-copied)", .counted),
    ("study(change)", .measured), ("study(atomic-loads) × study(atomic-load-cost)", .measured),
    ("time(A) × events", .measured), ("count(malloc-call) × cost(malloc-call)", .measured),
    ("isolated(malloc-call)", .measured), ("pageFaults(A)", .measured),
    ("bytes(peak-resident)", .measured),
  ])
  func whatVerdictsRestOn(quantity: String, expected: ClaimKind) throws {
    #expect(try kind(quantity) == expected)
  }

  @Test(arguments: [
    ("cost(malloc-call) + cost(malloc-call)", true),
    ("cost(malloc-call) + 2 × cost(malloc-call)", true),
    ("(cost(malloc-call) + cost(free-call)) ÷ cost(malloc-call)", false),
    ("cost(malloc-call) − cost(malloc-call)", false),
    ("cost(malloc-call) + cost(malloc-call, B)", false),
    ("count(malloc-call) × cost(free-call) + cost(malloc-call)", false),
  ])
  func noStepIsChargedTwice(quantity: String, isTwice: Bool) throws {
    let found = try ParsedQuantity(quantity).quantity.stepChargedTwice
    #expect((found != nil) == isTwice)
  }

  @Test func theLastBytesNeedAModelToo() throws {
    #expect(Measure.bytes(.peakLive, .first).needsModel)
    #expect(!Measure.bytes(.peakResident, .first).needsModel)
  }
}
