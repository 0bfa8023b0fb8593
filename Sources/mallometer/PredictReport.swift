import Costs
import Experiments
import Platform
import Reports

/// What `predict` prints.
struct PredictReport: Report {
  struct Prediction: Encodable {
    let trace: String
    let design: String
    let with: String
    let events: Int
    let payoffNs: Estimate
    /// Of what the allocator takes before the change.
    @Nullable var payoffPercent: Double?
    /// In core cycles per event, as `payoffNs`.
    @Nullable var payoffCycles: Double?
    /// Of the recorded program's processor time; null where the trace doesn't know it.
    @Nullable var programPercent: Estimate?
    let peakMappedBytesChange: Int64
    /// Measured; null without --verify.
    @Nullable var peakResidentBytesChange: Int64?
    let terms: [CostModel.Term]
    @Nullable var measuredNs: Estimate?
    @Nullable var noiseFloorNs: Double?
    @Nullable var inInterval: Bool?
    @Nullable var program: Program?
  }

  struct Program: Encodable {
    let measuredPercent: Estimate
    let pairs: Int
    let secondsBefore: Double
  }

  /// Over all traces of one change, signs kept apart.
  struct Summary: Encodable {
    let with: String
    /// Traces on which it pays, costs, and on which the interval holds zero.
    let pays: Int
    let costs: Int
    let undecided: Int
    let leastNs: Double
    let mostNs: Double
    /// Of all programs together; null where a trace doesn't know its program's time.
    @Nullable var programPercent: Double?
  }

  struct Order: Encodable {
    struct Step: Encodable {
      let with: String
      let addsNs: Estimate
      let totalNs: Estimate
    }

    let trace: String
    let steps: [Step]
    /// Changes that contradict those before.
    let impossible: [String]
  }

  struct Site: Encodable {
    let trace: String
    let site: UInt32
    let symbol: String
    let events: UInt64
    let ns: Double
    let share: Double
  }

  let predictions: [Prediction]
  @Nullable var noiseFloorNs: Double?
  let summary: [Summary]
  let orders: [Order]
  let sites: [Site]

  init(
    predictions found: [PredictExperiment.Prediction],
    programs: [String: ProgramComparison.Outcome], orders: [OptimisationOrder], sites: [SiteCost],
    coreGHz: Double?
  ) {
    predictions = found.map { one in
      Prediction(
        trace: one.trace, design: one.question.before.description, with: one.question.name,
        events: one.events, payoffNs: one.payoffNs, payoffPercent: one.payoffPercent,
        payoffCycles: coreGHz.map { $0 * one.payoffNs.value },
        programPercent: one.program?.percent, peakMappedBytesChange: one.peakMappedBytesChange,
        peakResidentBytesChange: one.measured?.peakResidentBytesChange, terms: one.terms,
        measuredNs: one.measured?.payoffNs, noiseFloorNs: one.measured?.noiseFloorNs,
        inInterval: one.isInInterval,
        program: programs[one.question.name].map {
          Program(
            measuredPercent: $0.savedPercent, pairs: $0.pairs, secondsBefore: $0.secondsBefore)
        })
    }
    noiseFloorNs = found.compactMap { $0.measured?.noiseFloorNs }.max()
    var names: [String] = []
    for one in found where !names.contains(one.question.name) { names.append(one.question.name) }
    summary = names.map { name in Summary(name, found.filter { $0.question.name == name }) }
    self.orders = orders.map { order in
      Order(
        trace: order.trace,
        steps: order.steps.map {
          Order.Step(with: $0.name, addsNs: $0.addsNs, totalNs: $0.totalNs)
        }, impossible: order.impossible)
    }
    self.sites = sites.map {
      Site(
        trace: $0.trace, site: $0.site, symbol: $0.symbol, events: $0.events, ns: $0.ns,
        share: $0.share)
    }
  }
}

extension PredictReport.Summary {
  init(_ name: String, _ found: [PredictExperiment.Prediction]) {
    with = name
    pays = found.count { $0.payoffNs.low ?? -.infinity > 0 }
    costs = found.count { $0.payoffNs.high ?? .infinity < 0 }
    undecided = found.count - pays - costs
    leastNs = found.map(\.payoffNs.value).min() ?? 0
    mostNs = found.map(\.payoffNs.value).max() ?? 0
    let programs = found.compactMap(\.program)
    let before = programs.reduce(0) { $0 + $1.secondsBefore }
    let saved = programs.reduce(0) { $0 + $1.secondsSaved }
    programPercent = programs.count == found.count && before > 0 ? 100 * saved / before : nil
  }
}

extension PredictReport {
  var text: String {
    var parts: [String] = []
    if !predictions.isEmpty { parts.append(predictionTable) }
    if predictions.count == 1 { parts.append(termTable(predictions[0])) }
    if Set(predictions.map(\.trace)).count > 1 { parts.append(summaryTable) }
    parts += orders.map(orderTable)
    if !sites.isEmpty { parts.append(siteTable) }
    if let noiseFloorNs { parts.append("noise floor \(Text.number(noiseFloorNs)) ns\n") }
    return parts.joined(separator: "\n")
  }

  private var predictionTable: String {
    let isMeasured = predictions.contains { $0.measuredNs != nil }
    let hasProgram = predictions.contains { $0.program != nil }
    var table = Table(
      ["trace", "change", "pays ns/event", "% of allocator", "% of program", "peak mapped"]
        + (isMeasured ? ["measured ns", "inside"] : [])
        + (hasProgram ? ["program measured %"] : []),
      align: [.left, .left] + Array(repeating: .right, count: 4)
        + (isMeasured ? [.right, .left] : []) + (hasProgram ? [.right] : []))
    for one in predictions {
      var cells = [
        one.trace, one.with, Text.estimate(one.payoffNs),
        one.payoffPercent.map { Text.number($0) } ?? "–", Text.estimate(one.programPercent),
        Text.bytes(one.peakMappedBytesChange),
      ]
      if isMeasured {
        cells += [
          Text.estimate(one.measuredNs), one.inInterval.map { $0 ? "yes" : "no" } ?? "",
        ]
      }
      if hasProgram { cells.append(Text.estimate(one.program?.measuredPercent)) }
      table.add(cells)
    }
    return table.text
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
        Text.number(one.mostNs), one.programPercent.map { Text.number($0) } ?? "–")
    }
    return table.text
  }

  private func orderTable(_ order: Order) -> String {
    var table = Table(["on \(order.trace)", "adds ns", "in all ns"])
    for (index, step) in order.steps.enumerated() {
      table.add(
        "\(index + 1). \(step.with)", Text.estimate(step.addsNs), Text.estimate(step.totalNs))
    }
    let impossible =
      order.impossible.isEmpty
      ? "" : "not besides these: \(order.impossible.joined(separator: ", "))\n"
    return table.text + impossible
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
}
