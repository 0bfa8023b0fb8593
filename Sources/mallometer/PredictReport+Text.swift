import Costs
import Experiments
import Platform
import Reports

extension PredictReport {
  var text: String {
    var parts: [String] = []
    if !predictions.isEmpty {
      parts.append(predictionTable)
      if predictions.contains(where: { $0.measuredNs != nil }) { parts.append(measurementTable) }
      parts.append(notes)
    }
    if predictions.count == 1 { parts.append(termTable(predictions[0])) }
    if Set(predictions.map(\.trace)).count > 1 { parts.append(summaryTable) }
    parts += orders.map(orderTable)
    if !programs.isEmpty { parts.append(programTable) }
    if !sites.isEmpty { parts.append(siteTable) }
    if let noiseFloorNs { parts.append("noise floor \(Text.number(noiseFloorNs)) ns\n") }
    if let verification { parts.append(text(of: verification)) }
    return parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private static func percent(_ value: Double?) -> String {
    value.map { Text.number($0) } ?? "–"
  }

  private static func yes(_ value: Bool?) -> String { value.map { $0 ? "yes" : "no" } ?? "–" }

  private var predictionTable: String {
    var table = Table(
      [
        "trace", "change", "pays ns/event", "cycles", "% of allocator", "% of program",
        "peak mapped", "peak resident",
      ], align: [.left, .left] + Array(repeating: .right, count: 6))
    for one in predictions {
      table.add(
        one.trace, one.with, Text.estimate(one.payoffNs), Text.estimate(one.payoffCycles),
        Self.percent(one.payoffPercent), Text.estimate(one.programPercent),
        Text.bytes(one.peakMappedBytesChange), Text.bytes(one.peakResidentBytesChange))
    }
    return table.text
  }

  private var measurementTable: String {
    var table = Table(
      [
        "trace", "change", "predicted ns", "measured ns", "noise floor", "inside",
        "inside predicted alone", "peak resident measured",
      ], align: [.left, .left, .right, .right, .right, .left, .left, .right])
    for one in predictions {
      table.add(
        one.trace, one.with, Text.estimate(one.payoffNs), Text.estimate(one.measuredNs),
        one.noiseFloorNs.map { Text.number($0) } ?? "–", Self.yes(one.inInterval),
        Self.yes(one.inPredictedInterval),
        one.measuredPeakResidentBytesChange.map { Text.bytes($0) } ?? "–")
    }
    return table.text
  }

  /// What the tables have no room for, each said once.
  private var notes: String {
    var notes: [String] = []
    func add(_ note: String) { if !notes.contains(note) { notes.append(note) } }
    for one in predictions {
      if let reason = one.programReason {
        add("no share of the program's time for \(one.trace): \(reason)")
      }
      if let done = one.transform {
        add(
          "\(one.with) on \(one.trace): \(Text.count(done.objects)) objects of "
            + "\(done.sites) call sites, \(Text.count(done.operationsBefore)) calls become "
            + "\(Text.count(done.operationsAfter))")
      }
    }
    return notes.map { $0 + "\n" }.joined()
  }

  private func termTable(_ one: Prediction) -> String {
    var table = Table(
      ["step", "fewer per event", "ns per event", "remark"], align: [.left, .right, .right, .left])
    for term in one.terms {
      table.add(
        term.step, Text.number(term.countDifferencePerEvent), Text.estimate(term.ns),
        term.remark ?? (term.identifiable ? "" : "can't be told from others"))
    }
    return table.text
  }

  private var summaryTable: String {
    var table = Table([
      "change", "pays on", "costs on", "undecided", "least ns", "most ns", "% of all programs",
    ])
    for one in summary {
      table.add(
        one.with, "\(one.pays)", "\(one.costs)", "\(one.undecided)", Text.number(one.leastNs),
        Text.number(one.mostNs), Text.estimate(one.programPercent))
    }
    return table.text
  }

  private func orderTable(_ order: Order) -> String {
    let isOverAll = order.trace == "all"
    var table = Table(
      [isOverAll ? "over all traces" : "on \(order.trace)", "adds ns", "in all ns"]
        + (isOverAll ? ["least", "most"] : []))
    for (index, step) in order.steps.enumerated() {
      table.add(
        ["\(index + 1). \(step.with)", Text.estimate(step.addsNs), Text.estimate(step.totalNs)]
          + (isOverAll ? [Text.number(step.leastNs), Text.number(step.mostNs)] : []))
    }
    var lines = order.contradictions.map {
      "impossible together: \($0.with) and \($0.besides)\n"
    }
    if !order.impossible.isEmpty {
      lines.append("not besides these: \(order.impossible.joined(separator: ", "))\n")
    }
    return table.text + lines.joined()
  }

  private var programTable: String {
    var table = Table(
      [
        "change of the command", "predicted %", "measured %", "pairs", "error points",
        "may be", "meets it", "inside",
      ], align: [.left, .right, .right, .right, .right, .right, .left, .left])
    for one in programs {
      table.add(
        one.with, Text.estimate(one.predictedPercent), Text.estimate(one.measuredPercent),
        "\(one.pairs)", Self.percent(one.errorPoints), Text.number(one.barPoints),
        Self.yes(one.meetsBar), Self.yes(one.inInterval))
    }
    var lines: [String] = []
    for one in programs {
      if let reason = one.reason { lines.append("\(one.with): nothing predicted: \(reason)\n") }
    }
    if let most = programs.compactMap(\.pairsToTell).max() {
      lines.append(
        "what was measured is less certain than the error may be: some \(Text.count(most)) pairs"
          + " would tell (--pairs)\n")
    }
    if let one = programs.first, let share = one.tracedShare {
      lines.append(
        "the command takes \(Text.number(one.secondsBefore)) s of processor time before the "
          + "change; the traces cover \(Text.share(share)) of it"
          + (one.scaled ? ": predictions are shares of what was measured" : "") + "\n")
    }
    if let floor = programs.first?.noiseFloorPercent {
      lines.append("noise floor of the command \(Text.percent(floor))\n")
    }
    return table.text + lines.joined()
  }

  /// The dearest sites of each trace, as many as fit a screen.
  private static let sitesShown = 20

  private var siteTable: String {
    var table = Table(
      ["trace", "site", "events", "ns/event", "% of allocator", "function"],
      align: [.left, .right, .right, .right, .right, .left])
    var shown: [String: Int] = [:]
    for site in sites where shown[site.trace, default: 0] < Self.sitesShown {
      shown[site.trace, default: 0] += 1
      table.add(
        site.trace, "\(site.site)", Text.count(site.events), Text.number(site.ns),
        Text.number(100 * site.share), site.symbol)
    }
    return table.text
  }

  private func text(of summary: Verification) -> String {
    func percent(_ value: Double?) -> String { value.map { Text.percent($0) } ?? "–" }
    return """
      verified: \(summary.compared) predictions, \(summary.overNoise) over their noise \
      (\(summary.pay) pay, \(summary.cost) cost): sign right \(percent(summary.rightSignPercent)), \
      median error \(percent(summary.medianErrorPercent)), inside \
      \(percent(summary.overNoiseInIntervalPercent)), median half width \
      \(percent(summary.overNoiseHalfWidthPercent))
      of all: inside \(percent(summary.inIntervalPercent)) (predicted interval alone: \
      \(percent(summary.inPredictedIntervalPercent))), median half width \
      \(percent(summary.medianHalfWidthPercent)) of the effect or its noise

      """
  }
}
