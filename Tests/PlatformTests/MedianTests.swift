import Platform
import Testing

@Suite struct MedianTests {
  @Test func theMiddleOrTheMeanOfTheTwoInTheMiddle() {
    #expect([Double]().median() == 0)
    #expect([4.0].median() == 4)
    #expect([9.0, 1, 5].median() == 5)
    #expect([9.0, 1, 5, 2].median() == 3.5)
    #expect(["a": 3.0, "b": 1].values.median() == 2)
  }
}
