import Designs
import Foundation
import Platform
import TestSupport
import Testing

/// What holds for the checkout as a whole.
@Suite struct PackageTests {
  @Test func everyStepIsDocumented() throws {
    let text = try String(
      contentsOf: repository.appendingPathComponent("Documentation/steps.md"), encoding: .utf8)
    for step in Step.allCases {
      let info = step.info
      let row =
        "| `\(step.name)` | \(info.group.rawValue) | \(info.kind.rawValue) | \(info.doc) |"
      #expect(text.contains(row), "\(step.name)")
    }
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }
    #expect(rows.count == Step.count, "a documented step that no longer exists")
  }

  @Test func noSourceFileIsTooLong() throws {
    for folder in ["Sources", "Tests"] {
      let path = repository.appendingPathComponent(folder).path
      let files = try #require(FileManager.default.enumerator(atPath: path))
      for case let name as String in files {
        guard ["swift", "c", "h"].contains((name as NSString).pathExtension) else { continue }
        let text = try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
        #expect(text.utf8.count { $0 == UInt8(ascii: "\n") } <= 500, "\(folder)/\(name)")
      }
    }
  }

  @Test(arguments: ["recorder", "player"]) func whatRunsInOtherProcessesLinksLibcOnly(
    name: String
  ) throws {
    let executable = URL(fileURLWithPath: try CommandLine().executable)
    let installation = try Installation(executable: executable)
    let file = name == "recorder" ? try installation.recorder() : try installation.player()
    let ended = try ChildProcess(
      executable: "/usr/bin/readelf", arguments: ["-d", file.path]
    ).run()
    let needed = ended.output.split(separator: "\n").filter { $0.contains("(NEEDED)") }
    #expect(!needed.isEmpty)
    for line in needed {
      #expect(line.contains("libc.so.6") || line.contains("ld-linux"), "\(line)")
    }
  }
}
