import ArgumentParser
import Foundation
import Traces

enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case text, json }

/// Options that every command takes.
struct CommonOptions: ParsableArguments {
  @Option(help: "Print a text table for people or one JSON document for programs.")
  var format: OutputFormat = .text

  @Option(help: "The SQLite file that keeps everything measured; created when needed.")
  var notebook: String = "mallometer.sqlite"

  @Option(help: "Seed of everything random.")
  var seed: UInt64 = 1

  @Flag(help: "No progress on stderr.")
  var quiet = false
}

extension TouchPolicy: ExpressibleByArgument {}
extension ThreadMode: ExpressibleByArgument {}
extension Pace: ExpressibleByArgument {}

/// Options of every command that simulates or replays.
struct WorkloadArguments: ParsableArguments {
  @Option(help: "How much of each block is touched; auto follows the recorded page faults.")
  var touch: TouchPolicy = .auto

  @Option(help: "Replay the recorded threads, or all events on one.")
  var threads: ThreadMode = .one

  @Option(help: "Keep the recorded time between events.")
  var pace: Pace = .none

  @Option(help: "Run the trace this many times; what is live is freed between.")
  var loops: Int = 1

  var options: WorkloadOptions {
    WorkloadOptions(touch: touch, threads: threads, pace: pace, loops: loops)
  }

  func validate() throws {
    guard loops >= 1 else { throw ValidationError("--loops must be at least 1, not \(loops)") }
  }
}
