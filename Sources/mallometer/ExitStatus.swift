import ArgumentParser

/// What the process says to its caller, in every command but `record`, which passes on the exit
/// of the program it recorded.
enum ExitStatus: Int32 {
  case done = 0
  /// It ran and the answer is no: `check` found a difference, `doctor` something missing.
  case answerIsNo = 1
  /// A trace, a design, a claim or the notebook can't be used.
  case badInput = 2
  /// The command line isn't one of ours.
  case usage = 64
  /// A bug of ours.
  case bug = 70
  case interrupted = 130

  /// To be thrown by a command that has printed all it has to say.
  var code: ExitCode { ExitCode(rawValue) }
}
