import Designs

extension ClaimError {
  /// Where it is; nil for a file that can't be read at all.
  public var place: NamePlace? {
    switch self {
    case .reading(let error): error.place
    case .quantity(_, _, let place), .unknown(_, _, _, let place),
      .malformed(_, _, _, let place), .workload(_, let place), .wrongUnit(_, _, let place),
      .unusable(_, _, _, let place), .repeated(_, _, let place):
      place
    }
  }
}

extension DesignError {
  fileprivate var place: NamePlace? {
    switch self {
    case .unknownDesign(_, _, let place), .unknownToggle(_, _, _, let place),
      .unknownValue(_, _, _, _, let place), .malformedSetting(_, let place),
      .repeatedToggle(_, let place), .contradiction(_, let place), .noToggles(_, let place),
      .notModelled(_, let place), .missingPreload(_, let place), .syntax(_, let place),
      .unknownKey(_, _, let place), .missingKey(_, let place), .wrongKind(_, _, let place),
      .repeatedName(_, _, let place):
      place
    case .unreadable: nil
    }
  }
}

extension NamePlace {
  /// Of a place in a file: the file and the line, counted from 1.
  public var position: (file: String, line: Int)? {
    if case .file(let path, let line, _) = self { return (path, line) }
    return nil
  }
}
