import Designs
import Foundation
import Models
import Platform
import Traces

@testable import Replay

/// Preloadable allocators made for tests, compiled once per run.
struct Fixture {
  let folder: PrivateFolder
  let library: URL

  static func compile(_ name: String) throws -> Fixture {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/\(name).c")
    let folder = try PrivateFolder(prefix: "mallometer-test")
    let library = URL(fileURLWithPath: folder.file("\(name).so"))
    let result = try ChildProcess(
      executable: "/usr/bin/cc",
      arguments: [
        "-O1", "-g", "-shared", "-fPIC", "-fno-builtin", "-ftls-model=initial-exec", "-pthread",
        "-DSTEPS=\(Step.count)", "-o", library.path, source.path,
      ]
    ).run()
    guard result.ending == .exited(status: 0) else { throw FixtureError(text: result.errors) }
    return Fixture(folder: folder, library: library)
  }
}

struct FixtureError: Error { let text: String }
