/// What a verdict rests on, from what needs no experiment to what does.
public enum ClaimKind: String, CaseIterable, Sendable, Codable {
  /// The source's own figures.
  case arithmetic
  /// What a design is set to: true of any program.
  case configured
  /// What models or builds counted.
  case counted
  /// What was timed, or watched in processes that ran.
  case measured
}

extension Claim {
  /// What a verdict on it rests on; nil where it can't be tested.
  public var kind: ClaimKind? {
    switch trial {
    case .arithmetic: .arithmetic
    case .experiment(let experiment):
      experiment.quantity.measures.map(\.kind).max { $0.order < $1.order } ?? .arithmetic
    case .notTestable: nil
    }
  }
}

extension ClaimKind {
  fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

extension Measure {
  /// What it is known from.
  public var kind: ClaimKind {
    switch self {
    case .bytes(.header, _), .events, .allocations: .configured
    case .count, .systemCalls, .bytes(.peakMapped, _), .bytes(.peakLive, _): .counted
    case .study(let observable): observable.dimension == .count ? .counted : observable.kind
    case .cost, .isolatedCost, .shareOfGap, .shareOfTime, .time, .gap, .payoff, .pageFaults,
      .bytes(.peakResident, _), .scaling:
      .measured
    }
  }
}

extension StudyObservable {
  fileprivate var kind: ClaimKind { self == .bytesCopied ? .counted : .measured }
}
