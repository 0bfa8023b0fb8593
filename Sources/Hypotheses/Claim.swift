import Designs

/// A written hypothesis: one quantitative statement of a source, in our own words.
public struct Claim: Hashable, Sendable {
  /// Unique among all claims: letters, digits and hyphens.
  public let id: String
  /// One sentence.
  public let claim: String
  /// Where the statement was made.
  public let source: ClaimSource
  /// The other place that the source contradicts; nil for an ordinary claim.
  public let against: ClaimSource?
  /// What the source says the quantity is.
  public let claimed: ClaimedValue
  /// What becomes of it here: arithmetic, an experiment, or nothing.
  public let trial: Trial
  /// The verdict that is known and accepted: `validate --strict` fails on any other.
  public var expected: Verdict?
  /// The id of the claim that this one repeats, about the same quantity: they are counted once.
  public let sameAs: String?
  /// Where it is written.
  public let place: NamePlace

  /// How it can be judged.
  public enum Trial: Hashable, Sendable {
    /// By arithmetic on the source's own figures.
    case arithmetic(Quantity, Rule)
    case experiment(Experiment)
    /// Not on this machine, with the reason.
    case notTestable(reason: String)
  }

  /// What has to be measured.
  public struct Experiment: Hashable, Sendable {
    /// What is claimed about.
    public let quantity: Quantity
    /// When the claim holds.
    public let rule: Rule
    /// nil where the quantity is measured alone, without a workload.
    public let workload: ClaimWorkload?
    /// At most two: A and B of the quantity.
    public let designs: [NamedAllocator]
    /// What our own design stands in for; nil where the claim is tried on what it speaks of.
    public let standIn: String?
    /// What the claim rests on, as far as its source says so.
    public let assumptions: [Assumption]

    /// The design of a side; nil only for sides that the quantity doesn't name.
    public func design(_ side: Side) -> NamedAllocator? {
      let index = side == .first ? 0 : 1
      return index < designs.count ? designs[index] : nil
    }
  }

  /// What a prediction rests on: how often a component is executed, and what one execution costs.
  public struct Assumption: Hashable, Sendable {
    /// What is executed.
    public let component: Component
    /// What `times` is counted per.
    public let per: Step
    /// Executions per execution of `per`; nil where the source says nothing of it.
    public let times: ClaimedValue?
    /// Time of one execution; nil where the source says nothing of it.
    public let cost: ClaimedValue?
  }

  /// Whether it is judged by the same as another claim, which itself repeats none.
  public func repeats(_ other: Claim) -> Bool {
    guard other.sameAs == nil, other.id != id, claimed == other.claimed else { return false }
    guard case .experiment(let own) = trial, case .experiment(let others) = other.trial else {
      return trial == other.trial
    }
    return own.quantity == others.quantity && own.rule == others.rule
      && own.workload == others.workload
      && own.designs.map(\.allocator) == others.designs.map(\.allocator)
  }

  /// Whether two places of the sources can't both be right.
  public var isContradiction: Bool { against != nil }

  /// The quantity, where there is one to judge.
  public var quantity: Quantity? {
    switch trial {
    case .arithmetic(let quantity, _): quantity
    case .experiment(let experiment): experiment.quantity
    case .notTestable: nil
    }
  }

  /// The rule, where there is something to judge.
  public var rule: Rule? {
    switch trial {
    case .arithmetic(_, let rule): rule
    case .experiment(let experiment): experiment.rule
    case .notTestable: nil
    }
  }
}

/// An allocator with the text that names it in `--design`.
public struct NamedAllocator: Hashable, Sendable {
  /// As the claim names it.
  public let text: String
  /// What the text means.
  public let allocator: Allocator

  /// The own design, or nil for someone else's allocator.
  public var design: Design? {
    if case .own(let design) = allocator { return design }
    return nil
  }
}
