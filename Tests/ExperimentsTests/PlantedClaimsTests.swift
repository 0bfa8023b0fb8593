import Designs
import Foundation
import Hypotheses
import Models
import Notebook
import Platform
import Replay
import Testing
import Traces

@testable import Experiments

/// Whole validations of a notebook that known costs were planted in: every kind of measure, claimed
/// as it is, falsely, and so close to the edge that nobody can tell.
@Suite(.serialized) struct PlantedClaimsTests {
  private static let workloads = """
    small: {recipe: random-mixed, parameters: {events: 40000, live: 400}}
    large: {recipe: random-mixed, parameters: {events: 30000, live: 3000, max: 4000}}
    beside: {recipe: local-threads, parameters: {threads: 2, events: 20000}, threads: recorded}
    sorting: {study: score-caching, parameters: {population: 100}}

    """

  /// What is claimed about, on which workload of which designs, in which unit.
  private struct Subject {
    let name: String
    let quantity: String
    let unit: String
    let workload: String
    let designs: String
    /// Where nothing scatters no claim is close to the edge.
    var isExact = false
    /// Both times of a design's scaling have the same builds: their ratio hardly scatters either.
    var hasEdge: Bool { !isExact && name != "scaling" }
    /// What was planted, where that is one number; for the others it is what a notebook says whose
    /// noise is of another seed.
    var planted: Double?
  }

  private static let atomic = "\"pool,used-counter=atomic\""
  private static let subjects = [
    Subject(
      name: "cost", quantity: "cost(size-class-search-probe)", unit: "ns", workload: "small",
      designs: "[\"pool,index=binary-search\"]", planted: 3),
    Subject(
      name: "isolated", quantity: "isolated(malloc-call)", unit: "ns", workload: "small",
      designs: "[pool]", planted: 1),
    Subject(
      name: "count", quantity: "count(malloc-call)", unit: "count", workload: "small",
      designs: "[pool]", isExact: true),
    Subject(
      name: "concurrent-count", quantity: "count(lock-contended)", unit: "count",
      workload: "beside", designs: "[pool]"),
    Subject(
      name: "share-of-gap", quantity: "share(size-class-search-probe, gap)", unit: "%",
      workload: "small",
      designs: "[\"pool,index=binary-search,header=32\", pool]"),
    Subject(
      name: "share-of-time", quantity: "share(size-class-search-probe, time)", unit: "%",
      workload: "small", designs: "[\"pool,index=binary-search\"]"),
    Subject(
      name: "time", quantity: "time(A)", unit: "ns", workload: "small", designs: "[\(atomic)]"),
    Subject(
      name: "time-of-another", quantity: "time(A)", unit: "ns", workload: "small",
      designs: "[glibc]", planted: PlantedNotebook.glibc),
    Subject(
      name: "gap", quantity: "gap(A, B)", unit: "ns", workload: "small",
      designs: "[\(atomic), pool]"),
    Subject(
      name: "payoff", quantity: "payoff(A, plain-counter)", unit: "ns", workload: "large",
      designs: "[\(atomic)]"),
    Subject(
      name: "searched", quantity: "payoff(A, direct-index) ÷ time(A)", unit: "%",
      workload: "large", designs: "[\"pool,index=binary-search\"]"),
    Subject(
      name: "faults", quantity: "pageFaults(A)", unit: "count", workload: "small",
      designs: "[\(atomic)]", isExact: true),
    Subject(
      name: "calls", quantity: "syscalls(A)", unit: "count", workload: "large", designs: "[pool]",
      isExact: true),
    Subject(
      name: "header", quantity: "bytes(header)", unit: "bytes", workload: "small",
      designs: "[\"pool,header=32\"]", isExact: true, planted: 32),
    Subject(
      name: "mapped", quantity: "bytes(peak-mapped)", unit: "bytes", workload: "small",
      designs: "[pool]", isExact: true),
    Subject(
      name: "live", quantity: "bytes(peak-live)", unit: "bytes", workload: "small",
      designs: "[pool]", isExact: true),
    Subject(
      name: "resident", quantity: "bytes(peak-resident)", unit: "bytes", workload: "small",
      designs: "[\(atomic)]", isExact: true),
    Subject(
      name: "scaling", quantity: "scaling(A)", unit: "ratio", workload: "beside",
      designs: "[pool]"),
    Subject(
      name: "events", quantity: "events", unit: "count", workload: "small", designs: "[pool]",
      isExact: true, planted: 40000),
    Subject(
      name: "allocations", quantity: "allocations", unit: "count", workload: "small",
      designs: "[pool]", isExact: true),
    Subject(
      name: "study-time", quantity: "study(caching-overhead)", unit: "ns", workload: "sorting",
      designs: "[pool]"),
    Subject(
      name: "study-allocation", quantity: "study(allocation-time)", unit: "ns",
      workload: "sorting", designs: "[pool]"),
    Subject(
      name: "study-copying", quantity: "study(copying-time)", unit: "ns", workload: "sorting",
      designs: "[pool]"),
    Subject(
      name: "study-count", quantity: "study(allocations)", unit: "count", workload: "sorting",
      designs: "[pool]", isExact: true),
  ]

  private static let others = """
      - {id: never-payoff, claim: c, source: s, quantity: "payoff(A, plain-counter)",
         workload: WORKLOAD, designs: [pool], claimed: 1 ns, rule: sign, standIn: none}
      - {id: never-cost, claim: c, source: s, quantity: cost(policy-select),
         workload: WORKLOAD, designs: [pool], claimed: 1 ns, rule: within factor 2}
      - {id: nobody-knows, claim: c, source: s, quantity: cost(free-list-pop),
         workload: WORKLOAD, designs: [pool], claimed: 0.9 ns, rule: within factor 2}
      - {id: alone, claim: c, source: s, quantity: cost(thread-local-access),
         workload: WORKLOAD, designs: [pool], claimed: 9 ns, rule: within factor 1.1}
      - {id: impossible, claim: c, source: s, quantity: cost(free-list-pop),
         workload: WORKLOAD, designs: [pool], claimed: 900 ns, rule: within factor 2}
      - {id: untimed, claim: c, source: s, quantity: isolated(map-call),
         claimed: 1 ns, rule: within factor 2}
      - {id: windows, claim: c, source: s, claimed: 1 ns, notTestable: it needs Windows}
      - {id: right-sum, claim: c, source: s, quantity: 1 ns + 2 ns, claimed: 3 ns,
         rule: equals within 0 %}
      - {id: wrong-sum, claim: c, source: s, quantity: 1 ns + 2 ns, claimed: 4 ns,
         rule: equals within 0 %}
      - {id: wrong-assumption, claim: c, source: s, quantity: "payoff(A, plain-counter)",
         workload: WORKLOAD, designs: ["pool,used-counter=atomic"], claimed: 1 ns, rule: sign,
         assumes: [{step: used-counter-atomic, times: 7 count}, {step: policy-select, times: 0 count}]}

    """

  private let vocabulary: ClaimVocabulary
  private let folder: PrivateFolder

  init() throws {
    vocabulary = try ClaimLibrary(
      models: PlantedNotebook.repository.appendingPathComponent("models"),
      traces: PlantedNotebook.repository.appendingPathComponent("traces"), files: []
    ).vocabulary
    folder = try PrivateFolder(prefix: "planted-claims")
  }

  private func workload(_ name: String) -> String {
    let line = Self.workloads.split(separator: "\n").first { $0.hasPrefix("\(name):") } ?? ""
    return String(line.dropFirst(name.count + 2))
  }

  private func claims(_ rows: String) throws -> [Claim] {
    let path = folder.file("claims.yaml")
    try "standIn: ours\nclaims:\n\(rows)".write(toFile: path, atomically: true, encoding: .utf8)
    let library = try ClaimLibrary(
      models: PlantedNotebook.repository.appendingPathComponent("models"),
      traces: PlantedNotebook.repository.appendingPathComponent("traces"), files: [path])
    for error in library.errors { Issue.record("\(error.message)") }
    return library.claims
  }

  private func row(_ id: String, _ subject: Subject, claimed: Double, rule: String) -> String {
    """
      - {id: \(id), claim: c, source: s, quantity: "\(subject.quantity)",
         workload: \(workload(subject.workload)), designs: \(subject.designs),
         claimed: \(String(format: "%.9f", claimed)) \(subject.unit), rule: \(rule)}

    """
  }

  private func validate(
    _ claims: [Claim], seed: UInt64, choosing isChosen: (Claim) -> Bool = { _ in true }
  ) throws -> [ClaimVerdict] {
    let planted = try PlantedNotebook(seed: seed)
    try planted.plant(claims, vocabulary.catalogue)
    try planted.plantFit(claims, vocabulary.catalogue)
    return try validate(claims, planted, choosing: isChosen)
  }

  private func validate(
    _ claims: [Claim], _ planted: PlantedNotebook,
    choosing isChosen: (Claim) -> Bool = { _ in true }
  ) throws -> [ClaimVerdict] {
    try ValidationExperiment(
      bench: planted.bench, catalogue: vocabulary.catalogue,
      traces: PlantedNotebook.repository.appendingPathComponent("traces"), training: [], budget: 0,
      repeats: planted.repeats, study: { _ in try PlantedStudy.findings(seed: planted.seed) }
    ).run(claims, choosing: isChosen).verdicts
  }

  /// A hardly scattering estimate of every subject: what is planted.
  private func truths() throws -> [String: Estimate] {
    let rows = Self.subjects.map { row($0.name, $0, claimed: 1, rule: "at least") }
    var found: [String: Estimate] = [:]
    for verdict in try validate(try claims(rows.joined()), seed: 99) {
      if verdict.measured == nil { Issue.record("\(verdict.id): \(verdict.reason)") }
      found[verdict.id] = verdict.measured
    }
    return found
  }

  @Test func everyKindOfMeasureGetsEveryVerdict() throws {
    let truths = try truths()
    var rows = ""
    var expected: [String: Verdict] = [:]
    for subject in Self.subjects {
      let truth = try #require(truths[subject.name])
      let value = subject.planted ?? truth.value
      #expect(abs(truth.value - value) <= 0.1 * value, "\(subject.name): \(truth)")
      for (suffix, claimed, verdict) in [
        ("true", value, Verdict.supported), ("false", 6 * value, .refuted),
        ("edge", 2 * truth.value, .inconclusive),
      ] where suffix != "edge" || subject.hasEdge {
        let id = "\(subject.name)-\(suffix)"
        rows += row(
          id, subject, claimed: claimed,
          rule: subject.isExact ? "equals within 0.1 %" : "within factor 2")
        expected[id] = verdict
      }
    }
    rows += Self.others.replacing("WORKLOAD", with: workload("small"))
    expected.merge([
      "never-payoff": .neverExecuted, "never-cost": .neverExecuted,
      "nobody-knows": .unidentifiable, "alone": .refuted, "impossible": .refuted,
      "untimed": .inconclusive, "windows": .notTestableHere,
      "right-sum": .supported, "wrong-sum": .refuted, "wrong-assumption": .supported,
    ]) { $1 }
    let claims = try claims(rows)
    try #require(claims.count == expected.count)

    let planted = try PlantedNotebook(seed: 1)
    try planted.plant(claims, vocabulary.catalogue)
    try planted.plantFit(claims, vocabulary.catalogue)
    let first = try validate(claims, planted)
    for one in first {
      #expect(
        one.verdict == expected[one.id],
        "\(one.id): \(one.verdict), claimed \(one.claimed), \(one.reason)")
      if one.id.hasSuffix("-false") { #expect(one.verdict == .refuted, "\(one.id)") }
    }
    #expect(first.first { $0.id == "alone" }?.basis == .isolated)
    #expect(
      first.first { $0.id == "wrong-assumption" }?.reason.contains("2 times per malloc-call, not 7")
        == true || first.first { $0.id == "wrong-assumption" }?.reason.contains("not 7") == true)

    // The same whichever claim is asked for, and again.
    for id in first.map(\.id).filter({ $0.hasSuffix("-true") || $0.hasPrefix("n") }) {
      let alone = try validate(claims, planted) { $0.id == id }
      #expect(alone == first.filter { $0.id == id }, "\(id)")
    }

    // Another notebook, with other noise: what can be told is told alike.
    let second = try validate(claims, seed: 2)
    let same = zip(first, second).count { $0.verdict == $1.verdict }
    #expect(same * 100 >= first.count * 95, "\(same) of \(first.count)")
  }

  @Test func aWorkloadThatCannotBeRunHarmsNoOther() throws {
    let path = folder.file("gone.mlt")
    _ = try Recipes.generate("fixed", parameters: ["events=200"], seed: 1, path: path)
    let claims = try claims(
      """
        - {id: gone, claim: c, source: s, quantity: time(A), workload: {trace: \(path)},
           designs: [pool], claimed: 1 ns, rule: sign}
        - {id: there, claim: c, source: s, quantity: count(malloc-call),
           workload: \(workload("small")), designs: [pool], claimed: 1 count, rule: at least}

      """)
    try #require(claims.count == 2)
    try FileManager.default.removeItem(atPath: path)
    let planted = try PlantedNotebook(seed: 1)
    try planted.plant(claims.filter { $0.id == "there" }, vocabulary.catalogue)
    let verdicts = try validate(claims, planted)
    #expect(verdicts.map(\.verdict) == [.inconclusive, .supported])
    #expect(verdicts[0].reason.contains("gone.mlt"))
  }
}

/// What the study of score caching finds if its steps cost what is planted.
private enum PlantedStudy {
  static let costs: [ScoreCaching.Cost: Double] = [
    .call: 3, .comparison: 0.5, .insertion: 1, .misprediction: 9, .atomicLoad: 0.4,
    .comparedLine: 2, .passedLine: 1, .comparedTranslation: 0, .elementMove: 0.7,
    .byteMoved: 0.02, .byteCopied: 0.01, .referenceIncrement: 6, .referenceDecrement: 5,
  ]

  static func findings(seed: UInt64) throws -> ScoreCaching.Findings {
    var random = SeededGenerator(seed: seed)
    var runs: [ScoreCaching.Series: [ScoreCaching.Run]] = [:]
    var counted: [ScoreCaching.Series: ScoreCaching.Counts] = [:]
    for population in [10, 20, 50, 100, 300, 1000] {
      let workload = ScoreCaching.Workload(population: population, warmUp: 2, epochs: 16, seed: 9)
      for kernel in ScoreCaching.Kernel.allCases {
        let counts = ScoreCaching.Model.counts(of: kernel, on: workload, geometry: .reference)
        let observation = ScoreCaching.Observation(
          kernel, workload, counts: counts, nanoseconds: 0)
        var time = zip(ScoreCaching.Cost.allCases, observation.counts).reduce(0) {
          $0 + $1.1 * (costs[$1.0] ?? 0)
        }
        if kernel == .allocate || kernel == .caching { time += 30 }
        let series = ScoreCaching.Series(kernel: kernel, workload: workload)
        counted[series] = counts
        var twin = series
        twin.isTwin = true
        for one in kernel == .loads ? [series, twin] : [series] {
          runs[one] = (0..<12).map { _ in
            let noisy = time * (1 + 0.01 * random.normal())
            return ScoreCaching.Run(
              blockNanoseconds: [Double](repeating: noisy, count: 16), coreGHz: 4, pageFaults: 0)
          }
        }
      }
    }
    return try ScoreCaching.Findings(runs: runs, counts: counted, seed: seed)
  }
}
