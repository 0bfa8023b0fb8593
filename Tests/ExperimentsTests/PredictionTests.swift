import Costs
import Designs
import Platform
import Testing

@testable import Experiments

@Suite struct PredictionTests {
  /// Predicted 2 within 1, measured as given: whether the measurement counts as inside.
  @Test(arguments: [
    (2.9, 2.9, 2.9, true), (3.1, 3.1, 3.1, false), (0.9, 0.9, 0.9, false),
    // Noise of 1 on the side that faces the prediction: inside up to the root of two.
    (3.4, 2.4, 9.0, true), (3.5, 2.5, 9.0, false), (0.5, -9.0, 1.5, false),
    (0.6, -9.0, 1.6, true),
  ])
  func measurementsAreComparedWithBothUncertainties(
    value: Double, low: Double, high: Double, isInside: Bool
  ) throws {
    let family = try #require(Family.all.first)
    let design = Design(family: family)
    let prediction = PredictExperiment.Prediction(
      trace: "a", question: .init(name: "x", before: design, after: design), events: 1,
      payoffNs: Estimate(value: 2, low: 1, high: 3), beforeNs: nil, program: nil, terms: [],
      peakMappedBytesChange: 0, operationsLeft: 1,
      measured: .init(
        payoffNs: Estimate(value: value, low: low, high: high), noiseFloorNs: nil,
        peakResidentBytesChange: 0))
    #expect(prediction.isInInterval == isInside)
  }
}
