import Costs
import Experiments
import Platform
import Reports

extension FitReport {
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
    var lines = [
      "fit \(fit) on \(machine.cpuModel), \(measuredRuns) of \(possibleRuns) runs measured",
      "", table.text,
    ]
    if !never.isEmpty { lines += ["never executed: \(never.joined(separator: ", "))", ""] }
    lines += ["condition number \(Text.number(conditionNumber))", "", tracesText, errorText]
    lines += ["", payoffText]
    if let text = gapText { lines += [text, ""] }
    lines += coverage.map { $0.text("") } + generatedCoverage.map { $0.text(Self.generated) }
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

extension Coverage {
  fileprivate func text(_ kind: String) -> String {
    "\(kind)\(scheme.rawValue): \(Text.number(percent)) % of \(runs) runs in their "
      + "\(Int((100 * level).rounded())) % intervals"
  }
}

extension FitReport {
  private static let generated = "generated: "

  /// Schemes with what stands before their names.
  private var schemes: [(kind: String, scheme: Scheme)] {
    validation.map { ("", $0) } + generatedValidation.map { (Self.generated, $0) }
  }

  private var tracesText: String {
    generatedValidation.isEmpty
      ? recordedTraces > 0
        ? "fitted on \(recordedTraces) recorded traces of \(programs) programs"
        : "fitted on \(generatedTraces) generated traces, none recorded"
      : "fitted on \(recordedTraces) recorded traces and \(generatedTraces) generated ones, "
        + "of \(programs) programs and recipes; "
        + "figures are of the recorded ones, but for those marked as generated"
  }

  private var errorText: String {
    var table = Table([
      "held out", "runs", "total error %", "costs alone %", "per window %", "one constant %",
      "nearest variant %", "instructions × constant %", "medians: total %", "constant %",
      "nearest %", "instructions %",
    ])
    for (kind, scheme) in schemes {
      let counted = scheme.instructionRuns
      table.add([
        kind + scheme.scheme.rawValue, "\(scheme.runs)", Text.number(scheme.totalErrorPercent),
        Text.number(scheme.modelErrorPercent), Text.number(scheme.windowErrorPercent),
        Text.number(scheme.constantErrorPercent),
        scheme.nearestVariantErrorPercent.map { Text.number($0) } ?? "",
        scheme.instructionsErrorPercent.map {
          Text.number($0) + (counted < scheme.runs ? " (\(counted) runs)" : "")
        } ?? "not measured",
        Text.number(scheme.medianErrorPercent), Text.number(scheme.medianConstantErrorPercent),
        scheme.medianNearestVariantErrorPercent.map { Text.number($0) } ?? "",
        scheme.medianInstructionsErrorPercent.map { Text.number($0) } ?? "",
      ])
    }
    return table.text
  }

  /// What held-out payoffs were predicted as.
  private var payoffText: String {
    var table = Table([
      "payoffs held out by", "runs", "over noise", "right sign %", "median error %",
      "in interval %", "half-width %", "in interval, all %", "half-width, all %",
    ])
    for (kind, scheme) in schemes {
      guard let found = scheme.payoffs else { continue }
      table.add([
        kind + scheme.scheme.rawValue, "\(found.runs)", "\(found.runsOverNoise)",
        found.rightSignPercent.map { Text.number($0) } ?? "",
        found.medianErrorPercent.map { Text.number($0) } ?? "",
        found.coverageOverNoisePercent.map { Text.number($0) } ?? "",
        found.medianHalfWidthOverNoisePercent.map { Text.number($0) } ?? "",
        Text.number(found.coveragePercent), Text.number(found.medianHalfWidthPercent),
      ])
    }
    let folds = schemes.filter { $0.scheme.scheme == .leaveOneTraceOut }.compactMap { one in
      one.scheme.worstFold.map {
        "\(one.kind)traces held out: median error \(Text.number(one.scheme.medianFoldErrorPercent ?? 0)) %, "
          + "worst \($0.fold), \(Text.number($0.errorPercent)) %\n"
      }
    }
    return table.text + folds.joined()
  }

  /// What fits that didn't see a trace explain of its gaps.
  private var gapText: String? {
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
