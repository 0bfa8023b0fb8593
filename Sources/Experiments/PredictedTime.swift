import Designs
import Models
import Notebook
import Platform
import Traces

/// What the steps of a simulation cost by the newest of the notebook's fits that covers them.
public struct PredictedTime {
  private let fits: StoredFits?
  private let options: WorkloadOptions

  /// - Parameter notebook: nil where there is none, or where other steps than this machine's were
  ///   counted: a fit knows what this machine's cost.
  /// - Throws: when the notebook can't be read.
  public init(notebook: Notebook?, options: WorkloadOptions) throws {
    self.options = options
    fits = try notebook.map { try StoredFits($0) }
  }

  /// Nanoseconds per event; nil while the notebook holds no fit of the design's family for this
  /// machine and these options, and for simulations without memory, whose machine steps would
  /// count as none.
  public func estimate(_ result: SimulationResult) -> Estimate? {
    guard result.memoryModelled, result.operations > 0,
      let fit = fits?.covering(result.design, options)?.outcome.fit
    else { return nil }
    let operations = Double(result.operations)
    return fit.predict(
      countsPerOperation: result.counts.map { Double($0) / operations } + [1],
      design: result.design.description)
  }

  /// What the user should know of the fits of these designs' predictions.
  public func warnings(_ designs: [Design]) -> [String] {
    var warnings: [String] = []
    func add(_ warning: String) {
      if !warnings.contains(warning) { warnings.append(warning) }
    }
    for design in designs {
      for reason in fits?.covering(design, options)?.doubts ?? [] {
        add("predictions may be off: of the fit that they come from, \(reason)")
      }
      for reason in fits?.refusal(design, options) ?? [] {
        add("the fit of \(design.family) is not used: \(reason). Make one here: mallometer fit")
      }
    }
    return warnings
  }
}
