import Platform
import TestSupport
import Testing

@testable import Models

@Suite struct Branches {
  private func mispredictions(_ outcomes: some Sequence<Bool>) -> Int {
    let predictor = BranchPredictor()
    defer { predictor.deallocate() }
    return outcomes.reduce(0) {
      _ = predictor.note(16, taken: $1)
      return $0 + Int(predictor.mispredictions())
    }
  }

  @Test func aConstantBranchIsLearned() {
    #expect(mispredictions(repeatElement(true, count: 10_000)) <= 2)
    #expect(mispredictions(repeatElement(false, count: 10_000)) <= 3)
  }

  @Test(arguments: [2, 3, 5, 8, 13])
  func aPeriodIsLearned(period: Int) {
    let outcomes = (0..<20_000).map { $0 % period == 0 }
    #expect(mispredictions(outcomes) < 600)
  }

  @Test func aCoinIsNot() {
    var generator = SeededGenerator(seed: 7)
    let outcomes = (0..<20_000).map { _ in Bool.random(using: &generator) }
    #expect((9_000...11_000).contains(mispredictions(outcomes)))
  }

  /// The caller's branches cost nothing here, but tell what follows from them.
  @Test func theCallersBranchesAreHistory() {
    var generator = SeededGenerator(seed: 7)
    let predictor = BranchPredictor()
    defer { predictor.deallocate() }
    var wrong = 0
    for _ in 0..<20_000 {
      let coin = Bool.random(using: &generator)
      _ = predictor.note(1, taken: coin)
      #expect(predictor.mispredictions() == 0)
      _ = predictor.note(16, taken: coin)
      wrong += Int(predictor.mispredictions())
    }
    #expect(wrong < 1_000)
  }
}
