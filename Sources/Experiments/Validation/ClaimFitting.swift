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
  /// - Parameter facts: of every workload.
  func costs(
    _ facts: [WorkloadFacts], isolated: [Step: Double]
  ) throws -> Result<ClaimCosts, ClaimCostsError> {
    let families = Set(facts.flatMap(\.needs.priced).map(\.family))
    guard !families.isEmpty else {
      return .failure(ClaimCostsError(reason: "no claim needs costs"))
    }
    let designs = TrainingRuns.designs(of: families)
    let laboratory = try bench.fittingLaboratory()
    let samples = FitExperiment.distinct(try training.map { try laboratory.open($0) })
    let key = try self.key(facts, designs, samples, laboratory)
    let notebook = laboratory.notebook
    if let known = try notebook.latest(.fit, subject: key, as: CostModel.self) {
      return .success(ClaimCosts(model: known.content))
    }
    var runs = try facts.flatMap { try $0.trainingRuns() }
    if !samples.isEmpty {
      let experiment = FitExperiment(laboratory: laboratory, designs: designs, budget: budget)
      let others = try experiment.gather(samples).runs
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
    let kept = try notebook.latest(.fit, subject: key, as: CostModel.self)?.content
    return .success(ClaimCosts(model: kept ?? model))
  }

  /// Names what is fitted. A later calibration or measurement of the same makes no other fit:
  /// verdicts stay what they are until something else is asked.
  private func key(
    _ facts: [WorkloadFacts], _ designs: [Design], _ samples: [Laboratory.Sample],
    _ laboratory: Laboratory
  ) throws -> String {
    var parts = [try laboratory.modelVersion, try Subject.canonical(options), "\(budget)"]
    parts += samples.map(\.hash) + designs.map(\.description)
    for one in facts {
      parts.append("\(one.setting.sample.hash) \(try Subject.canonical(one.setting.options))")
      parts += one.needs.timed.map(\.description) + one.needs.counted.map(\.description)
      parts.append(one.failure ?? "")
    }
    var hash = SHA256()
    Data(parts.joined(separator: "\n").utf8).withUnsafeBytes { hash.update($0) }
    return "claims \(hash.hexadecimal())"
  }
}
