import Platform

/// A change of a whole command, over all processes that were traced: predicted beside measured.
public struct ProgramVerdict: Sendable {
  /// As the user wrote the change.
  public let name: String
  /// Of the command's processor time before the change, percent; nil where a trace has no share.
  public let predictedPercent: Estimate?
  /// Why nothing is predicted.
  public let reason: String?
  public let measuredPercent: Estimate
  public let pairs: Int
  public let secondsBefore: Double
  public let noiseFloorPercent: Double?
  /// What the traced processes take by their traces, of what the whole command was measured to
  /// take; nil where a trace doesn't know its share.
  public let tracedShare: Double?
  /// Whether the prediction was related to the whole command's measured time, because the traces
  /// don't cover it.
  public let isScaled: Bool

  /// From this distance of `tracedShare` from 1 on the traces don't stand for the whole command.
  static let coverage = 0.9...1.1
  /// What an error may be at most: percentage points, or a share of what was measured.
  public static let bar = (points: 0.3, share: 0.25)

  /// - Parameters:
  ///   - findings: of the change on every trace given.
  public init(
    name: String, findings: [(trace: String, program: ProgramFinding)],
    outcome: ProgramComparison.Outcome, secondsBefore: Double, noiseFloorPercent: Double?
  ) {
    self.name = name
    self.secondsBefore = secondsBefore
    self.noiseFloorPercent = noiseFloorPercent
    measuredPercent = outcome.savedPercent
    pairs = outcome.pairs
    let missing = findings.compactMap { one in
      one.program.share == nil ? "\(one.trace): \(one.program.reason ?? "not asked")" : nil
    }
    guard missing.isEmpty, let whole = ProgramShare.sum(findings.compactMap(\.program.share)) else {
      predictedPercent = nil
      reason = missing.joined(separator: "; ")
      tracedShare = nil
      isScaled = false
      return
    }
    let share = whole.secondsBefore.value / secondsBefore
    tracedShare = share
    isScaled = !Self.coverage.contains(share)
    predictedPercent = isScaled ? whole.scaled(toSeconds: secondsBefore).percent : whole.percent
    reason = nil
  }

  /// Predicted less measured, percentage points.
  public var errorPoints: Double? { predictedPercent.map { $0.value - measuredPercent.value } }

  /// Whether the measurement lies in the predicted interval, widened by its own.
  public var isInInterval: Bool? {
    predictedPercent.flatMap { Agreement(predicted: $0, measured: measuredPercent).isInside }
  }

  /// The most that the error may be.
  public var barPoints: Double {
    max(Self.bar.points, Self.bar.share * measuredPercent.value.magnitude)
  }

  /// About how many pairs would bring half of the measured interval within what the error may be, as
  /// intervals shrink by the root of their number; nil where these have, where nothing bounds the
  /// interval, and where there is no error to tell.
  public var pairsToTell: Int? {
    guard predictedPercent != nil, let low = measuredPercent.low, let high = measuredPercent.high
    else { return nil }
    let times = (high - low) / 2 / barPoints
    guard times > 1 else { return nil }
    return Int(exactly: (Double(pairs) * times * times).rounded(.up)) ?? .max
  }

  public var meetsBar: Bool? { errorPoints.map { $0.magnitude <= barPoints } }
}
