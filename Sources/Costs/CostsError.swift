import Platform

/// Why a fit, a prediction or an explanation can't be had from the data at hand.
public enum CostsError: UserFacingError, Equatable {
  /// GSL reported a status other than success.
  case library(function: String, status: Int32)
  /// Fewer runs than any fit needs.
  case tooFewRuns(have: Int, need: Int)
  /// Arrays whose lengths must agree do not.
  case shape(what: String, have: Int, expected: Int)
  /// A measured time that is not a finite number.
  case notFinite(trace: String, design: String, window: Int)
  /// The trace to be explained was not measured with this design.
  case runNotFound(trace: String, design: String)

  public var message: String {
    switch self {
    case .library(let function, let status):
      "\(function) failed with GSL status \(status)"
    case .tooFewRuns(let have, let need):
      "a fit needs at least \(need) measured runs, there are \(have)"
    case .shape(let what, let have, let expected):
      "\(what): \(have) values where \(expected) were expected"
    case .notFinite(let trace, let design, let window):
      "the time of \(design) on \(trace), window \(window), is not a finite number"
    case .runNotFound(let trace, let design):
      "\(design) was not measured on \(trace)"
    }
  }

  public var remedy: String? {
    switch self {
    case .library, .shape: nil
    case .tooFewRuns: "give more traces or designs, or a longer --budget"
    case .notFinite: "measure it again: mallometer replay with the same trace and design"
    case .runNotFound: "measure it: mallometer replay with this trace and design"
    }
  }
}
