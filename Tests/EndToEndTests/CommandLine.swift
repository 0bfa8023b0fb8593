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
    environment = variables
    try #require(
      FileManager.default.isExecutableFile(atPath: executable),
      "build first, or name the executable with MALLOMETER_EXECUTABLE: \(executable)")
  }

  struct Result {
    let status: Int32
    let output: String
    let errors: String

    /// The one JSON document on standard output.
    func json() throws -> [String: Any] {
      let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
      return try #require(object as? [String: Any], "one JSON object: \(output.prefix(200))")
    }

    /// The elements of a list in the document.
    func list(_ key: String) throws -> [[String: Any]] {
      try #require(try json()[key] as? [[String: Any]], "\(key) is a list of objects")
    }
  }

  /// Runs a command to its end; 128 + signal where it was killed.
  func callAsFunction(
    _ arguments: String..., environment extra: [String: String] = [:]
  ) throws -> Result {
    var process = ChildProcess(
      executable: executable, arguments: arguments,
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
