import Experiments
import Platform
import Reports

/// What `study score-caching` prints.
struct ScoreCachingReport: Report {
  let design: String
  let repeats: Int
  let seed: UInt64
  let coreGHz: Double
  let rows: [Row]
  let measuredFlips: [ScoreCaching.Flip]
  let predictedFlips: [ScoreCaching.Flip]
  let costs: [Cost]
  let claims: [ScoreCachingClaim]

  struct Row: Encodable {
    let population: Int
    let predictedChangePercent: Estimate
    let measuredChangePercent: Estimate
    /// In the predicted interval, widened by the measurement's own; null where one has no bounds.
    @Nullable var inInterval: Bool?
    /// In the predicted interval alone.
    @Nullable var inPredictedInterval: Bool?
    @Nullable var noiseFloorPercent: Double?
    let loads: Form
    let caching: Form
    let overheadNs: Estimate
    let allocationNs: Double
    let terms: [ScoreCaching.Term]

    init(_ row: ScoreCaching.Findings.Row) {
      population = row.population
      predictedChangePercent = row.predicted
      measuredChangePercent = row.measured
      let agreement = Agreement(predicted: row.predicted, measured: row.measured)
      inInterval = agreement.isInside
      inPredictedInterval = agreement.isInsideAlone
      noiseFloorPercent = row.noiseFloorPercent
      loads = Form(ns: row.loadsNs, steps: row.loads)
      caching = Form(ns: row.cachingNs, steps: row.caching)
      overheadNs = row.overheadNs
      allocationNs = row.allocationNs.value
      terms = row.terms
    }
  }

  /// One form on one population, per sort.
  struct Form: Encodable {
    let ns: Estimate
    /// By name.
    let steps: [String: Double]

    init(ns: Estimate, steps: [Double]) {
      self.ns = ns
      self.steps = Dictionary(
        uniqueKeysWithValues: zip(ScoreCaching.Step.allCases.map { "\($0)" }, steps))
    }
  }

  struct Cost: Encodable {
    let step: String
    let ns: Estimate
    let cycles: Double
  }

  init(_ findings: ScoreCaching.Findings, design: String, repeats: Int, seed: UInt64) {
    self.design = design
    self.repeats = repeats
    self.seed = seed
    coreGHz = findings.coreGHz
    rows = findings.rows.map(Row.init)
    measuredFlips = ScoreCaching.Flip.all(
      in: rows.map { ($0.population, $0.measuredChangePercent) })
    predictedFlips = ScoreCaching.Flip.all(
      in: rows.map { ($0.population, $0.predictedChangePercent) })
    costs = findings.costs.map {
      Cost(step: $0.cost.rawValue, ns: $0.ns, cycles: $0.ns.value * findings.coreGHz)
    }
    claims = ScoreCachingClaim.all(findings)
  }

  var text: String {
    var changes = Table([
      "population", "loads ns", "caching ns", "predicted %", "measured %", "noise %", "inside",
    ])
    for row in rows {
      changes.add(
        Text.count(row.population), Text.number(row.loads.ns.value),
        Text.number(row.caching.ns.value), Text.estimate(row.predictedChangePercent),
        Text.estimate(row.measuredChangePercent), row.noiseFloorPercent.map(Text.number) ?? "–",
        row.inPredictedInterval.map { $0 ? "yes" : "no" } ?? "–")
    }
    let parts = rows.first?.terms.map(\.name) ?? []
    var terms = Table(["population"] + parts.map { "\($0) ns" })
    for row in rows {
      terms.add([Text.count(row.population)] + row.terms.map { Text.number($0.ns) })
    }
    var costTable = Table(["cost", "ns", "cycles"])
    for cost in costs {
      costTable.add(cost.step, Text.estimate(cost.ns), Text.cycles(cost.cycles))
    }
    let judged = rows.compactMap(\.inPredictedInterval)
    let coverage =
      judged.isEmpty
      ? "three populations at least are needed for predicted intervals"
      : "\(judged.count { $0 }) of \(judged.count) measured changes lie inside the predicted 95 % interval"
    return """
      score caching over \(design): caching against loads, per sort, repeats: \(repeats)

      \(changes.text)
      \(coverage)
      measured: \(sentence(measuredFlips, rows.map(\.measuredChangePercent)))
      predicted: \(sentence(predictedFlips, rows.map(\.predictedChangePercent)))

      parts of the predicted difference (costs without the forms on the row's own population)
      \(terms.text)
      costs fitted on everything, at \(Text.number(coreGHz)) GHz
      \(costTable.text)\(claimText)
      """
  }

  private var claimText: String {
    guard !claims.isEmpty else { return "" }
    var table = Table(
      ["000 on a population of 100", "claimed", "here"], align: [.left, .left, .left])
    for claim in claims { table.add(claim.what, claim.claimed, claim.here) }
    return "\n" + table.text
  }

  /// Where the answer turns, if it does.
  private func sentence(_ flips: [ScoreCaching.Flip], _ changes: [Estimate]) -> String {
    if !flips.isEmpty {
      return flips.map { flip in
        "the answer flips between \(Text.count(flip.after)) and \(Text.count(flip.before)) objects, "
          + "near \(Text.number(flip.near))"
      }.joined(separator: "; ")
    }
    let clear = changes.filter { ($0.low ?? -1) > 0 || ($0.high ?? 1) < 0 }
    guard let first = clear.first else { return "no population has a clear sign" }
    let possible = ScoreCaching.Flip.all(
      in: Array(zip(rows.map(\.population), changes)), clearly: false)
    return "caching is \(first.value > 0 ? "slower" : "faster") wherever the sign is clear"
      + possible.map { ", and may flip near \(Text.number($0.near))" }.joined()
  }
}

/// A figure of the document that the study comes from (000), beside what was found here.
struct ScoreCachingClaim: Encodable {
  /// The claim, in our words.
  let what: String
  let claimed: String
  let here: String

  /// - Returns: nothing where a population of 100 was not looked at.
  static func all(_ findings: ScoreCaching.Findings) -> [ScoreCachingClaim] {
    guard let row = findings.rows.first(where: { $0.population == 100 }) else { return [] }
    func loads(_ step: ScoreCaching.Step) -> Double { row.loads[step.rawValue] }
    func caching(_ step: ScoreCaching.Step) -> Double { row.caching[step.rawValue] }
    func cycles(_ ns: Double) -> String { "\(Text.cycles(ns * findings.coreGHz)) cycles" }
    func cost(_ cost: ScoreCaching.Cost) -> Double {
      findings.costs.first { $0.cost == cost }?.ns.value ?? 0
    }
    func term(_ name: String) -> Double { row.terms.first { $0.name == name }?.ns ?? 0 }
    let loadsNs = loads(.atomicLoads) * cost(.atomicLoad)
    let bytes = row.overhead[ScoreCaching.Step.bytesMoved.rawValue]
    let overheadNs = row.overheadNs.value
    let updates = caching(.referenceIncrements) + caching(.referenceDecrements)
    return [
      .init(what: "comparisons", claimed: "664", here: Text.number(loads(.comparisons))),
      .init(what: "atomic loads", claimed: "1 328", here: Text.number(loads(.atomicLoads))),
      .init(
        what: "an atomic load", claimed: "10–20 cycles", here: cycles(cost(.atomicLoad))),
      .init(
        what: "all atomic loads", claimed: "5–10 µs", here: Text.duration(nanoseconds: loadsNs)),
      .init(
        what: "an allocation", claimed: "100–500 cycles", here: cycles(row.allocationNs.value / 2)),
      .init(what: "reference count updates", claimed: "200", here: Text.number(updates)),
      .init(
        what: "bytes copied besides sorting", claimed: "4 800", here: Text.number(bytes)),
      .init(
        what: "all that caching adds", claimed: "50–100 µs",
        here: Text.duration(nanoseconds: overheadNs)),
      .init(
        what: "of it allocation", claimed: "dominates",
        here: Text.duration(nanoseconds: row.allocationNs.value)),
      .init(
        what: "of it reference counts", claimed: "–",
        here: Text.duration(nanoseconds: term("reference counts"))),
      .init(
        what: "caching over atomic loads", claimed: "10–20 ×",
        here: loadsNs > 0 ? "\(Text.number(overheadNs / loadsNs)) ×" : "–"),
      .init(
        what: "change of the time", claimed: "+47.1 % of a whole run, +5.9 % over all",
        here: "\(Text.estimate(row.measured)) % of the sort"),
    ]
  }
}
