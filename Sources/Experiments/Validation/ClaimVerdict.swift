import Hypotheses
import Platform

/// A claim with its verdict. Kept in the notebook.
public struct ClaimVerdict: Codable, Equatable, Sendable {
  /// Of the claim.
  public let id: String
  /// The claim in one sentence.
  public let claim: String
  /// What the data say of it.
  public let verdict: Verdict
  /// What its file says is to be expected.
  public let expected: Verdict
  /// As the file has it, with its unit.
  public let claimed: String
  /// In the unit of the claim; nil where nothing was measured.
  public let measured: Estimate?
  /// What claimed and measured are counted in.
  public let unit: String
  /// In one sentence.
  public let reason: String
  /// Where the claim was made.
  public let source: String
  /// The other place that the source contradicts.
  public let against: String?
  /// What our own design stands in for.
  public let standIn: String?
  /// Gives the same verdict again, by all that it rests on.
  public let command: String
  /// Shows the most telling part of that; nil for arithmetic and what can't be tested.
  public let inspect: String?
  /// What it rests on; nil where it can't be tested.
  public let kind: ClaimKind?
  /// What it rests on besides the data in place.
  public let basis: Judgement.Basis?
  /// The claim that this one repeats.
  public let sameAs: String?

  init(_ claim: Claim, judgement: Judgement, command: String, inspect: String?) {
    id = claim.id
    self.claim = claim.claim
    verdict = judgement.verdict
    expected = claim.expectedVerdict
    claimed = claim.claimed.description
    measured = judgement.measured
    unit = claim.claimed.unit.rawValue
    reason = judgement.reason
    source = claim.source.description
    against = claim.against?.description
    if case .experiment(let experiment) = claim.trial {
      standIn = experiment.standIn
    } else {
      standIn = nil
    }
    self.command = command
    self.inspect = inspect
    kind = claim.kind
    basis = judgement.basis
    sameAs = claim.sameAs
  }

  /// Whether it is the one that its file says is to be expected.
  public var isExpected: Bool { verdict == expected }
}
