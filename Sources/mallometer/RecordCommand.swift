import ArgumentParser
import Foundation
import Platform
import Recording

/// `record`: runs a command and writes a trace of every process image in it.
struct RecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Record every allocation of a command and of the processes it starts.",
    discussion: """
      Writes FOLDER/<program>.<pid>.mlt for every process image. The command's input, output and \
      errors are its own; the summary goes to standard error at the end. Exits as the command did.

      Example: mallometer record -o recordings -- python3 script.py

      If record and its helper were both killed, record --recover -o traces finishes the traces \
      from the spools that were left: nothing that was recorded is lost.
      """)

  @Option(name: [.short, .customLong("output")], help: "The folder for traces; created.")
  var output = "."

  @Option(help: "Write a JSON report to this file at the end.")
  var report: String?

  @Flag(name: .customLong("no-follow"), help: "Record the command's first process image only.")
  var noFollow = false

  @Option(name: .customLong("max-events"), help: "Stop recording a process image after N calls.")
  var maxEvents: Int?

  @Flag(help: "Finish the recordings in the folder that were killed; takes no command.")
  var recover = false

  @Flag(help: "No summary on standard error.")
  var quiet = false

  @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
  var command: [String] = []

  func validate() throws {
    guard !recover || command.isEmpty else {
      throw ValidationError("--recover finishes old recordings and takes no command")
    }
    guard recover || !command.isEmpty else {
      throw ValidationError("give the command to record after --, as in: record -- python3 x.py")
    }
    if let maxEvents, maxEvents < 1 {
      throw ValidationError("--max-events must be at least 1, not \(maxEvents)")
    }
  }

  func run() throws {
    if recover { return try finishOld() }
    var outcome: Recorder.Outcome
    do {
      let installation = try Installation()
      let recorder = Recorder(
        library: try installation.recorder().path,
        drainer: ["/proc/self/exe", DrainRecordingCommand.name], output: output,
        follow: !noFollow, maximumEvents: maxEvents)
      outcome = try recorder.run(command)
      outcome.report?.name(command.first)
      if let report { try write(outcome.report, to: report) }
    } catch let error as RecordingError {
      complain(error.description)
      throw ExitCode(error.exitCode)
    } catch let error as any UserFacingError {
      complain(error.description)
      throw ExitCode(125)
    }
    guard let report = outcome.report else {
      complain(
        "the process that writes the traces died, and so did those that took its place; "
          + "mallometer record --recover -o \(output) finishes them")
      throw ExitCode(125)
    }
    if !quiet { summarise(report) }
    let problems = report.processes.compactMap(\.problem)
    problems.forEach(complain)
    throw ExitCode(problems.isEmpty ? outcome.status : 125)
  }

  private func finishOld() throws {
    do {
      let finished = try Drainer.recover(in: output)
      if let report { try write(finished, to: report) }
      if !quiet { summarise(finished) }
      let problems = finished.processes.compactMap(\.problem)
      problems.forEach(complain)
      if !problems.isEmpty { throw ExitCode(125) }
    } catch let error as RecordingError {
      complain(error.description)
      throw ExitCode(error.exitCode)
    }
  }

  private func complain(_ text: String) {
    FileHandle.standardError.write(Data("mallometer record: \(text)\n".utf8))
  }

  private func write(_ report: RecordingReport?, to path: String) throws(RecordingError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      let data = try encoder.encode(report ?? RecordingReport(processes: []))
      try (data + Data("\n".utf8)).write(to: URL(fileURLWithPath: path))
    } catch {
      throw .report(path: path, reason: error.localizedDescription)
    }
  }

  private func summarise(_ report: RecordingReport) {
    for process in report.processes {
      guard process.followed, let trace = process.trace else {
        let name = process.program
        complain("\(name) (\(process.pid)): not followed: it can't be preloaded")
        continue
      }
      var line = "\(trace): \(process.events) events, \(process.threads) thread"
      line += process.threads == 1 ? "" : "s"
      line += String(format: ", %.2f bytes/event", process.bytesPerEvent)
      if process.dropped > 0 { line += ", \(process.dropped) dropped" }
      if process.stopped { line += ", stopped at --max-events" }
      if process.running { line += ", still running: its trace goes on" }
      complain(line)
    }
  }
}

/// The hidden other half of `record`: see `Drainer`.
struct DrainRecordingCommand: ParsableCommand {
  static let name = "drain-recording"
  static let configuration = CommandConfiguration(
    commandName: name, abstract: "Writes traces for a running record.", shouldDisplay: false)

  @Option var session: String
  @Option var output: String
  @Option(name: .customLong("max-events")) var maxEvents: Int?
  @Flag(name: .customLong("no-follow")) var noFollow = false
  @Flag var recover = false

  func run() throws {
    if recover {
      try Drainer(recovering: session, controlled: true).run()
      return
    }
    let drainer = try Drainer(
      folder: session, output: output, follow: !noFollow, maximumEvents: maxEvents)
    drainer.run()
  }
}
