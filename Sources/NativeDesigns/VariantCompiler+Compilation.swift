import Designs
import Foundation
import Platform

extension VariantCompiler {
  /// Compiles in a folder beside the library and renames the result into place, so that nobody
  /// ever sees half a library.
  func compile(
    _ design: Design, program: String, flags: [String], files: [String: String], into library: URL
  ) throws(NativeDesignError) {
    try makeCache()
    var template = Array(cache.appendingPathComponent("build.XXXXXX").path.utf8CString)
    guard mkdtemp(&template) != nil else { throw cacheError(errno) }
    let folder = URL(
      fileURLWithPath: String(
        decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self),
      isDirectory: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
      do {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
      } catch {
        throw cacheError(errno)
      }
    }
    let output = folder.appendingPathComponent("variant.so")
    let arguments =
      flags + [
        "-I", folder.path, "-I", sources.path, "-o", output.path,
        folder.appendingPathComponent("variant.c").path,
      ]
    let outcome = try run(program, arguments, folder: folder)
    guard outcome.status == 0 else {
      if outcome.diagnostics.contains("No space left on device") {
        throw .diskFull(cache: cache.path)
      }
      throw .compilationFailed(
        design: design.description, command: ([program] + arguments).joined(separator: " "),
        diagnostics: outcome.diagnostics)
    }
    guard rename(output.path, library.path) == 0 else { throw cacheError(errno) }
  }

  private func makeCache() throws(NativeDesignError) {
    if access(cache.path, W_OK | X_OK) == 0 { return }
    do {
      try FileManager.default.createDirectory(
        at: cache, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw .cacheUnusable(
        cache.path, reason: "it can't be created (\(error.localizedDescription))")
    }
    guard access(cache.path, W_OK | X_OK) == 0 else { throw cacheError(errno) }
  }

  private func cacheError(_ code: Int32) -> NativeDesignError {
    code == ENOSPC || code == EDQUOT
      ? .diskFull(cache: cache.path)
      : .cacheUnusable(cache.path, reason: String(cString: strerror(code)))
  }

  /// Runs the compiler without what this process itself is preloaded with. Its output goes to a
  /// file: a pipe that nobody reads would stop a compiler with much to say.
  private func run(
    _ program: String, _ arguments: [String], folder: URL
  ) throws(NativeDesignError) -> (status: Int32, diagnostics: String) {
    let log = folder.appendingPathComponent("diagnostics")
    guard FileManager.default.createFile(atPath: log.path, contents: nil),
      let handle = FileHandle(forWritingAtPath: log.path)
    else { throw cacheError(errno) }
    defer { try? handle.close() }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    var environment = ProcessInfo.processInfo.environment
    environment["LD_PRELOAD"] = nil
    environment["TMPDIR"] = folder.path
    environment["LC_ALL"] = "C"
    process.environment = environment
    do {
      try process.run()
    } catch {
      throw .compilerMissing(program)
    }
    process.waitUntilExit()
    let text = FileManager.default.contents(atPath: log.path) ?? Data()
    return (process.terminationStatus, String(decoding: text, as: UTF8.self))
  }
}
