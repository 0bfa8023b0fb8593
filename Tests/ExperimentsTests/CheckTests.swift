import Designs
import Foundation
import Platform
import Replay
import TestSupport
import Testing
import Traces

@testable import Experiments

@Suite struct CheckTests {
  let folder: PrivateFolder

  init() throws { folder = try PrivateFolder(prefix: "check-test") }

  private func generate(
    _ name: String, _ recipe: String, _ parameters: String..., seed: UInt64 = 1
  ) throws -> String {
    let path = folder.file(name)
    try FileManager.default.createDirectory(
      at: URL(fileURLWithPath: path).deletingLastPathComponent(),
      withIntermediateDirectories: true)
    _ = try Recipes.generate(recipe, parameters: parameters, seed: seed, path: path)
    return path
  }

  private func opened(_ paths: String...) throws -> [CheckedTrace] {
    try CheckedTrace.all(paths.map { ($0, try TraceReader.runnable(path: $0)) })
  }

  /// Runs are told apart by their traces' names.
  @Test func twoTracesOfOneNameStayTwo() throws {
    let first = try generate("one/a.mlt", "random-mixed", "events=2000", "live=50")
    let second = try generate("two/a.mlt", "random-mixed", "events=2000", "live=50", seed: 2)
    let copy = folder.file("copy.mlt")
    try FileManager.default.copyItem(atPath: first, toPath: copy)
    let traces = try opened(first, second, copy)
    #expect(traces.map(\.name) == ["a", "a (2)", "a"])
    #expect(CheckedTrace.distinct(traces).map(\.path) == [first, second])
  }

  @Test func progressIsToldOfEveryComparison() throws {
    let plain = try generate("plain.mlt", "random-mixed", "events=2000", "live=50")
    let threaded = try generate("threads.mlt", "local-threads", "threads=2", "events=4000")
    var experiment = try CheckExperiment(
      player: testPlayer(), compiler: testCompiler(),
      designs: [Design(family: .pool), Design(family: .pool, changes: ["header": "16"])],
      options: WorkloadOptions(threads: .recorded), concurrent: true, instructions: nil)
    var announced = 0
    var told = 0
    experiment.stage = { announced += $1 }
    experiment.progress = { _ in told += 1 }
    let outcome = try experiment.run(try opened(plain, threaded))
    #expect(announced == 6 && told == 6, "four comparisons, and two of threads beside each other")
    #expect(outcome.exactness.count == 4 && outcome.concurrency?.count == 2)
    #expect(outcome.exactness.allSatisfy { $0.found.differing == 0 })
    #expect(outcome.instructions == nil)
  }
}
