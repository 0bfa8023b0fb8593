import ArgumentParser
import Experiments
import Platform
import Traces

/// What the costs behind an answer are fitted on: options of every command that predicts.
struct TrainingArguments: ParsableArguments {
  @Option(help: ArgumentHelp("A trace to fit on; repeat for several.", valueName: "trace"))
  var training: [String] = []

  @Option(help: ArgumentHelp("Time for measuring what a fit lacks.", valueName: "time"))
  var budget = TimeBudget(seconds: 60)

  /// - Parameter installation: has the bundled traces, which are fitted on unless some are named.
  func runs(_ installation: Installation) throws -> TrainingRuns {
    TrainingRuns(
      traces: training.isEmpty ? try BundledTraces.paths(installation) : training,
      budget: budget.seconds)
  }
}

extension WorkloadArguments {
  /// Refuses what no model predicts.
  /// - Parameter what: that would be predicted.
  func refusePace(_ what: String) throws {
    guard threads != .recorded else {
      throw ValidationError("\(what) on one thread: leave --threads out")
    }
    guard pace == .none else {
      throw ValidationError("no model knows of time that passes between calls: leave --pace out")
    }
  }
}

extension CommandContext {
  /// The traces that a question is about, with a word to the user on each whose threads' events
  /// all go to one thread.
  func openAsked(_ traces: [String], by laboratory: Laboratory) throws -> [Laboratory.Sample] {
    try traces.map { path in
      let sample = try laboratory.open(path)
      let threads = sample.workload.trace.threads
      if threads > 1 && sample.workload.options.threads == .one {
        progress.note(
          "\(path): the events of its \(threads) threads are run on one thread, in their order: "
            + "waiting for locks and frees from other threads are not in the answer")
      }
      return sample
    }
  }
}
