import Designs

extension TrainingSet {
  /// A model from some of the runs, with an error that is known from elsewhere: as a rule from
  /// holding out parts of all of them.
  /// - Parameter runs: indices into `runs`.
  /// - Throws: `CostsError.tooFewRuns`.
  public func model(
    runs subset: [Int], isolated: [Step: Double], error: ModelError
  ) throws(CostsError) -> CostModel {
    try fitted(runs: subset, isolated: isolated).model.with(error: error)
  }
}
