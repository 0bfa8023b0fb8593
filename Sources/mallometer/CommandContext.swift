import Foundation
import Notebook
import Platform
import Reports
import Traces

/// Everything a command has from outside: where results and progress go, where the notebook and
/// the installation are. Commands take it from their options (`common.context`) and reach for
/// nothing else.
struct CommandContext: Sendable {
  let format: ReportFormat
  let progress: ProgressReporter
  /// The SQLite file; `openNotebook` creates it.
  let notebookPath: String
  /// Seed of everything random in this run.
  let seed: UInt64
  private let write: @Sendable (String) throws -> Void

  init(
    format: ReportFormat, progress: ProgressReporter, notebookPath: String, seed: UInt64,
    write: @escaping @Sendable (String) throws -> Void
  ) {
    self.format = format
    self.progress = progress
    self.notebookPath = notebookPath
    self.seed = seed
    self.write = write
  }

  /// Prints a command's one result as text or JSON.
  func print(_ report: some Report) throws {
    progress.end()
    try write(report.rendered(as: format))
  }

  /// The store of everything measured.
  func openNotebook() throws(NotebookError) -> Notebook {
    try Notebook(path: notebookPath)
  }

  /// The same, or nil where nothing was ever kept: none is created.
  func existingNotebook() throws(NotebookError) -> Notebook? {
    FileManager.default.fileExists(atPath: notebookPath) ? try openNotebook() : nil
  }

  /// A trace to run, with a word to the user if a part of it is lost.
  func runnableTrace(_ path: String) throws(TraceError) -> TraceReader {
    let reader = try TraceReader.runnable(path: path)
    if let loss = reader.loss { progress.note("\(path): only what is intact is used: \(loss)") }
    return reader
  }

  /// The bundled files, the recorder and the player.
  func installation() throws(InstallationError) -> Installation { try Installation() }
}

extension CommonOptions {
  var context: CommandContext {
    let style: ProgressStyle =
      if quiet {
        .silent
      } else if let columns = StandardStream.columns(of: STDERR_FILENO) {
        .bar(columns: columns)
      } else {
        .lines
      }
    return CommandContext(
      format: format, progress: ProgressReporter(style: style, write: StandardStream.writeError),
      notebookPath: notebook, seed: seed,
      write: { try StandardStream.write($0, to: STDOUT_FILENO) })
  }
}
