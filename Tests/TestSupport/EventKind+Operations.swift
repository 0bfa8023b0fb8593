import Traces

extension EventKind {
  /// Whether a replay or a simulation performs this event: what tests count operations by.
  public var isOperation: Bool {
    switch self {
    case .malloc, .calloc, .realloc, .aligned, .free, .impliedFree: true
    case .foreignFree, .threadStart, .threadEnd: false
    }
  }
}
