import Costs
import Designs
import Foundation
import Notebook
import Platform

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
  }

  /// The run that would narrow the widest interval most.
  public struct NextRun: Sendable, Codable, Equatable {
    public let trace: String
    public let design: String
    public let step: String
    /// By which part of its width.
    public let share: Double
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
    let gathered = try gather(samples)
    let isolated = try laboratory.isolatedCosts()
    let set = try TrainingSet(
      runs: gathered.runs, priors: Priors(isolated: isolated), options: fitOptions)
    let fit = try CostFit(set, isolated: isolated)
    return Outcome(
      fit: fit, machine: laboratory.notebook.machine,
      windowEvents: laboratory.options.windowEvents, coreGHz: gathered.coreGHz,
      measuredRuns: gathered.runs.count, possibleRuns: samples.count * designs.count,
      next: gathered.next(fit.table))
  }

  /// Runs, and a planner that knows which are left.
  public struct Gathered {
    public let runs: [Run]
    public let coreGHz: Double
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

  /// Every pair counted; measured: the designs nearest to defaults on every trace first, then what
  /// tells most per second.
  public func gather(_ samples: [Laboratory.Sample]) throws -> Gathered {
    var counted: [CountedRun] = []
    var pairs: [(sample: Int, design: Int)] = []
    for (sample, _) in samples.enumerated() {
      for design in designs.indices {
        counted.append(try laboratory.count(samples[sample], designs[design]))
        pairs.append((sample, design))
        laboratory.progress("counted \(designs[design]) on \(samples[sample].name)")
      }
    }
    var measured: [Int: Run] = [:]
    var clocks: [Double] = []
    func measure(_ indices: [Int]) throws {
      guard let first = indices.first else { return }
      let runs = try laboratory.measure(
        samples[pairs[first].sample], indices.map { .own(designs[pairs[$0].design]) },
        repeats: repeats, twin: false)
      clocks.append(runs.coreGHz)
      for (position, index) in indices.enumerated() {
        measured[index] = try counted[index].timed(runs.result.windowNanoseconds(position))
      }
    }
    func known(_ index: Int) throws -> Bool {
      try laboratory.hasMeasured(
        samples[pairs[index].sample], .own(designs[pairs[index].design]), repeats: repeats)
    }
    let start = ContinuousClock().now
    func spent() -> Double { start.duration(to: ContinuousClock().now) / .seconds(1) }
    // What the notebook has costs nothing; a family as it comes is what all else differs from.
    for sample in samples.indices {
      let mine = pairs.indices.filter { pairs[$0].sample == sample }
      let basic = mine.filter { designs[pairs[$0].design].isDefault }
      try measure(try mine.filter { try basic.contains($0) || known($0) })
    }
    let guess = samples.indices.map { sample -> Double in
      let times = measured.filter { pairs[$0.key].sample == sample }
        .map(\.value.meanNanoseconds)
      return times.isEmpty ? 30 : max(1, times.reduce(0, +) / Double(times.count))
    }
    var planner = ExperimentPlanner(
      try counted.indices.map { index in
        let time = guess[pairs[index].sample]
        let operations = counted[index].operations.reduce(0) { $0 + Double($1) }
        return ExperimentPlanner.Candidate(
          run: try counted[index].guessed(nanoseconds: time),
          seconds: Double(2 * repeats) * (0.01 + operations * (time + 4) * 1e-9))
      }, measured: Set(measured.keys), options: fitOptions)
    while spent() < budget {
      // Several at once, so that one trace's plan serves more than one of them.
      let chosen = (0..<8).compactMap { _ in planner.next() }
      guard !chosen.isEmpty else { break }
      for sample in Set(chosen.map { pairs[$0].sample }).sorted() {
        try measure(chosen.filter { pairs[$0].sample == sample })
      }
    }
    return Gathered(
      runs: measured.keys.sorted().compactMap { measured[$0] },
      coreGHz: clocks.sorted().dropFirst(clocks.count / 2).first ?? 0, planner: planner,
      pairs: pairs.map { (samples[$0.sample].name, designs[$0.design].description) })
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
