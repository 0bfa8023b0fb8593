import Designs
import Foundation
import Hypotheses
import Models
import NativeDesigns
import Notebook
import Platform
import Testing
import Traces

@testable import Costs
@testable import Experiments
@testable import Replay

/// A notebook that was filled from known costs instead of by measuring: what is judged by it has a
/// truth. Nothing can be measured besides, because its player can't play.
struct PlantedNotebook {
  static let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  let folder: PrivateFolder
  let notebook: Notebook
  let bench: ClaimBench
  /// Of the noise.
  let seed: UInt64
  let repeats: Int

  /// Nanoseconds of one execution: what is assumed of a step, but for those that are claimed about.
  static let costs: [Double] = Step.allCases.map { step in
    switch step {
    case .sizeClassSearchProbe: 3
    default: step.info.assumedNs
    }
  }
  /// Beside the allocator, per operation.
  static let dispatch = 6.0
  /// Of the C library's allocator.
  static let glibc = 20.0
  /// What a relative standard deviation of a window's time is.
  static let noise = 0.004
  /// Of all times while threads run beside each other.
  static let slowdown = 1.25

  init(seed: UInt64, repeats: Int = 18) throws {
    self.seed = seed
    self.repeats = repeats
    folder = try PrivateFolder(prefix: "planted")
    notebook = try Notebook(path: folder.file("n.sqlite"))
    let player = folder.file("player")
    try "#!/bin/sh\nexit 9\n".write(toFile: player, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: player)
    var environment = ProcessInfo.processInfo.environment
    environment["MALLOMETER_PLAYER"] = player
    environment["MALLOMETER_HOME"] = Self.repository.path
    let installation = try Installation(environment: environment)
    let notebook = notebook
    bench = try ClaimBench(traces: Self.repository.appendingPathComponent("traces")) {
      try Laboratory(
        installation: installation, notebook: notebook, options: $0, seed: 1, builds: $1)
    }
  }

  /// Leaves in the notebook whatever some claims need.
  func plant(_ claims: [Claim], _ catalogue: DesignCatalogue) throws {
    var random = SeededGenerator(seed: seed)
    struct Calibration: Codable, Sendable {
      struct Entry: Codable, Sendable {
        let step: String
        let ns: Estimate
      }
      let coreGHz: Double
      let steps: [Entry]
    }
    let alone = [Step.mallocCall, .freeCall, .threadLocalAccess, .headerRead].map { step in
      let ns = Self.costs[Int(step.rawValue)] * (1 + 0.02 * (random.unit() - 0.5))
      return Calibration.Entry(
        step: step.name, ns: Estimate(value: ns, low: 0.9 * ns, high: 1.1 * ns))
    }
    try notebook.add(
      .calibration, seed: seed, content: Calibration(coreGHz: 4, steps: alone))
    for needs in ClaimNeeds.all(claims, catalogue: catalogue) {
      let setting = try bench.open(needs.workload)
      try plant(needs.timed, on: setting, hasTwin: true, &random)
      if !needs.scaled.isEmpty {
        let alone = try bench.open(needs.workload, threads: .one)
        try plant(needs.scaled, on: alone, hasTwin: false, &random)
      }
      for design in needs.concurrent { try plant(design, on: setting, &random) }
    }
  }

  /// A fit of everything that was planted: it finds the costs but for some per cent of noise, except
  /// for two that it only assumes.
  func plantFit(_ claims: [Claim], _ catalogue: DesignCatalogue) throws {
    var unopened: [ClaimWorkload: String] = [:]
    let (facts, _) = try ClaimMeasuring(bench: bench, repeats: repeats)
      .facts(ClaimNeeds.all(claims, catalogue: catalogue), at: nil, unopened: &unopened)
    let isolated = try bench.laboratory().isolatedCosts()
    let key = try ClaimFitting(bench: bench, training: [], budget: 0, options: FitOptions())
      .key(facts, isolated: isolated)
    var random = SeededGenerator(seed: seed)
    let costs = Self.costs.map { $0 * (1 + 0.01 * random.normal()) } + [0]
    var shares = [Double](repeating: 0, count: Column.count)
    for step in [Step.freeListPop, .threadLocalAccess] { shares[Int(step.rawValue)] = 1 }
    try notebook.add(
      .fit, subject: key, seed: seed,
      content: CostModel(
        costs: costs,
        draws: [(0..<40).map { _ in costs.map { $0 * (1 + 0.03 * random.normal()) } }],
        reaches: costs.map { _ in 0 }, priorShares: shares, groups: (0..<Column.count).map { [$0] },
        separable: Set(0..<Column.count),
        isolated: Dictionary(
          uniqueKeysWithValues: isolated.map { (Int($0.key.rawValue), $0.value) }),
        degreesOfFreedom: 1000, level: 0.95, error: .unknown))
  }

  /// Replays.
  private func plant(
    _ allocators: [Allocator], on setting: ClaimBench.Setting, hasTwin: Bool,
    _ random: inout SeededGenerator
  ) throws {
    guard !allocators.isEmpty else { return }
    let laboratory = setting.laboratory
    let designs = allocators.compactMap { if case .own(let design) = $0 { design } else { nil } }
    try laboratory.compile(designs)
    let contenders = try allocators.map { allocator in
      guard case .own(let design) = allocator else {
        return try Contender(allocator, compiler: laboratory.compiler)
      }
      return Contender(name: design.description, builds: laboratory.libraries[design] ?? [])
    }
    let short = setting.sample.workload.operationCount < setting.options.windowEvents
    let campaign = ReplayCampaign(
      contenders: contenders, nullLibrary: laboratory.nullLibrary,
      repeats: short ? max(repeats, 30) : repeats, seed: laboratory.seed, hasTwin: hasTwin)
    let store = try laboratory.store.store(
      for: campaign, trace: setting.sample.hash, options: laboratory.optionsText)
    let truth = try allocators.map { try windows($0, on: setting) }
    let calls = UInt64(setting.sample.workload.operationCount)
    for key in campaign.schedule {
      let index: Int? =
        switch key.subject {
        case .null: nil
        case .twin: 0
        case .contender(let index): index
        }
      // An accident of the layout that every round of a build has.
      var accident = SeededGenerator(seed: seed &+ UInt64(key.round % 6) &* 97)
      let layout = 1 + 0.004 * (accident.unit() - 0.5)
      let operations = try operations(setting)
      let times = operations.indices.map { window in
        let own = index.map { truth[$0][window] * layout } ?? 0
        let exact = own + Self.dispatch * operations[window]
        return Float((exact * (1 + Self.noise * random.normal()) * 64).rounded() / 64)
      }
      let faults = (index.map { $0 + 1 } ?? 0) * 100 + 10
      try store.keep(
        key,
        ReplayMeasurement(
          windowNanoseconds: times, waitedNanoseconds: 0, calls: calls, coreGHz: 4, tscGHz: 3,
          pageFaults: UInt64(faults), peakResidentBytes: UInt64(faults * 4096),
          involuntarySwitches: 0))
    }
  }

  private func operations(_ setting: ClaimBench.Setting) throws -> [Double] {
    let workload = setting.sample.workload
    return (0..<workload.windowCount).map {
      let events = setting.options.windowEvents
      return Double(min(events, workload.operationCount - $0 * events))
    }
  }

  /// Nanoseconds of every window spent in an allocator.
  private func windows(
    _ allocator: Allocator, on setting: ClaimBench.Setting
  ) throws -> [Double] {
    let operations = try operations(setting)
    guard case .own(let design) = allocator else { return operations.map { Self.glibc * $0 } }
    let slowdown = setting.options.threads == .recorded ? Self.slowdown : 1
    // Threads are counted one after the other: their sum matters only.
    let alone = try bench.open(setting.workload, threads: .one)
    let run = try alone.laboratory.count(alone.sample, design)
    return operations.indices.map { window in
      guard window < run.operations.count else { return 0 }
      let base = window * Step.count
      return slowdown
        * (0..<Step.count).reduce(0) {
          $0 + Double(run.counts[base + $1]) * operations[window] * Self.costs[$1]
        }
    }
  }

  /// Counts of threads beside each other, 100 a run or a few more.
  private func plant(
    _ design: Design, on setting: ClaimBench.Setting, _ random: inout SeededGenerator
  ) throws {
    struct Counts: Codable, Sendable { let steps: [String: UInt64] }
    let laboratory = setting.laboratory
    let library = try laboratory.compiler.build(design, counting: true)
    let key = try Subject.canonical([
      "concurrent", setting.sample.hash, laboratory.optionsText, design.description,
      try SHA256.hexadecimal(ofFile: library.path),
    ])
    for _ in 0..<6 {
      let steps: [String: UInt64] = [
        Step.mallocCall.name: 1000, Step.lockUncontended.name: 100 + random.next() % 5,
        Step.lockContended.name: 20 + random.next() % 40,
      ]
      try notebook.add(.observation, subject: key, seed: seed, content: Counts(steps: steps))
    }
  }
}

extension SeededGenerator {
  /// Normally distributed, as the sum of twelve.
  mutating func normal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + unit() } }
}
