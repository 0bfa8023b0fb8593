import ArgumentParser
import Foundation
import Reports
import Traces

extension ReportFormat: ExpressibleByArgument {}

/// Options that every command takes.
struct CommonOptions: ParsableArguments {
  static let usualNotebook = "mallometer.sqlite"
  static let usualSeed: UInt64 = 1

  @Option(help: "Print a text table for people or one JSON document for programs.")
  var format: ReportFormat = .text

  @Option(
    help: ArgumentHelp(
      "The SQLite file that keeps everything measured; created when needed.", valueName: "file"),
    completion: .file(extensions: ["sqlite"]))
  var notebook: String = Self.usualNotebook

  @Option(help: ArgumentHelp("Seed of everything random.", valueName: "n"))
  var seed: UInt64 = Self.usualSeed

  @Flag(help: "No progress on standard error.")
  var quiet = false
}

extension TouchPolicy: ExpressibleByArgument {}
extension ThreadMode: ExpressibleByArgument {}
extension Pace: ExpressibleByArgument {}

/// Options of every command that simulates or replays.
struct WorkloadArguments: ParsableArguments {
  @Option(help: "How much of each block is touched; auto follows the recorded page faults.")
  var touch: TouchPolicy = .auto

  @Option(
    help: "Run the recorded threads, or all events on one (the default but for check).")
  var threads: ThreadMode?

  @Option(help: "Keep the recorded time between events.")
  var pace: Pace = .none

  @Option(
    help: ArgumentHelp(
      "Run the trace this many times; what is live is freed between.", valueName: "n"))
  var loops: Int = 1

  /// Enough for weeks of replay, and no count of operations overflows.
  private static let mostLoops = 1_000_000

  var options: WorkloadOptions {
    WorkloadOptions(touch: touch, threads: threads ?? .one, pace: pace, loops: loops)
  }

  func validate() throws {
    guard (1...Self.mostLoops).contains(loops) else {
      throw ValidationError("--loops must be from 1 to \(Self.mostLoops), not \(loops)")
    }
  }
}
