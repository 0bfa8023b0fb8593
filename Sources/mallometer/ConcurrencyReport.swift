import Experiments
import Replay
import Reports

/// What `check --concurrent` adds: the traces of several threads, their threads beside each other.
struct ConcurrencyReport: Encodable {
  let runs: [Run]

  init(_ comparisons: [CheckExperiment.Comparison<ConcurrencyCheck.Outcome>]) {
    runs = comparisons.map {
      Run(trace: $0.trace, design: $0.design.description, outcome: $0.found)
    }
  }

  struct Run: Encodable {
    let trace: String
    let design: String
    let calls: UInt64
    let predictedTransfers: UInt64
    let countedTransfers: UInt64
    let predictedWaits: UInt64
    let countedWaits: UInt64
    /// Null where nothing was counted.
    @Nullable var errorPercent: Double?
    let isPredicted: Bool

    init(trace: String, design: String, outcome: ConcurrencyCheck.Outcome) {
      self.trace = trace
      self.design = design
      calls = outcome.calls
      predictedTransfers = outcome.predictedTransfers
      countedTransfers = outcome.countedTransfers
      predictedWaits = outcome.predictedWaits
      countedWaits = outcome.countedWaits
      errorPercent = outcome.errorPercent
      isPredicted = outcome.isPredicted
    }
  }

  var text: String {
    guard !runs.isEmpty else { return "No trace has several threads to run beside each other.\n" }
    var table = Table(
      ["trace", "design", "transfers: model", "native", "waits: model", "native", "error"],
      align: [.left, .left, .right, .right, .right, .right, .right])
    for run in runs {
      table.add(
        run.trace, run.design, Text.count(run.predictedTransfers),
        Text.count(run.countedTransfers), Text.count(run.predictedWaits),
        Text.count(run.countedWaits),
        run.errorPercent.map(Text.percent) ?? "")
    }
    return table.text
  }
}
