import Costs
import Experiments
import Notebook
import Platform
import Reports

/// What `fit` prints.
struct FitReport: Report {
  struct Cost: Encodable {
    let step: String
    @Nullable var group: String?
    @Nullable var ns: Estimate?
    @Nullable var cycles: Double?
    @Nullable var isolatedNs: Double?
    let identifiable: Bool
    @Nullable var varianceInflation: Double?
    /// Which part of the cost its prior decides, from 0 to 1.
    let priorShare: Double
    @Nullable var remark: String?
    /// The steps that share a null direction with it.
    let partners: [String]
  }

  struct Scheme: Encodable {
    let scheme: ValidationScheme
    let runs: Int
    let totalErrorPercent: Double
    /// Of predictions from the costs alone, without a measured variant to start from.
    let modelErrorPercent: Double
    let windowErrorPercent: Double
    let constantErrorPercent: Double
    @Nullable var nearestVariantErrorPercent: Double?
    /// Medians over the runs: a mean over runs is that of a trace of a hundred operations.
    let medianErrorPercent: Double
    let medianConstantErrorPercent: Double
    @Nullable var medianNearestVariantErrorPercent: Double?
    /// Mean absolute error of each held-out fold: where the model is wrong.
    let folds: [Fold]
    @Nullable var medianFoldErrorPercent: Double?
    @Nullable var worstFold: Fold?
    /// Of runs whose family's default was measured beside them.
    @Nullable var payoffs: Validation.PayoffSummary?
    /// Of families as they come, where traces are held out.
    let gaps: [Gap]
  }

  struct Gap: Encodable {
    let trace: String
    let from: String
    let to: String
    let gapNs: Double
    let explainedNs: Double
    let unexplainedNs: Double
    /// The same with both uncertainties.
    let unexplainedRangeNs: Estimate
    let toleratedNs: Double
    let noiseFloorNs: Double
    let isExplained: Bool
  }

  struct Fold: Encodable {
    let fold: String
    let errorPercent: Double
    let biasPercent: Double
  }

  struct Session: Encodable {
    let trace: String
    let designs: [String]
    @Nullable var scale: Double?
  }

  let fit: Int
  let machine: MachineDescription
  let windowEvents: Int
  let coreGHz: Double
  let costs: [Cost]
  /// Changes of costs that change no predicted time.
  let dependencies: [CostTable.Dependency]
  let conditionNumber: Double
  let degreesOfFreedom: Double
  let validation: [Scheme]
  let coverage: [Coverage]
  let measuredRuns: Int
  let possibleRuns: Int
  @Nullable var nextRun: FitExperiment.NextRun?
  /// Runs that had to come from further sessions, and by what they were scaled.
  let otherSessions: [Session]

  init(number: Int, outcome: FitExperiment.Outcome) {
    fit = number
    machine = outcome.machine
    windowEvents = outcome.windowEvents
    coreGHz = outcome.coreGHz
    costs = outcome.fit.table.lines.map { line in
      Cost(
        step: line.step, group: line.group, ns: line.ns,
        cycles: line.ns.map { $0.value * outcome.coreGHz }, isolatedNs: line.isolatedNs,
        identifiable: line.identifiable, varianceInflation: line.varianceInflation,
        priorShare: line.priorShare, remark: line.remark, partners: line.partners)
    }
    dependencies = outcome.fit.table.dependencies
    conditionNumber = outcome.fit.table.conditionNumber
    degreesOfFreedom = outcome.fit.table.degreesOfFreedom
    validation = outcome.fit.validations.map(Scheme.init)
    coverage = outcome.fit.coverage
    measuredRuns = outcome.measuredRuns
    possibleRuns = outcome.possibleRuns
    nextRun = outcome.next
    otherSessions = (outcome.otherSessions ?? []).map {
      Session(trace: $0.trace, designs: $0.designs, scale: $0.scale)
    }
  }

  var text: String {
    var table = Table(["step", "ns", "core cycles", "isolated ns", "VIF", "remark"])
    for cost in costs {
      guard let ns = cost.ns else { continue }
      let remark =
        cost.group.map {
          "with \($0): one cost" + (cost.remark == nil ? "" : ", divided as assumed")
        } ?? cost.remark ?? cost.inseparable
      table.add([
        cost.step, Text.estimate(ns), Text.number(cost.cycles ?? 0),
        cost.isolatedNs.map { Text.number($0) } ?? "",
        cost.identifiable ? "" : cost.varianceInflation.map { Text.number($0) } ?? "", remark,
      ])
    }
    let never = costs.filter { $0.ns == nil }.map(\.step)
    var errors = Table([
      "held out", "runs", "total error %", "costs alone %", "per window %", "one constant %",
      "nearest variant %", "medians: total %", "constant %", "nearest %",
    ])
    for scheme in validation {
      errors.add([
        scheme.scheme.rawValue, "\(scheme.runs)", Text.number(scheme.totalErrorPercent),
        Text.number(scheme.modelErrorPercent), Text.number(scheme.windowErrorPercent),
        Text.number(scheme.constantErrorPercent),
        scheme.nearestVariantErrorPercent.map { Text.number($0) } ?? "",
        Text.number(scheme.medianErrorPercent), Text.number(scheme.medianConstantErrorPercent),
        scheme.medianNearestVariantErrorPercent.map { Text.number($0) } ?? "",
      ])
    }
    var lines = [
      "fit \(fit) on \(machine.cpuModel), \(measuredRuns) of \(possibleRuns) runs measured",
      "", table.text,
    ]
    if !never.isEmpty { lines += ["never executed: \(never.joined(separator: ", "))", ""] }
    lines += ["condition number \(Text.number(conditionNumber))", "", errors.text]
    lines += ["", payoffText]
    if let text = gapText { lines += [text, ""] }
    for one in coverage {
      lines.append(
        "\(one.scheme.rawValue): \(Text.number(one.percent)) % of \(one.runs) runs in their "
          + "\(Int((100 * one.level).rounded())) % intervals")
    }
    for other in otherSessions {
      let scaling =
        other.scale.map { "scaled by \(Text.number($0)) over designs that both have" }
        ?? "not scaled: it shares no design with the others"
      lines.append(
        "\(other.designs.count) designs on \(other.trace) are from another session, \(scaling)")
    }
    if let nextRun {
      lines.append(
        "\(nextRun.design) on \(nextRun.trace) would narrow the widest interval most "
          + "(\(nextRun.step), by \(Text.number(100 * nextRun.share)) %)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension FitReport.Cost {
  /// What the data can't tell it from; nothing for a cost of its own.
  fileprivate var inseparable: String {
    if identifiable { return "" }
    return "can't be told from " + (partners.isEmpty ? "others" : partners.joined(separator: " + "))
  }
}

extension FitReport {
  /// What held-out payoffs were predicted as.
  fileprivate var payoffText: String {
    var table = Table([
      "payoffs held out by", "runs", "over noise", "right sign %", "median error %",
      "in interval %", "half-width %", "in interval, all %", "half-width, all %",
    ])
    for scheme in validation {
      guard let found = scheme.payoffs else { continue }
      table.add([
        scheme.scheme.rawValue, "\(found.runs)", "\(found.runsOverNoise)",
        found.rightSignPercent.map { Text.number($0) } ?? "",
        found.medianErrorPercent.map { Text.number($0) } ?? "",
        found.coverageOverNoisePercent.map { Text.number($0) } ?? "",
        found.medianHalfWidthOverNoisePercent.map { Text.number($0) } ?? "",
        Text.number(found.coveragePercent), Text.number(found.medianHalfWidthPercent),
      ])
    }
    let folds = validation.filter { $0.scheme == .leaveOneTraceOut }.compactMap { scheme in
      scheme.worstFold.map {
        "traces held out: median error \(Text.number(scheme.medianFoldErrorPercent ?? 0)) %, "
          + "worst \($0.fold), \(Text.number($0.errorPercent)) %\n"
      }
    }
    return table.text + folds.joined()
  }

  /// What fits that didn't see a trace explain of its gaps.
  fileprivate var gapText: String? {
    let gaps = validation.flatMap(\.gaps)
    guard !gaps.isEmpty else { return nil }
    var table = Table(["unseen trace", "gap", "ns", "explained", "unexplained", "tolerated", ""])
    for gap in gaps {
      table.add([
        gap.trace, "\(gap.from) − \(gap.to)", Text.number(gap.gapNs),
        Text.number(gap.explainedNs), Text.estimate(gap.unexplainedRangeNs),
        Text.number(gap.toleratedNs), gap.isExplained ? "" : "too much",
      ])
    }
    return table.text
  }
}

extension FitReport.Scheme {
  init(_ validation: Validation) {
    var folds: [FitReport.Fold] = []
    for (fold, percent) in validation.foldErrors {
      let errors = validation.heldOut.filter { $0.fold == fold }.map(\.errorPercent)
      folds.append(
        FitReport.Fold(
          fold: fold, errorPercent: percent,
          biasPercent: errors.reduce(0, +) / Double(errors.count)))
    }
    let sorted = folds.map(\.errorPercent).sorted()
    let middle = sorted.count / 2
    self.init(
      scheme: validation.scheme, runs: validation.runs,
      totalErrorPercent: validation.totalErrorPercent,
      modelErrorPercent: validation.modelErrorPercent,
      windowErrorPercent: validation.windowErrorPercent,
      constantErrorPercent: validation.constantErrorPercent,
      nearestVariantErrorPercent: validation.nearestVariantErrorPercent,
      medianErrorPercent: validation.medianErrorPercent,
      medianConstantErrorPercent: validation.medianConstantErrorPercent,
      medianNearestVariantErrorPercent: validation.medianNearestVariantErrorPercent, folds: folds,
      medianFoldErrorPercent: sorted.isEmpty
        ? nil
        : sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2,
      worstFold: folds.max { $0.errorPercent < $1.errorPercent },
      payoffs: validation.payoffSummary,
      gaps: validation.gaps.map {
        FitReport.Gap(
          trace: $0.trace, from: $0.from, to: $0.to, gapNs: $0.measuredNs.value,
          explainedNs: $0.explainedNs.value, unexplainedNs: $0.unexplainedNs.value,
          unexplainedRangeNs: $0.unexplainedNs,
          toleratedNs: $0.toleratedNs, noiseFloorNs: $0.noiseFloorNs,
          isExplained: $0.isExplained)
      })
  }
}
