import Foundation
import Platform

extension VariantCompiler {
  /// What a variant or another program is compiled from.
  struct Compilation {
    /// As messages name it.
    let name: String
    /// The compiler's path.
    let program: String
    let flags: [String]
    /// The text of mallometer_variant.h.
    let header: String
    /// The text of the translation unit.
    let unit: String
  }

  /// Compiles in a folder beside the libraries and renames each into place, so that nobody ever
  /// sees half a library. All that lie elsewhere than the ordinary build (placement 0) are made
  /// from one assembly.
  func compile(
    _ job: Compilation, _ placements: [(placement: Int, library: URL)]
  ) throws(NativeDesignError) {
    try makeCache()
    var template = Array(cache.appendingPathComponent("build.XXXXXX").path.utf8CString)
    guard mkdtemp(&template) != nil else { throw cacheError(errno) }
    let folder = URL(
      fileURLWithPath: String(
        decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self),
      isDirectory: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try write(job.header, to: folder.appendingPathComponent("mallometer_variant.h"))
    let unit = folder.appendingPathComponent("variant.c")
    try write(job.unit, to: unit)
    let output = folder.appendingPathComponent("variant.so")
    // Debugging information names files: as they lie to one another, not where they lie now, so that
    // the same source gives the same bytes in any folder and measurements are found again.
    let flags =
      job.flags + [
        "-ffile-prefix-map=\(folder.path)=.", "-ffile-prefix-map=\(sources.path)=mallometer",
      ]
    let source = ["-I", folder.path, "-I", sources.path, unit.path]
    var assembly: String?
    for (placement, library) in placements {
      if placement == 0 {
        try run(job, flags + ["-o", output.path] + source, folder: folder)
      } else {
        let path = folder.appendingPathComponent("variant.s")
        if assembly == nil {
          try run(
            job, flags + ["-S", "-ffunction-sections", "-o", path.path] + source,
            folder: folder)
          assembly = FileManager.default.contents(atPath: path.path)
            .map { String(decoding: $0, as: UTF8.self) }
        }
        var seed = ContentHash()
        seed.add("\(job.name) \(placement)")
        var elsewhere = CodePlacement(seed: seed.value)
        try write(elsewhere.place(assembly ?? ""), to: path)
        try run(job, flags + ["-o", output.path, path.path], folder: folder)
      }
      guard rename(output.path, library.path) == 0 else { throw cacheError(errno) }
    }
  }

  private func write(_ text: String, to file: URL) throws(NativeDesignError) {
    do {
      try Data(text.utf8).write(to: file)
    } catch {
      throw cacheError(errno)
    }
  }

  /// - Throws: with what the compiler said, when it refuses.
  private func run(
    _ job: Compilation, _ arguments: [String], folder: URL
  ) throws(NativeDesignError) {
    let outcome = try run(job.program, arguments, folder: folder)
    guard outcome.status != 0 else { return }
    if outcome.diagnostics.contains("No space left on device") {
      throw .diskFull(cache: cache.path)
    }
    throw .compilationFailed(
      design: job.name,
      command: ([job.program] + arguments).joined(separator: " "),
      diagnostics: outcome.diagnostics)
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
    process.currentDirectoryURL = folder
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
