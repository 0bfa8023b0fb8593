import ArgumentParser
import Foundation
import Platform

@main
struct Mallometer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mallometer",
    abstract: "Record, replay, simulate and explain what memory allocators cost.",
    discussion: """
      Example:
        mallometer record -o recordings -- python3 -c 'print(1)'
        mallometer replay traces/*.mlt --design pool --design glibc

      Exit codes: 0 done, 1 the answer is no, 2 bad input, 64 usage, 70 a bug of ours, \
      130 interrupted.
      """,
    version: "0.1.0",
    subcommands: [
      RecordCommand.self,
      DrainRecordingCommand.self,
      InfoCommand.self,
      GenerateCommand.self,
      SimulateCommand.self,
      CheckCommand.self,
      DesignsCommand.self,
      ReplayCommand.self,
      CalibrateCommand.self,
      FitCommand.self,
      ExplainCommand.self,
      ValidateCommand.self,
      StudyCommand.self,
      PredictCommand.self,
      SearchCommand.self,
      DoctorCommand.self,
    ])

  /// Runs one command and ends the process with its status: see `ExitStatus`.
  static func main() async {
    do {
      var command = try parseAsRoot()
      // A recording goes on until its program ends: signals are that program's business.
      if !(command is RecordCommand || command is DrainRecordingCommand) {
        Interruption.install { status in
          StandardStream.writeError("\ninterrupted: what was measured is in the notebook\n")
          _exit(status)
        }
      }
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      let failure = Failure(error)
      if failure.isAnswer {
        try? StandardStream.write(failure.text, to: STDOUT_FILENO)
      } else {
        StandardStream.writeError(failure.text)
      }
      Foundation.exit(failure.status)
    }
  }
}
