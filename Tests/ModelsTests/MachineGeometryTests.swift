import Foundation
import Testing

@testable import Models

@Suite struct Geometries {
  /// A folder as the kernel lays it out: level, type, sets, ways, bytes per line.
  private func folder(_ caches: [(String, String, String, String, String)]) throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("caches-\(UUID().uuidString)")
    for (index, cache) in caches.enumerated() {
      let below = folder.appendingPathComponent("index\(index)")
      try FileManager.default.createDirectory(at: below, withIntermediateDirectories: true)
      for (name, text) in [
        ("level", cache.0), ("type", cache.1), ("number_of_sets", cache.2),
        ("ways_of_associativity", cache.3), ("coherency_line_size", cache.4),
      ] {
        try (text + "\n").write(
          to: below.appendingPathComponent(name), atomically: true, encoding: .utf8)
      }
    }
    return folder
  }

  @Test func theKernelsCachesAreTaken() throws {
    let folder = try folder([
      ("1", "Data", "32", "8", "64"), ("1", "Instruction", "1", "1", "64"),
      ("2", "Unified", "512", "4", "64"), ("3", "Unified", "10240", "20", "64"),
    ])
    defer { try? FileManager.default.removeItem(at: folder) }
    let geometry = MachineGeometry.current(caches: folder)
    #expect(geometry.levelOne == .init(sets: 32, ways: 8))
    #expect(geometry.levelTwo == .init(sets: 512, ways: 4))
    #expect(geometry.levelThree == .init(sets: 10240, ways: 20))
    #expect(geometry.translation == MachineGeometry.reference.translation)
  }

  @Test func whatIsMissingOrImpossibleIsTheReferences() throws {
    let folder = try folder([
      ("1", "Data", "0", "8", "64"), ("2", "Unified", "512", "4", "128"),
      ("3", "Unified", "many", "20", "64"), ("9", "Unified", "64", "4", "64"),
    ])
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(MachineGeometry.current(caches: folder) == .reference)
    let missing = folder.appendingPathComponent("missing")
    #expect(MachineGeometry.current(caches: missing) == .reference)
  }

  @Test func thisMachineIsTheSameTwice() {
    #expect(MachineGeometry.current() == MachineGeometry.current())
  }
}
