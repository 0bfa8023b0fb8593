import Foundation
import Testing

@testable import Platform

@Suite struct ChildProcessTests {
  @Test func keepsOutputErrorsAndStatus() throws {
    let result = try ChildProcess(
      executable: "/bin/sh", arguments: ["-c", "echo $GREETING; echo oh >&2; exit 7"],
      environment: ["GREETING": "hello"]
    ).run()
    #expect(result.ending == .exited(status: 7))
    #expect(result.output == "hello\n")
    #expect(result.errors == "oh\n")
  }

  @Test func namesTheSignal() throws {
    let result = try ChildProcess(executable: "/bin/sh", arguments: ["-c", "kill -9 $$"]).run()
    #expect(result.ending == .killed(signal: SIGKILL))
  }

  /// Workers of thread pools block all signals: a program that waits for one would wait for ever.
  @Test func blocksNoSignal() throws {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let result = try ChildProcess(
      executable: "/bin/grep", arguments: ["SigBlk", "/proc/self/status"]
    ).run()
    #expect(result.output == "SigBlk:\t0000000000000000\n")
  }

  @Test func readsMoreThanItKeeps() throws {
    let result = try ChildProcess(
      executable: "/bin/sh", arguments: ["-c", "head -c 1000000 /dev/zero | tr '\\0' x"]
    ).run()
    #expect(result.ending == .exited(status: 0))
    #expect(result.output.utf8.count == 64 * 1024)
  }

  @Test func saysWhatCannotBeRun() {
    #expect(throws: ChildProcessError.cannotRun("/nowhere/program", errorNumber: ENOENT)) {
      try ChildProcess(executable: "/nowhere/program", arguments: []).run()
    }
  }

  @Test func findsWhatAShellWouldRun() throws {
    let folder = try PrivateFolder()
    let other = try PrivateFolder()
    let environment = ["PATH": "/nowhere:\(folder.path):\(other.path)"]
    func find(_ name: String) -> String? { ChildProcess.find(name, environment: environment) }
    try FileManager.default.createDirectory(
      atPath: folder.file("tool"), withIntermediateDirectories: false)
    try "not executable".write(toFile: folder.file("text"), atomically: true, encoding: .utf8)
    #expect(find("tool") == nil && find("text") == nil && find("sh") == nil)
    try "#!/bin/sh\n".write(toFile: other.file("tool"), atomically: true, encoding: .utf8)
    #expect(chmod(other.file("tool"), 0o700) == 0)
    #expect(find("tool") == other.file("tool"), "a folder of that name is none")
    #expect(find(other.file("tool")) == other.file("tool"))
    #expect(find("/bin/none") == nil)
    #expect(ChildProcess.find("sh", environment: [:]) != nil, "without PATH the usual folders")
  }

  @Test func privateFolderIsPrivateAndGoesAway() throws {
    var folder: PrivateFolder? = try PrivateFolder()
    let path = try #require(folder?.path)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o700)
    folder = nil
    #expect(!FileManager.default.fileExists(atPath: path))
    #expect(throws: PrivateFolderError.self) { try PrivateFolder(parent: "/nowhere") }
  }

  @Test func thisProcessMayRunSomewhere() {
    #expect(!ProcessorSet.available.isEmpty)
    #expect(ProcessorSet.available == ProcessorSet.available.sorted())
  }
}
