import Designs
import Foundation
import Models
import Platform
import Traces

@testable import Replay

/// Operations in memory as a workload.
struct ArraySource: OperationSource {
  var events: [Event]
  var slots: Int
  var siteAddresses: [UInt64] = [0x1_0000_0010, 0x1_0000_0020]
  var touch: TouchPolicy = .none
  var windowEvents = 1024

  func forEachOperationBlock(_ body: (UnsafeBufferPointer<Event>) throws -> Void) throws {
    try events.withUnsafeBufferPointer { events in
      for start in stride(from: 0, to: events.count, by: 777) {
        try body(
          UnsafeBufferPointer(rebasing: events[start..<min(start + 777, events.count)]))
      }
    }
  }

  /// Seeded mallocs and frees, some callocs, reallocs and aligned allocations.
  static func mixed(
    operations: Int, slots: Int, seed: UInt64, sizes: ClosedRange<UInt64> = 1...1024,
    mallocsOnly: Bool = false
  ) -> ArraySource {
    var random = TestGenerator(state: seed)
    var live: [UInt32] = []
    var dead = Array((0..<UInt32(slots)).reversed())
    var events: [Event] = []
    for _ in 0..<operations {
      let choice = Int.random(in: 0..<10, using: &random)
      let size = UInt64.random(in: sizes, using: &random)
      let site = UInt32.random(in: 0..<2, using: &random)
      if dead.isEmpty || (choice < 5 && !live.isEmpty) {
        let index = Int.random(in: live.indices, using: &random)
        if choice == 0 && !mallocsOnly {
          events.append(Event(kind: .realloc, slot: live[index], size: size, site: site))
        } else {
          live.swapAt(index, live.count - 1)
          let slot = live.removeLast()
          dead.append(slot)
          events.append(Event(kind: .free, slot: slot))
        }
      } else {
        let slot = dead.removeLast()
        live.append(slot)
        let kind: EventKind =
          mallocsOnly ? .malloc : choice == 8 ? .calloc : choice == 9 ? .aligned : .malloc
        events.append(
          Event(
            kind: kind, alignmentLog2: kind == .aligned ? 6 : 0, slot: slot, size: size, site: site
          ))
      }
    }
    return ArraySource(events: events, slots: slots)
  }
}

/// SplitMix64.
struct TestGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

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

/// The player that was built with these tests.
func testPlayer() throws -> Player {
  let bundled = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
  var folder = bundled.deletingLastPathComponent()
  while folder.path != "/" {
    if FileManager.default.fileExists(
      atPath: folder.appendingPathComponent("mallometer-player").path)
    {
      break
    }
    folder.deleteLastPathComponent()
  }
  let installation = try Installation(executable: folder.appendingPathComponent("mallometer"))
  return try Player(installation: installation)
}
