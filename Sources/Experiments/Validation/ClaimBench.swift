import Foundation
import Hypotheses
import Notebook
import Platform
import Traces

/// Where claims are tried: a laboratory for each way of running a workload, and the workloads' traces.
public final class ClaimBench {
  /// A workload ready to be counted and measured.
  struct Setting {
    let workload: ClaimWorkload
    let laboratory: Laboratory
    let sample: Laboratory.Sample
    let options: WorkloadOptions
  }

  /// In how many builds own designs are replayed on the claims' workloads: a payoff of a few per
  /// cent is told from an accident of the layout by more of them than a fit needs.
  public static let builds = 6

  private let makeLaboratory: (WorkloadOptions, Int) throws -> Laboratory
  /// The folder of the bundled traces.
  private let traces: URL
  private let folder: PrivateFolder
  private var laboratories: [(options: WorkloadOptions, laboratory: Laboratory)] = []
  private var fitting: Laboratory?

  /// - Parameters:
  ///   - traces: the folder of the bundled traces.
  ///   - laboratory: makes one that runs workloads with these options, own designs in so many builds;
  ///     all share one notebook.
  /// - Throws: where no temporary folder can be made.
  public init(
    traces: URL, laboratory: @escaping (WorkloadOptions, Int) throws -> Laboratory
  ) throws {
    makeLaboratory = laboratory
    self.traces = traces
    folder = try PrivateFolder(prefix: "mallometer-claims")
  }

  /// The one laboratory that runs workloads like this.
  func laboratory(_ options: WorkloadOptions = WorkloadOptions()) throws -> Laboratory {
    if let known = laboratories.first(where: { $0.options == options }) { return known.laboratory }
    let made = try makeLaboratory(options, Self.builds)
    laboratories.append((options, made))
    return made
  }

  /// The one that measures what costs are fitted on besides: as `fit` does, so that both share it.
  func fittingLaboratory() throws -> Laboratory {
    if let fitting { return fitting }
    let made = try makeLaboratory(WorkloadOptions(), Laboratory.usualBuilds)
    fitting = made
    return made
  }

  /// Opens a workload's trace. A recipe's is written anew: the same seed gives the same bytes, by
  /// which the notebook knows what was measured of it.
  func open(_ workload: ClaimWorkload, threads: ThreadMode? = nil) throws -> Setting {
    let options = WorkloadOptions(
      touch: workload.touch, threads: threads ?? workload.threads, loops: workload.loops)
    let laboratory = try laboratory(options)
    return Setting(
      workload: workload, laboratory: laboratory,
      sample: try laboratory.open(try path(workload)), options: options)
  }

  private func path(_ workload: ClaimWorkload) throws -> String {
    switch workload.origin {
    case .trace(let name): return ClaimCommand.path(ofTrace: name, in: traces)
    case .recipe(let recipe, let parameters):
      let path = folder.file(ClaimCommand.fileName(workload))
      if !FileManager.default.fileExists(atPath: path) {
        _ = try Recipes.generate(
          recipe, parameters: parameters, seed: workload.seed, path: path)
      }
      return path
    case .scoreCaching: throw ClaimTrialError.studyHasNoTrace
    }
  }
}

/// A claim's workload can't be opened: a bug, because its row was checked.
enum ClaimTrialError: Error {
  case studyHasNoTrace
}
