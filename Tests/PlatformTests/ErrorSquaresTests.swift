import Platform
import Testing

@Suite struct ErrorSquaresTests {
  private let ten = Estimate(value: 10, low: 7, high: 14)
  private let four = Estimate(value: 4, low: 0, high: 7)

  @Test func independentErrorsAddInSquares() {
    #expect(ten.plus(four) == Estimate(value: 14, low: 9, high: 19))
    #expect(ten.less(Estimate(value: 4, low: 1, high: 8)) == Estimate(value: 6, low: 1, high: 11))
    #expect(ten.plus(Estimate(exactly: 1)) == Estimate(value: 11, low: 8, high: 15))
    #expect(Estimate(exactly: 3).isExact && !ten.isExact)
  }

  @Test func aNegativeFactorSwapsTheEnds() {
    #expect(ten.scaled(by: -2) == Estimate(value: -20, low: -28, high: -14))
    #expect(ten.scaled(by: 2) == Estimate(value: 20, low: 14, high: 28))
  }

  @Test func unboundedEndsUnboundTheirSide() {
    let open = Estimate(value: 1, low: nil, high: 1)
    #expect(ten.plus(open) == Estimate(value: 11, low: nil, high: 15))
    #expect(ten.less(open) == Estimate(value: 9, low: 6, high: nil))
    #expect(open.divided(by: Estimate(exactly: -2)) == Estimate(value: -0.5, low: -0.5, high: nil))
  }

  @Test func aShareOfWhatMayBeNothingHasNoBounds() {
    #expect(ten.divided(by: four) == Estimate(unbounded: 2.5))
    let half = Estimate(value: 10, low: 10, high: 10).divided(
      by: Estimate(value: 20, low: 16, high: 25))
    #expect(half == Estimate(value: 0.5, low: 0.4, high: 0.625))
    let negative = ten.divided(by: Estimate(exactly: -10))
    #expect(negative == Estimate(value: -1, low: -1.4, high: -0.7))
  }
}
