import Foundation
import Platform
import Testing

/// The built executable, run as a person or a program would run it.
struct CommandLine {
  let executable: String
  let environment: [String: String]

  /// `MALLOMETER_EXECUTABLE`, or what was built beside the tests.
  init() throws {
    let variables = ProcessInfo.processInfo.environment
    let beside = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appendingPathComponent("mallometer").path
    executable = variables["MALLOMETER_EXECUTABLE"] ?? beside
    environment = variables.merging(["MALLOMETER_CACHE": Self.variants]) { named, _ in named }
    try #require(
      FileManager.default.isExecutableFile(atPath: executable),
      "build first, or name the executable with MALLOMETER_EXECUTABLE: \(executable)")
  }

  /// Compiled variants of this run of the tests: nothing depends on what lies in ~/.cache.
  private static let variants =
    FileManager.default.temporaryDirectory.appendingPathComponent(
      "mallometer-variants.\(getpid())"
    ).path

  struct Result {
    let status: Int32
    let output: String
    let errors: String

    /// The one JSON document on standard output.
    func json() throws -> [String: Any] {
      let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
      return try #require(object as? [String: Any], "one JSON object: \(output.prefix(200))")
    }

    /// The elements of a list in the document, each with the keys named in `keys`, null or not.
    func list(_ key: String, keys: String = "") throws -> [[String: Any]] {
      let list = try #require(try json()[key] as? [[String: Any]], "\(key) is a list of objects")
      for element in list { expectKeys(keys, in: element, key) }
      return list
    }

    /// Whether the command refused its input: nothing printed, and an error that names `parts`.
    func isBadInput(naming parts: String...) -> Bool {
      status == 2 && output.isEmpty && errors.contains("error: ")
        && parts.allSatisfy(errors.contains)
    }
  }

  /// Runs a command to its end; 128 + signal where it was killed.
  func callAsFunction(
    _ arguments: String..., environment extra: [String: String] = [:]
  ) throws -> Result {
    try run(executable, arguments, environment: extra)
  }

  /// Runs a command once for people and once for programs.
  /// - Returns: the text and, from the second run, the result in JSON; both ended with 0.
  func inBothFormats(_ arguments: String...) throws -> (text: String, json: Result) {
    let text = try run(executable, arguments)
    try #require(text.status == 0 && !text.output.isEmpty, "\(arguments): \(text.errors)")
    let json = try run(executable, arguments + ["--format", "json", "--quiet"])
    try #require(json.status == 0, "\(arguments): \(json.errors)")
    #expect(json.errors.isEmpty, "--quiet silences progress")
    return (text.output, json)
  }

  /// Runs lines of shell in which `"$mallometer"` is the executable.
  func shell(_ lines: String, _ arguments: String...) throws -> Result {
    try run(
      "/bin/bash", ["-c", lines, "bash"] + arguments,
      environment: ["mallometer": executable])
  }

  func run(
    _ program: String, _ arguments: [String], environment extra: [String: String] = [:]
  ) throws -> Result {
    var process = ChildProcess(
      executable: program, arguments: arguments,
      environment: environment.merging(extra) { $1 })
    process.outputLimit = 1 << 24
    let ended = try process.run()
    let status: Int32 =
      switch ended.ending {
      case .exited(let status): status
      case .killed(let signal): 128 + signal
      }
    return Result(status: status, output: ended.output, errors: ended.errors)
  }

  /// Generates `a.mlt`, `b.mlt` and `c.mlt`, small enough to be measured in no time.
  func makeTraces(in folder: PrivateFolder) throws {
    for (name, recipe) in [
      ("a", "random-mixed events=30000 live=400"), ("b", "random-mixed events=30000 live=3000"),
      ("c", "random-mixed events=30000 live=50 max=4096"),
    ] {
      let made = try shell(
        "\"$mallometer\" generate \(recipe) -o \"$1\"", folder.file("\(name).mlt"))
      try #require(made.status == 0, "\(made.errors)")
    }
  }

  /// Every subcommand that the help names.
  func commands() throws -> [String] {
    let help = try self("--help").output
    let list = try #require(help.components(separatedBy: "SUBCOMMANDS:\n").last)
    return list.split(separator: "\n").compactMap { line in
      guard line.hasPrefix("  "), !line.hasPrefix("   "), !line.contains("'") else { return nil }
      return line.split(separator: " ").first.map(String.init)
    }
  }
}

/// Every key is there, null or not.
func expectKeys(_ keys: String, in element: [String: Any], _ what: String) {
  for key in keys.split(whereSeparator: \.isWhitespace) {
    #expect(element[String(key)] != nil, "\(what) has no \(key)")
  }
}

/// A value with its interval, whose ends may be null.
@discardableResult
func expectEstimate(_ element: Any?, _ what: String) throws -> Double {
  let estimate = try #require(element as? [String: Any], "\(what) is an estimate")
  #expect(Set(estimate.keys) == ["value", "low", "high"], "\(what)")
  let value = try #require(estimate["value"] as? Double, "\(what)")
  if let low = estimate["low"] as? Double { #expect(low <= value, "\(what)") }
  if let high = estimate["high"] as? Double { #expect(value <= high, "\(what)") }
  return value
}
