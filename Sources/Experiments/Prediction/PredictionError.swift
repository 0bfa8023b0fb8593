import Platform

/// What can't be predicted or compared, and what would help.
public enum PredictionError: UserFacingError, Equatable {
  /// Predictions of times were never checked on anything that a fit had not seen: a search would
  /// rank variants by figures of which nothing is known.
  case nothingHeldOut(trace: String, design: String)

  public var message: String {
    switch self {
    case .nothingHeldOut(let trace, let design):
      "the time of \(design) on \(trace) can't be predicted: too few traces and variants were "
        + "measured to check predictions on those that a fit has not seen"
    }
  }

  public var remedy: String? {
    switch self {
    case .nothingHeldOut:
      "give more traces to fit on with --training, or a longer --budget to measure more variants"
    }
  }
}
