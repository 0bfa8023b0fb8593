import Designs

/// What a scheme held out and how it was predicted, before anything is said of intervals: these are
/// made from the errors of what was held out without what they are for.
struct Examination: Sendable {
  /// A held-out run.
  struct Raw: Sendable {
    let run: Validation.HeldOut
    /// What was left out for it, as `fold` names them.
    let folds: [String]
    let payoff: Validation.RawPayoff?
  }

  /// A gap on a held-out trace.
  struct RawGap: Sendable {
    let gap: Validation.RawGap
    let folds: [String]
  }

  let scheme: ValidationScheme
  let held: [Raw]
  /// Of families as they come, where traces are held out; empty in other schemes.
  let gaps: [RawGap]
  let folds: Int
  let quantile: Double
  let level: Double

  /// What errors are known by: a trace may be called as a design is, and a toggle's value is.
  static func fold(_ scheme: ValidationScheme, _ name: String) -> String {
    "\(scheme.rawValue) \(name)"
  }

  /// By what errors are known: those of programs, which are what is to be predicted. Only where there
  /// are none, those of recipes.
  private var judged: [Raw] {
    let programs = held.filter { !$0.run.isGenerated }
    return programs.isEmpty ? held : programs
  }

  var payoffShares: PayoffShares {
    PayoffShares(
      judged.compactMap { raw in raw.payoff.map { (raw.folds, $0) } }, level: level,
      quantile: quantile)
  }

  var gapShares: PayoffShares {
    let traces = Set(judged.map(\.run.trace))
    return PayoffShares(
      gaps.filter { traces.contains($0.gap.trace) }.map { ($0.folds, $0.gap.payoff) },
      level: level, quantile: quantile)
  }

  /// Root of the mean square of ln(predicted / measured), folds weighing the same.
  func misfit(without folds: [String] = []) -> Double { errors(without: folds).misfit }

  /// The same, and from how many folds.
  func errors(without folds: [String]) -> (misfit: Double, folds: Int) {
    let others = judged.filter { raw in !raw.folds.contains(where: folds.contains) }
    let squares = Dictionary(grouping: others, by: \.run.fold).values.map { runs in
      Validation.mean(runs.map { $0.run.logError * $0.run.logError })
    }
    return (Validation.mean(squares.sorted()).squareRoot(), squares.count)
  }
}

/// How far predictions of what was held out were off: from it the error of any prediction is taken
/// without the folds that have its answer in them.
public struct BackTest: Sendable {
  let examinations: [Examination]

  /// - Parameters:
  ///   - trace: the one to be predicted on; its folds are left aside.
  ///   - design: likewise; nil where the design is seen.
  ///   - hiding: settings of which nothing is seen: those that `predict --unseen` changes.
  public func error(
    withoutTrace trace: String? = nil, design: Design? = nil,
    hiding settings: [(family: Family, setting: Design.Setting)] = []
  ) -> ModelError {
    var folds: [String] = []
    if let trace { folds.append(Examination.fold(.leaveOneTraceOut, trace)) }
    if let design { folds.append(Examination.fold(.leaveOneVariantOut, design.description)) }
    for one in settings {
      let name = TrainingSet.name(one.setting, of: one.family)
      folds.append(Examination.fold(.leaveOneToggleOut, name))
    }
    return ModelError(examinations, without: folds)
  }
}

extension ModelError {
  /// From what the schemes found. Where the harder of two schemes wasn't tried, or has no payoffs,
  /// an easier one says it.
  init(_ found: [Examination], without folds: [String] = []) {
    func share(_ schemes: ValidationScheme...) -> Double? {
      schemes.lazy.compactMap { scheme in
        found.first { $0.scheme == scheme }?.payoffShares.share(without: folds)
      }.first
    }
    func errors(_ scheme: ValidationScheme) -> (misfit: Double, folds: Int)? {
      found.first { $0.scheme == scheme }?.errors(without: folds)
    }
    let payoff =
      share(.leaveOneTraceAndVariantOut, .leaveOneVariantOut, .leaveOneTraceOut)
      ?? Self.unknown.payoffShare
    let traces = errors(.leaveOneTraceOut)
    let variants = errors(.leaveOneVariantOut)
    self.init(
      payoffShare: payoff,
      // Not to see a toggle is never easier than not to see a variant.
      unseenPayoffShare: max(
        payoff, share(.leaveOneTraceAndToggleOut, .leaveOneToggleOut) ?? Self.unknown.payoffShare),
      gapShare: found.first { $0.scheme == .leaveOneTraceOut }?.gapShares.share(without: folds)
        ?? Self.unknown.gapShare,
      traceMisfit: traces?.misfit, traceFolds: traces?.folds ?? 0,
      variantMisfit: variants?.misfit, variantFolds: variants?.folds ?? 0)
  }
}
