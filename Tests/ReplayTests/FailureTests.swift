import Foundation
import Platform
import TestSupport
import Testing
import Traces

@testable import Replay

@Suite struct FailureTests {
  private let source = EventArraySource(
    events: (0..<500).map { Event(kind: .malloc, slot: UInt32($0), size: 64) }, slots: 500)

  private func failure(library: URL?, mode: String? = nil) throws -> PlayerError? {
    var player = try testPlayer()
    player.environment["MALLOMETER_TEST_MODE"] = mode
    let plan = try Plan.compile(source)
    do {
      _ = try player.time(plan, allocator: "fixture", library: library)
      return nil
    } catch let error as PlayerError {
      return error
    }
  }

  @Test func missingLibrary() throws {
    let error = try #require(try failure(library: URL(fileURLWithPath: "/nowhere/liballoc.so")))
    guard case .preloadFailed("/nowhere/liballoc.so", let reason) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(reason.contains("cannot open shared object file"))
    #expect(error.remedy != nil)
  }

  @Test func fileThatIsNoLibrary() throws {
    let folder = try PrivateFolder()
    let path = folder.file("text.so")
    try Data("no ELF at all".utf8).write(to: URL(fileURLWithPath: path))
    let error = try #require(try failure(library: URL(fileURLWithPath: path)))
    guard case .preloadFailed = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test func libraryWithoutMalloc() throws {
    let library = URL(fileURLWithPath: "/usr/lib/x86_64-linux-gnu/libz.so.1")
    try #require(FileManager.default.fileExists(atPath: library.path))
    let error = try #require(try failure(library: library))
    guard case .doesNotReplaceMalloc(_, let from) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(from.contains("libc"))
  }

  @Test(arguments: ["abort", "crash", "null"])
  func allocatorThatFails(mode: String) throws {
    let fixture = try Fixture.compile("crashing")
    let error = try #require(try failure(library: fixture.library, mode: mode))
    switch (mode, error) {
    case ("abort", .killed(_, SIGABRT, _, let errors)): #expect(errors.contains("heap corrupted"))
    case ("crash", .killed(_, SIGSEGV, _, _)): #expect(error.message.contains("SIGSEGV"))
    case ("null", .outOfMemory(_, 64, let failures)): #expect(failures >= 390)
    default: Issue.record("\(mode): \(error)")
    }
    #expect(try failure(library: fixture.library) == nil)
  }

  @Test func missingPlayer() throws {
    let folder = try PrivateFolder()
    let installation = try Installation(
      executable: URL(fileURLWithPath: folder.file("mallometer")),
      environment: ["MALLOMETER_HOME": folder.path])
    #expect(throws: InstallationError.self) { try Player(installation: installation) }
  }

  @Test func sizesBeyondThePlanAreRefused() throws {
    let source = EventArraySource(events: [Event(kind: .malloc, slot: 0, size: 1 << 40)], slots: 1)
    #expect(throws: PlanError.sizeOutOfRange(1 << 40, operation: 0)) { try Plan.compile(source) }
  }

  @Test func planIsPrivateAndGoesAway() throws {
    var plan: Plan? = try Plan.compile(source)
    let path = try #require(plan?.path)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect((attributes[.posixPermissions] as? Int) == 0o600)
    plan = nil
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
