import Foundation
import Testing

@testable import Traces

@Suite struct RecipeTests {
  @Test(arguments: Recipes.all.map { $0.name })
  func givesTheSameBytesAndTheEventsAskedFor(name: String) throws {
    let folder = try TemporaryFolder()
    for (file, seed) in [("a", 7), ("b", 7), ("c", 8)] {
      _ = try Recipes.generate(
        name, parameters: ["events=70000"], seed: UInt64(seed), path: folder.file(file))
    }
    let first = try Data(contentsOf: URL(fileURLWithPath: folder.file("a")))
    let second = try Data(contentsOf: URL(fileURLWithPath: folder.file("b")))
    let other = try Data(contentsOf: URL(fileURLWithPath: folder.file("c")))
    #expect(first == second)
    #expect(first != other)
    let reader = try TraceReader(path: folder.file("a"))
    #expect(reader.completeness.isComplete)
    #expect(reader.operationCount == 70_000)
    let statistics = try TraceStatistics(of: reader)
    #expect(statistics.events == UInt64(reader.eventCount))
    let allocations = statistics.mallocs + statistics.callocs
    #expect(allocations - statistics.frees == statistics.liveObjectsAtEnd)
  }

  @Test func patternsAreWhatTheirNamesSay() throws {
    let folder = try TemporaryFolder()
    func statistics(_ name: String, _ parameters: [String]) throws -> TraceStatistics {
      let path = folder.file("\(name).mlt")
      _ = try Recipes.generate(name, parameters: parameters, seed: 1, path: path)
      return try TraceStatistics(of: TraceReader(path: path))
    }
    let batches = try statistics("vm", ["events=1000"])
    #expect(batches.peakLiveObjects == 10)
    #expect(batches.peakLiveBytes == 20 << 20)
    #expect(batches.sizes == [.init(upTo: 2 << 20, count: 500)])
    let rounds = try statistics("fixed", ["events=420"])
    #expect(rounds.sizes.map(\.count) == [100, 100, 10])
    #expect(rounds.sizes.map(\.upTo) == [1 << 10, 16 << 10, 1 << 20])
    let mixed = try statistics("random-mixed", ["events=200k", "live=500", "min=32", "max=64"])
    #expect((400...620).contains(mixed.peakLiveObjects))
    #expect(mixed.sizes.map(\.upTo) == [32, 64])
    let handed = try statistics("producer-consumer", ["events=10k", "threads=4"])
    #expect(handed.threads == 4)
    #expect(handed.crossThreadFrees == handed.frees)
    let larson = try statistics("larson", ["events=100k", "live=100", "round=500"])
    #expect(larson.threads > 4 && larson.crossThreadFrees > 1000)
    #expect(larson.peakLiveObjects <= 400)
    let local = try statistics("local-threads", ["events=10k"])
    #expect(local.threads == 4 && local.crossThreadFrees == 0)
    let shared = try statistics("false-sharing", ["events=10k", "batch=9"])
    #expect(shared.crossThreadFrees > 0)
  }

  @Test func refusesUnknownNamesAndValues() {
    func problem(_ name: String, _ parameters: [String]) -> TraceError? {
      do {
        _ = try Recipes.generate(name, parameters: parameters, seed: 1, path: "/dev/null/x")
        return nil
      } catch { return error as TraceError }
    }
    #expect(
      problem("lasron", [])?.problem.hasPrefix("isn't a recipe; the known ones are larson")
        == true)
    #expect(problem("vm", ["bytse=1"])?.problem.contains("parameters are bytes") == true)
    #expect(problem("vm", ["bytes=many"])?.problem.contains("whole number") == true)
    #expect(problem("vm", ["bytes=0"])?.kind == .recipe)
    #expect(problem("random-mixed", ["min=9", "max=8"])?.problem.contains("above max") == true)
    #expect(problem("vm", [])?.kind == .file)
  }

  @Test func readsNumbersWithSuffixes() {
    #expect(Recipes.number("10M") == 10_000_000)
    #expect(Recipes.number("2Mi") == 2 << 20)
    #expect(Recipes.number("1_000") == 1000)
    #expect(Recipes.number("99999999999999999999") == nil)
    #expect(Recipes.number("18446744073709551615k") == nil)
    #expect(Recipes.number("-1") == nil)
  }
}
