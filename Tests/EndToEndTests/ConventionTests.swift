import Foundation
import Platform
import Testing

/// What holds for every command, whichever there are.
@Suite struct ConventionTests {
  let mallometer: CommandLine

  init() throws { mallometer = try CommandLine() }

  @Test func helpIsAnAnswer() throws {
    let help = try mallometer("--help")
    #expect(help.status == 0 && help.errors.isEmpty)
    #expect(help.output.contains("Exit codes"))
    #expect(try mallometer.commands().contains("doctor"))
  }

  @Test func everyHelpHasAnExampleThatNamesItsCommand() throws {
    for command in try mallometer.commands() where command != "help" {
      let help = try mallometer("help", command)
      #expect(help.status == 0)
      #expect(help.output.contains("Example"), "\(command)")
      #expect(help.output.contains("mallometer \(command)"), "\(command)")
    }
  }

  @Test func wrongUsageIs64AndSaysWhatIsRight() throws {
    let unknown = try mallometer("frobnicate")
    #expect(unknown.status == 64 && unknown.output.isEmpty)
    #expect(unknown.errors.contains("frobnicate"))
    let format = try mallometer("doctor", "--format", "xml")
    #expect(format.status == 64 && format.output.isEmpty)
    #expect(format.errors.contains("json"))
  }

  @Test func versionIsPrinted() throws {
    let version = try mallometer("--version")
    #expect(version.status == 0)
    #expect(version.output.split(separator: ".").count == 3)
  }

  @Test(arguments: ["bash", "zsh", "fish"]) func completionsNameEveryCommand(
    shell: String
  ) throws {
    let script = try mallometer("--generate-completion-script", shell)
    #expect(script.status == 0)
    for command in try mallometer.commands() { #expect(script.output.contains(command)) }
  }

  @Test func anOutputThatCannotBeWrittenIsAnError() throws {
    let folder = try PrivateFolder()
    let script = folder.file("full.sh")
    try "'\(mallometer.executable)' doctor >/dev/full\n".write(
      toFile: script, atomically: true, encoding: .utf8)
    let ended = try ChildProcess(
      executable: "/bin/sh", arguments: [script], environment: mallometer.environment
    ).run()
    #expect(ended.ending == .exited(status: 2))
    #expect(ended.errors.contains("No space left"))
  }

  @Test func aReaderThatHasSeenEnoughIsNoError() throws {
    let folder = try PrivateFolder()
    let script = folder.file("pipe.sh")
    try "'\(mallometer.executable)' --generate-completion-script bash | head -n 1\n".write(
      toFile: script, atomically: true, encoding: .utf8)
    let ended = try ChildProcess(
      executable: "/bin/sh", arguments: [script], environment: mallometer.environment
    ).run()
    #expect(ended.ending == .exited(status: 0) && ended.errors.isEmpty)
  }
}

@Suite struct DoctorTests {
  let mallometer: CommandLine

  init() throws { mallometer = try CommandLine() }

  @Test func everyCheckSaysWhatItFoundAndHowToMendIt() throws {
    let result = try mallometer("doctor", "--format", "json")
    let checks = try result.list("checks")
    #expect(checks.count > 10)
    for check in checks {
      #expect(check["name"] is String && (check["detail"] as? String)?.isEmpty == false)
      let ok = try #require(check["ok"] as? Bool)
      #expect(check["remedy"] != nil, "the key is there, null or not")
      if !ok { #expect(check["remedy"] is String, "\(check)") }
    }
  }

  @Test func whatIsLackingIsTheAnswerNo() throws {
    let result = try mallometer(
      "doctor", "--format", "json", environment: ["MALLOMETER_PLAYER": "/nowhere/player"])
    #expect(result.status == 1)
    let player = try result.list("checks").first { $0["name"] as? String == "player" }
    #expect(player?["ok"] as? Bool == false)
    #expect((player?["detail"] as? String)?.contains("/nowhere/player") == true)
  }

  @Test func textNamesTheSameChecks() throws {
    let text = try mallometer("doctor").output
    for check in try mallometer("doctor", "--format", "json").list("checks") {
      #expect(text.contains(try #require(check["name"] as? String)))
    }
  }
}
