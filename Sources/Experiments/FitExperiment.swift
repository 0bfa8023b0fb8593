import Costs
import Designs
import Foundation
import Notebook
import Platform
import Traces

/// A fit from what is in the notebook and what a time budget adds to it.
public struct FitExperiment {
  /// What `fit` finds besides the fit itself. Kept in the notebook.
  public struct Outcome: Sendable, Codable {
    public let fit: CostFit
    public let machine: MachineDescription
    public let windowEvents: Int
    /// The core clock that nanoseconds are turned into core cycles with.
    public let coreGHz: Double
    public let measuredRuns: Int
    public let possibleRuns: Int
    public let next: NextRun?
    /// Runs that had to come from further sessions; nil in fits of earlier versions.
    public let otherSessions: [OtherSession]?
    /// What of each block was touched; nil in fits of earlier versions.
    public let touch: TouchPolicy?

    /// Whether what the fit found holds for a design's runs with these options: its family was
    /// fitted on, memory was touched alike, and windows are as long.
    public func covers(_ design: Design, _ options: WorkloadOptions) -> Bool {
      touch == options.touch && windowEvents == options.windowEvents
        && fit.designs.contains { $0 == design.family || $0.hasPrefix(design.family + ",") }
    }
  }

  /// The run that would narrow the widest interval most.
  public struct NextRun: Sendable, Codable, Equatable {
    public let trace: String
    public let design: String
    public let step: String
    /// By which part of its width.
    public let share: Double
  }

  /// What is fitted on unless designs are named: every family as it comes, with each toggle
  /// changed, and with as many pairs as five minutes have room for.
  public static var usualDesigns: [Design] {
    Family.all.flatMap { Design.variants(of: $0, limit: 28) }
  }

  public let laboratory: Laboratory
  public let designs: [Design]
  /// Seconds of measuring; what is in the notebook takes none.
  public let budget: Double
  public let repeats: Int
  public let fitOptions: FitOptions

  public init(
    laboratory: Laboratory, designs: [Design], budget: Double, repeats: Int = 5,
    fitOptions: FitOptions = FitOptions()
  ) {
    self.laboratory = laboratory
    self.designs = designs
    self.budget = budget
    self.repeats = repeats
    self.fitOptions = fitOptions
  }

  /// Simulates every pair, measures until the budget is spent, and fits.
  public func run(_ samples: [Laboratory.Sample]) throws -> Outcome {
    let samples = Self.distinct(samples)
    let gathered = try gather(samples)
    let isolated = try laboratory.isolatedCosts()
    let set = try TrainingSet(
      runs: gathered.runs, priors: Priors(isolated: isolated), options: fitOptions)
    let fit = try CostFit(set, isolated: isolated)
    return Outcome(
      fit: fit, machine: laboratory.notebook.machine,
      windowEvents: laboratory.options.windowEvents, coreGHz: gathered.coreGHz,
      measuredRuns: gathered.runs.count, possibleRuns: samples.count * designs.count,
      next: gathered.next(fit.table), otherSessions: gathered.otherSessions,
      touch: laboratory.options.touch)
  }

  /// Runs, and a planner that knows which are left.
  public struct Gathered {
    public let runs: [Run]
    public let coreGHz: Double
    /// Runs that had to come from further sessions.
    public let otherSessions: [OtherSession]
    let planner: ExperimentPlanner
    let pairs: [(trace: String, design: String)]

    func next(_ table: CostTable) -> NextRun? {
      let widest = table.lines.filter { $0.identifiable && $0.ns != nil }.max {
        Self.width($0) < Self.width($1)
      }
      guard let widest, let step = Step(name: widest.step),
        let found = planner.narrowing(column: Int(step.rawValue))
      else { return nil }
      return NextRun(
        trace: pairs[found.index].trace, design: pairs[found.index].design, step: widest.step,
        share: found.share)
    }

    /// Relative to the cost, but for costs under a nanosecond.
    private static func width(_ line: CostTable.Line) -> Double {
      guard let ns = line.ns, let low = ns.low, let high = ns.high else { return .infinity }
      return (high - low) / max(ns.value, 1)
    }
  }

  /// A trace given twice, or a copy of it, says nothing new.
  private static func distinct(_ samples: [Laboratory.Sample]) -> [Laboratory.Sample] {
    var seen: Set<String> = []
    return samples.filter { seen.insert($0.hash).inserted }
  }

  /// Every pair counted, and as many measured as the budget allows.
  ///
  /// What to measure is settled before anything is: the families as they come on every trace, then
  /// what tells most about the costs per second. All designs of a trace are then replayed in turns
  /// in one campaign, because the machine drifts: designs measured minutes apart differ by more
  /// than their toggles. Where the notebook has them from several sessions, each is taken less the
  /// null allocator of its own, and the smaller sessions are scaled to the largest.
  public func gather(_ samples: [Laboratory.Sample]) throws -> Gathered {
    let samples = Self.distinct(samples)
    let pairs = samples.indices.flatMap { sample in
      designs.indices.map { (sample: sample, design: $0) }
    }
    laboratory.stage("counting steps", pairs.count)
    let counted = try pairs.map { pair in
      defer {
        laboratory.progress("counted \(designs[pair.design]) on \(samples[pair.sample].name)")
      }
      return try laboratory.count(samples[pair.sample], designs[pair.design])
    }
    let seconds = counted.map(secondsToMeasure)
    let lacking = try samples.flatMap {
      try laboratory.lackingRepeats($0, designs, repeats: repeats)
    }
    var chosen = pairs.indices.filter {
      lacking[$0] != nil || designs[pairs[$0].design].isDefault
    }
    var planner = ExperimentPlanner(
      try counted.indices.map {
        ExperimentPlanner.Candidate(
          run: try counted[$0].guessed(nanoseconds: Self.guessedNanoseconds), seconds: seconds[$0])
      }, measured: Set(chosen), options: fitOptions)
    var planned = chosen.reduce(0) {
      $0 + seconds[$1] * Double(lacking[$1] ?? repeats) / Double(repeats)
    }
    while planned < budget, let next = planner.next() {
      chosen.append(next)
      planned += seconds[next]
    }
    var measured: [Int: Run] = [:]
    var clocks: [Double] = []
    var otherSessions: [OtherSession] = []
    let plans = try samples.indices.map { sample in
      let mine = chosen.filter { pairs[$0].sample == sample }.sorted()
      let designs = mine.map { self.designs[pairs[$0].design] }
      return (
        mine: mine, designs: designs,
        parts: try laboratory.sessionParts(samples[sample], designs, repeats: repeats)
      )
    }
    // In every session the null allocator is replayed besides.
    let replayed = plans.flatMap(\.parts).reduce(0) {
      $0 + $1.members.count + $1.bridges.count + 1
    }
    laboratory.stage("replaying", repeats * replayed)
    for (sample, plan) in zip(samples, plans) {
      let times = try laboratory.measure(
        plan.parts, of: plan.designs, on: sample, repeats: repeats)
      clocks += times.clocks
      otherSessions += times.otherSessions
      for (position, index) in plan.mine.enumerated() {
        measured[index] = try counted[index].timed(times.windowNanoseconds[position] ?? [])
      }
    }
    return Gathered(
      runs: measured.keys.sorted().compactMap { measured[$0] },
      coreGHz: clocks.sorted().dropFirst(clocks.count / 2).first ?? 0,
      otherSessions: otherSessions, planner: planner,
      pairs: pairs.map { (samples[$0.sample].name, designs[$0.design].description) })
  }

  /// Nanoseconds per operation before anything is measured: only the planning depends on it.
  private static let guessedNanoseconds = 40.0
  /// Seconds that starting a player takes, and its clocks' calibration.
  private static let startSeconds = 0.035

  private func secondsToMeasure(_ run: CountedRun) -> Double {
    let operations = run.operations.reduce(0) { $0 + Double($1) }
    return Double(repeats) * (Self.startSeconds + operations * Self.guessedNanoseconds * 1e-9)
  }
}

extension Design {
  /// Whether every toggle has its family's default.
  var isDefault: Bool {
    Family.all.contains { $0.name == family && Design(family: $0) == self }
  }
}

extension Laboratory {
  /// The newest calibration's isolated costs; empty where there is none.
  public func isolatedCosts() throws -> [Step: Double] {
    let found = try notebook.latest(.calibration, as: StoredCalibration.self)?.content.steps ?? []
    var result: [Step: Double] = [:]
    for entry in found {
      if let step = Step(name: entry.step) { result[step] = entry.ns.value }
    }
    return result
  }
}

/// What `calibrate` leaves in the notebook: steps alone, from which fits take their priors.
public struct StoredCalibration: Sendable, Codable {
  public struct Entry: Sendable, Codable {
    public let step: String
    public let ns: Estimate

    public init(step: String, ns: Estimate) {
      self.step = step
      self.ns = ns
    }
  }

  public let coreGHz: Double
  public let steps: [Entry]

  public init(coreGHz: Double, steps: [Entry]) {
    self.coreGHz = coreGHz
    self.steps = steps
  }
}
