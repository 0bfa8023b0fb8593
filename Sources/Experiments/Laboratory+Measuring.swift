import Designs
import Foundation
import Notebook
import Platform
import Replay
import Traces

/// Repeats of some allocators on one trace, from the notebook or just made.
public struct MeasuredRuns: Sendable {
  public let allocators: [Allocator]
  public let result: CampaignResult
  /// The core clock, GHz: the median over the replays.
  public let coreGHz: Double
  /// That the replays are brought to.
  let speed: SessionSpeed

  /// As they would have been at the usual speed of the machine.
  func at(_ machine: MachineSpeed) -> MeasuredRuns {
    MeasuredRuns(
      allocators: allocators, result: result.scaled(by: machine.factor(speed)), coreGHz: coreGHz,
      speed: SessionSpeed(exponents: speed.exponents, usual: machine.usual ?? speed.usual))
  }
}

extension Laboratory {
  /// Measures allocators on a trace, alternating, `repeats` times each, all in one session; what
  /// the notebook has of one isn't measured again, and what is measured is kept at once.
  public func measure(
    _ sample: Sample, _ allocators: [Allocator], repeats: Int, twin: Bool
  ) throws -> MeasuredRuns {
    let contenders = try contenders(allocators)
    let campaign = ReplayCampaign(
      contenders: contenders, nullLibrary: nullLibrary, repeats: repeats, seed: seed,
      hasTwin: twin)
    return try run(
      campaign, allocators, on: sample,
      in: try store.store(for: campaign, trace: sample.hash, options: optionsText))
  }

  /// Announces what `measure` will tell `progress` of on some traces. What is missing of the
  /// allocators is compiled, or said to be missing, before.
  /// - Parameter traces: on how many.
  public func announce(
    _ stage: String, _ allocators: [Allocator], repeats: Int, twin: Bool, traces: Int = 1
  ) throws {
    try compile(allocators.compactMap { if case .own(let design) = $0 { design } else { nil } })
    _ = try contenders(allocators)
    // The null allocator besides, and the twin of the first.
    self.stage(stage, traces * (allocators.count + (twin ? 2 : 1)) * repeats)
  }

  /// Times every call of a trace on its own: on one thread and without pauses, whatever the
  /// laboratory's replays do. An own design is timed in its ordinary build. Nothing is kept.
  /// - Returns: in the order of the allocators.
  public func latencies(_ sample: Sample, _ allocators: [Allocator]) throws -> [Latencies] {
    var plan = try plan(for: sample)
    if plan.isSequenced {
      var options = options
      options.threads = .one
      options.pace = .none
      let trace = try TraceReader.runnable(path: sample.path)
      plan = try Plan.compile(workload: Workload(trace: trace, options: options))
    }
    return try contenders(allocators).map {
      try player.latencies(plan, allocator: $0.name, library: $0.library)
    }
  }

  private func contenders(_ allocators: [Allocator]) throws -> [Contender] {
    try allocators.map { allocator in
      if case .own(let design) = allocator { return try contender(design) }
      return try Contender(allocator, compiler: compiler, libraries: systemLibraries)
    }
  }

  private func run(
    _ campaign: ReplayCampaign, _ allocators: [Allocator], on sample: Sample,
    in kept: ReplayCampaign.Store
  ) throws -> MeasuredRuns {
    let result = try campaign.run(try plan(for: sample), player: player, store: kept) {
      self.progress("\($0) on \(sample.name)")
    }
    let replays = result.contenders.flatMap { $0 } + result.null
    let clocks = replays.map { $0.coreGHz }
      .filter { $0 > 0 }
    let speed = SessionSpeed(result)
    return MeasuredRuns(
      allocators: allocators, result: speed.leveled(result), coreGHz: clocks.median(),
      speed: speed)
  }

  /// How the designs of a fit are divided among sessions on a trace.
  func sessionParts(
    _ sample: Sample, _ designs: [Design], repeats: Int
  ) throws -> [SessionPart] {
    try store.parts(
      try designs.map { try contender($0) },
      defaults: designs.indices.filter { designs[$0].isDefault },
      nullLibrary: nullLibrary, trace: sample.hash, options: optionsText, repeats: repeats)
  }

  /// Measures what the parts lack. A part's times are less the null allocator's of the same
  /// session; those of all but the first are then scaled to its level.
  func measure(
    _ parts: [SessionPart], of designs: [Design], on sample: Sample, repeats: Int
  ) throws -> DesignTimes {
    var times = DesignTimes()
    for part in parts {
      let indices = part.members + part.bridges
      let campaign = ReplayCampaign(
        contenders: try indices.map { try contender(designs[$0]) }, nullLibrary: nullLibrary,
        repeats: repeats, seed: seed, hasTwin: false)
      let runs = try run(
        campaign, indices.map { .own(designs[$0]) }, on: sample,
        in: store.store(
          for: campaign, trace: sample.hash, options: optionsText, in: part.session ?? .new()))
      times.clocks.append(runs.coreGHz)
      times.speed = times.speed ?? runs.speed
      times.add(
        part, measured: indices.indices.map { runs.result.windowNanoseconds($0) },
        standardErrors: runs.result.standardErrors,
        nullStandardError: runs.result.nullStandardError, of: designs, on: sample.name)
    }
    return times
  }

  /// For each design how many repeats its best session on a trace lacks; nil where it has none.
  /// Only designs of which the notebook has anything are compiled for that.
  func lackingRepeats(_ sample: Sample, _ designs: [Design], repeats: Int) throws -> [Int?] {
    let measured = try store.allocators(trace: sample.hash, options: optionsText)
    let known = designs.indices.filter { measured.contains(designs[$0].description) }
    try compile(known.map { designs[$0] })
    let found = try store.lacking(
      try known.map { try contender(designs[$0]) }, nullLibrary: nullLibrary, trace: sample.hash,
      options: optionsText, repeats: repeats)
    var lacking = [Int?](repeating: nil, count: designs.count)
    for (index, repeats) in zip(known, found) { lacking[index] = repeats }
    return lacking
  }

  private func contender(_ design: Design) throws -> Contender {
    try compile([design])
    return Contender(name: design.description, builds: libraries[design] ?? [])
  }

  /// Whether all builds of a design are there.
  func isCompiled(_ design: Design) -> Bool {
    libraries[design] != nil || compiler.hasPlacements(design, count: builds)
  }

  /// Own designs with all their builds, in the order given.
  public func contenders(_ designs: [Design]) throws -> [Contender] {
    try compile(designs)
    return try designs.map { try contender($0) }
  }

  /// Compiles what isn't there yet of several designs, by all processors.
  func compile(_ designs: [Design]) throws {
    let missing = designs.filter { libraries[$0] == nil }
    guard !missing.isEmpty else { return }
    stage("compiling", missing.count)
    let built = try compiler.placements(missing, count: builds) {
      self.progress("compiled \($0)")
    }
    for (design, builds) in zip(missing, built) { libraries[design] = builds }
  }

  func plan(for sample: Sample) throws -> Plan {
    if let plan, plan.hash == sample.hash { return plan.plan }
    let made = try Plan.compile(workload: sample.workload)
    plan = (sample.hash, made)
    return made
  }
}
