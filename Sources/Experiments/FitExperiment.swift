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
    /// The calibration in the notebook from which steps alone were known; nil where there was none.
    public let calibration: Int64?
    /// By what the steps were counted that were fitted on.
    public let version: ModelVersion

    /// Whether what the fit found holds for a design's runs with these options: its family was
    /// fitted on, memory was touched alike, and windows are as long.
    public func covers(_ design: Design, _ options: WorkloadOptions) -> Bool {
      let name = design.family.name
      return touch == options.touch && windowEvents == options.windowEvents
        && fit.designs.contains { $0 == name || $0.hasPrefix(name + ",") }
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
  /// changed, and with as many pairs as five minutes have room for, which give every value a second
  /// variant; those that have a whole model.
  public static var usualDesigns: [Design] {
    Family.all.flatMap { Design.variants(of: $0, limit: 28) }.filter(\.isWhollyModelled)
  }

  public let laboratory: Laboratory
  public let designs: [Design]
  /// Seconds of planning, counting and measuring; what is in the notebook takes none.
  public let budget: Double
  public let repeats: Int
  public let fitOptions: FitOptions

  public init(
    laboratory: Laboratory, designs: [Design], budget: Double, repeats: Int = 6,
    fitOptions: FitOptions = FitOptions()
  ) {
    self.laboratory = laboratory
    self.designs = designs
    self.budget = budget
    self.repeats = repeats
    self.fitOptions = fitOptions
  }

  /// Plans, counts and measures until the budget is spent, and fits.
  public func run(_ samples: [Laboratory.Sample]) throws -> Outcome {
    let samples = Self.distinct(samples)
    let gathered = try gather(samples, namesNext: true)
    let calibration = try laboratory.stepsAlone()
    let isolated = calibration?.steps ?? [:]
    let instructions = try StepInstructions.newest(in: laboratory.notebook)
    let runs = gathered.runs.map { run in
      var run = run
      run.instructions = instructions?.instructions(of: run)
      return run
    }
    let set = try TrainingSet(
      runs: runs, priors: Priors(isolated: isolated), options: fitOptions)
    let fit = try CostFit(set, isolated: isolated)
    return Outcome(
      fit: fit, machine: laboratory.notebook.machine,
      windowEvents: laboratory.options.windowEvents, coreGHz: gathered.coreGHz,
      measuredRuns: gathered.runs.count, possibleRuns: pairs(of: samples).count,
      next: try gathered.next(fit), otherSessions: gathered.otherSessions,
      touch: laboratory.options.touch, calibration: calibration?.number,
      version: try .current())
  }

  /// A trace given twice, or a copy of it, says nothing new.
  static func distinct(_ samples: [Laboratory.Sample]) -> [Laboratory.Sample] {
    var seen: Set<String> = []
    return samples.filter { seen.insert($0.hash).inserted }
  }
}
