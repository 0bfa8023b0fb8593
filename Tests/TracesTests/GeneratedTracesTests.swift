import Foundation
import Platform
import Testing

@testable import Traces

/// What a bare fit takes besides the recordings.
@Suite struct GeneratedTracesTests {
  /// With the thirteen programs that are bundled, thirty clusters and one.
  @Test func thereAreEnoughAndEachIsItsOwn() {
    let usual = GeneratedTraces.usual
    #expect(usual.count >= 17)
    #expect(Set(usual.map(\.name)).count == usual.count)
    for (place, entry) in usual.enumerated() {
      #expect(!usual[..<place].contains { $0.parameters == entry.parameters }, "\(entry.name)")
      #expect(entry.name.hasPrefix(entry.recipe + "-"))
    }
  }

  @Test func theyAreSmallTheSameEveryTimeAndGoneAfterwards() throws {
    var first: GeneratedTraces? = try GeneratedTraces()
    let second = try GeneratedTraces()
    let paths = try #require(first?.paths)
    try #require(paths.count == GeneratedTraces.usual.count)
    for (path, other) in zip(paths, second.paths) {
      let reader = try TraceReader(path: path)
      #expect(reader.completeness.isComplete)
      #expect((300...300_000).contains(reader.operationCount), "\(path)")
      #expect(reader.header.origin != nil)
      #expect(try SHA256.hexadecimal(ofFile: path) == SHA256.hexadecimal(ofFile: other))
    }
    first = nil
    for path in paths { #expect(!FileManager.default.fileExists(atPath: path)) }
    for path in second.paths { #expect(FileManager.default.fileExists(atPath: path)) }
  }

  @Test func callSitesDifferInWhatTheyDo() throws {
    let folder = try TemporaryFolder()
    func statistics(_ parameters: String...) throws -> TraceStatistics {
      let path = folder.file("sites.mlt")
      _ = try Recipes.generate(
        "call-sites", parameters: ["events=100k"] + parameters, seed: 3, path: path)
      return try TraceStatistics(of: TraceReader(path: path))
    }
    let usual = try statistics()
    #expect(usual.callocs > 1000 && usual.reallocs > 1000)
    #expect(usual.sizes.filter { $0.count > 100 }.count >= 5)
    #expect(usual.lifetimes.filter { $0.count > 100 }.count >= 8, "from short to long")
    let plain = try statistics("cleared=0", "grown=0")
    #expect(plain.callocs == 0 && plain.reallocs == 0)
    let kept = try statistics("kept=2")
    #expect(kept.liveObjectsAtEnd > 2 * usual.liveObjectsAtEnd)
    let short = try statistics("kept=0", "life=20")
    #expect(short.peakLiveObjects < 1000)
  }
}
