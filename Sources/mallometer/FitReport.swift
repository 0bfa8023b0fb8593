import Costs
import Experiments
import Notebook
import Platform
import Reports

/// What `fit` prints.
struct FitReport: Report {
  struct Cost: Encodable {
    let step: String
    @Nullable var group: String?
    @Nullable var ns: Estimate?
    @Nullable var cycles: Double?
    @Nullable var isolatedNs: Double?
    let identifiable: Bool
    @Nullable var varianceInflation: Double?
    /// Which part of the cost its prior decides, from 0 to 1.
    let priorShare: Double
    @Nullable var remark: String?
    /// The steps that share a null direction with it.
    let partners: [String]
  }

  struct Scheme: Encodable {
    let scheme: ValidationScheme
    let runs: Int
    let totalErrorPercent: Double
    /// Of predictions from the costs alone, without a measured variant to start from.
    let modelErrorPercent: Double
    let windowErrorPercent: Double
    let constantErrorPercent: Double
    @Nullable var nearestVariantErrorPercent: Double?
    /// Of instructions times one constant, over the runs of which callgrind's counts are known;
    /// null where they aren't.
    @Nullable var instructionsErrorPercent: Double?
    let instructionRuns: Int
    /// Medians over the runs: a mean over runs is that of a trace of a hundred operations.
    let medianErrorPercent: Double
    let medianConstantErrorPercent: Double
    @Nullable var medianNearestVariantErrorPercent: Double?
    @Nullable var medianInstructionsErrorPercent: Double?
    /// Mean absolute error of each held-out fold: where the model is wrong.
    let folds: [Fold]
    @Nullable var medianFoldErrorPercent: Double?
    @Nullable var worstFold: Fold?
    /// Of runs whose family's default was measured beside them.
    @Nullable var payoffs: Validation.PayoffSummary?
    /// Of families as they come, where traces are held out.
    let gaps: [Gap]
  }

  struct Gap: Encodable {
    let trace: String
    let from: String
    let to: String
    let gapNs: Double
    let explainedNs: Double
    let unexplainedNs: Double
    /// The same with both uncertainties.
    let unexplainedRangeNs: Estimate
    let toleratedNs: Double
    let noiseFloorNs: Double
    let isExplained: Bool
  }

  struct Fold: Encodable {
    let fold: String
    let errorPercent: Double
    let biasPercent: Double
  }

  struct Session: Encodable {
    let trace: String
    let designs: [String]
    @Nullable var scale: Double?
  }

  let fit: Int
  let machine: MachineDescription
  let windowEvents: Int
  let coreGHz: Double
  let costs: [Cost]
  /// Changes of costs that change no predicted time.
  let dependencies: [CostTable.Dependency]
  let conditionNumber: Double
  let degreesOfFreedom: Double
  /// Of recorded traces; of generated ones where there are no others.
  let validation: [Scheme]
  let coverage: [Coverage]
  /// Of generated traces, where there are recorded ones besides.
  let generatedValidation: [Scheme]
  let generatedCoverage: [Coverage]
  let recordedTraces: Int
  let generatedTraces: Int
  /// Of how many programs and recipes these are: the clusters behind the intervals.
  let programs: Int
  let measuredRuns: Int
  let possibleRuns: Int
  @Nullable var nextRun: FitExperiment.NextRun?
  /// Runs that had to come from further sessions, and by what they were scaled.
  let otherSessions: [Session]

  init(number: Int, outcome: FitExperiment.Outcome) {
    fit = number
    machine = outcome.machine
    windowEvents = outcome.windowEvents
    coreGHz = outcome.coreGHz
    costs = outcome.fit.table.lines.map { line in
      Cost(
        step: line.step, group: line.group, ns: line.ns,
        cycles: line.ns.map { $0.value * outcome.coreGHz }, isolatedNs: line.isolatedNs,
        identifiable: line.identifiable, varianceInflation: line.varianceInflation,
        priorShare: line.priorShare, remark: line.remark, partners: line.partners)
    }
    dependencies = outcome.fit.table.dependencies
    conditionNumber = outcome.fit.table.conditionNumber
    degreesOfFreedom = outcome.fit.table.degreesOfFreedom
    let generated = outcome.fit.generatedTraces.count
    generatedTraces = generated
    programs = outcome.fit.programs
    recordedTraces = outcome.fit.traces.count - generated
    let validations = outcome.fit.validations
    let isMixed = recordedTraces > 0 && generated > 0
    validation = validations.compactMap { isMixed ? $0.part(generated: false) : $0 }
      .map(Scheme.init)
    generatedValidation = validations.compactMap { isMixed ? $0.part(generated: true) : nil }
      .map(Scheme.init)
    coverage = outcome.fit.coverage
    generatedCoverage = outcome.fit.generatedCoverage
    measuredRuns = outcome.measuredRuns
    possibleRuns = outcome.possibleRuns
    nextRun = outcome.next
    otherSessions = (outcome.otherSessions ?? []).map {
      Session(trace: $0.trace, designs: $0.designs, scale: $0.scale)
    }
  }
}

extension FitReport.Scheme {
  init(_ validation: Validation) {
    var folds: [FitReport.Fold] = []
    for (fold, percent) in validation.foldErrors {
      let errors = validation.heldOut.filter { $0.fold == fold }.map(\.errorPercent)
      folds.append(
        FitReport.Fold(
          fold: fold, errorPercent: percent,
          biasPercent: errors.reduce(0, +) / Double(errors.count)))
    }
    self.init(
      scheme: validation.scheme, runs: validation.runs,
      totalErrorPercent: validation.totalErrorPercent,
      modelErrorPercent: validation.modelErrorPercent,
      windowErrorPercent: validation.windowErrorPercent,
      constantErrorPercent: validation.constantErrorPercent,
      nearestVariantErrorPercent: validation.nearestVariantErrorPercent,
      instructionsErrorPercent: validation.instructionErrors?.mean,
      instructionRuns: validation.instructionErrors?.runs ?? 0,
      medianErrorPercent: validation.medianErrorPercent,
      medianConstantErrorPercent: validation.medianConstantErrorPercent,
      medianNearestVariantErrorPercent: validation.medianNearestVariantErrorPercent,
      medianInstructionsErrorPercent: validation.instructionErrors?.median, folds: folds,
      medianFoldErrorPercent: folds.isEmpty ? nil : folds.map(\.errorPercent).median(),
      worstFold: folds.max { $0.errorPercent < $1.errorPercent },
      payoffs: validation.payoffSummary,
      gaps: validation.gaps.map {
        FitReport.Gap(
          trace: $0.trace, from: $0.from, to: $0.to, gapNs: $0.measuredNs.value,
          explainedNs: $0.explainedNs.value, unexplainedNs: $0.unexplainedNs.value,
          unexplainedRangeNs: $0.unexplainedNs,
          toleratedNs: $0.toleratedNs, noiseFloorNs: $0.noiseFloorNs,
          isExplained: $0.isExplained)
      })
  }
}
