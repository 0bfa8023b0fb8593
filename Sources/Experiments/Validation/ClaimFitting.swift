import Costs
import Designs
import Foundation
import Hypotheses
import Models
import Notebook
import Platform

/// Finds what steps cost, by one fit of the runs on the claims' own workloads and of others.
struct ClaimFitting {
  let bench: ClaimBench
  /// Paths of the traces that costs are fitted on besides.
  let training: [String]
  /// Seconds for measuring what the notebook lacks of those traces.
  let budget: Double
  let options: FitOptions

  /// The costs, from the notebook where the same fit was made before.
  /// - Parameters:
  ///   - facts: of every workload.
  ///   - speed: of the machine that they are at, and that other runs are brought to.
  func costs(
    _ facts: [WorkloadFacts], isolated: [Step: Double], at speed: MachineSpeed
  ) throws -> Result<(costs: ClaimCosts, date: Date), ClaimCostsError> {
    guard let designs = designs(facts) else {
      return .failure(ClaimCostsError(reason: "no claim needs costs"))
    }
    let laboratory = try bench.fittingLaboratory()
    let samples = try samples(laboratory)
    let key = try self.key(facts, isolated: isolated)
    let notebook = laboratory.notebook
    if let known = try notebook.latest(.fit, subject: key, as: CostModel.self) {
      return .success((ClaimCosts(model: known.content), known.time))
    }
    var runs = try facts.flatMap { try $0.trainingRuns() }
    if !samples.isEmpty {
      let experiment = FitExperiment(laboratory: laboratory, designs: designs, budget: budget)
      let others = try experiment.gather(samples, at: speed).runs
      runs += others.filter { run in
        !runs.contains { $0.trace == run.trace && $0.design == run.design }
      }
    }
    let model: CostModel
    do throws(CostsError) {
      laboratory.stage("fitting", 1)
      let set = try TrainingSet(
        runs: runs, priors: Priors(isolated: isolated), options: options)
      model = try set.costs(isolated: isolated)
      laboratory.progress("fitted \(runs.count) runs")
    } catch {
      return .failure(ClaimCostsError(reason: error.message))
    }
    try notebook.add(.fit, subject: key, seed: options.seed, content: model)
    // As it is kept, with draws in single precision: the next run finds the same.
    let kept = try notebook.latest(.fit, subject: key, as: CostModel.self)
    return .success((ClaimCosts(model: kept?.content ?? model), kept?.time ?? Date()))
  }

  /// Names what is fitted: what was asked for, the calibration, and all times on the claims' own
  /// workloads. Measuring the bundled traces again, as `inspect` may, makes no other fit: what a
  /// verdict rests on stays until what it is about is measured anew.
  func key(_ facts: [WorkloadFacts], isolated: [Step: Double]) throws -> String {
    let laboratory = try bench.fittingLaboratory()
    let samples = try samples(laboratory)
    let designs = designs(facts) ?? []
    var parts = [try laboratory.modelVersion, try Subject.canonical(options), "\(budget)"]
    parts += samples.map(\.hash) + designs.map(\.description)
    for one in facts {
      parts.append("\(one.setting.sample.hash) \(try Subject.canonical(one.setting.options))")
      parts += one.needs.timed.map(\.description) + one.needs.counted.map(\.description)
      parts.append(one.failure ?? "")
    }
    parts += isolated.map { "\($0.key.name) \($0.value)" }.sorted()
    var hash = SHA256()
    Data(parts.joined(separator: "\n").utf8).withUnsafeBytes { hash.update($0) }
    for run in try facts.flatMap({ try $0.trainingRuns() }) {
      run.nanoseconds.withUnsafeBytes { hash.update($0) }
    }
    return "claims \(hash.hexadecimal())"
  }

  /// What is fitted on besides: nil where no claim asks for costs.
  private func designs(_ facts: [WorkloadFacts]) -> [Design]? {
    let families = Set(facts.flatMap(\.needs.priced).map(\.family))
    return families.isEmpty ? nil : TrainingRuns.designs(of: families)
  }

  private func samples(_ laboratory: Laboratory) throws -> [Laboratory.Sample] {
    FitExperiment.distinct(try training.map { try laboratory.open($0) })
  }
}
