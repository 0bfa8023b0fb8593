import Designs
import Platform
import Testing

@testable import Experiments

@Suite struct SearchTests {
  private static let reuse = Family.all.first { $0.name == "reuse" }

  private static func candidates(
    _ points: [(ns: Double, bytes: UInt64)]
  ) throws -> [SearchExperiment.Candidate] {
    let family = try #require(Self.reuse)
    let designs = Design.variants(of: family, changing: 2)
    return points.enumerated().map { index, point in
      SearchExperiment.Candidate(
        design: designs[index], ns: Estimate(unbounded: point.ns), peakMappedBytes: point.bytes)
    }
  }

  /// By the definition: nothing is at least as good at both and better at one.
  private static func isDominated(
    _ one: SearchExperiment.Candidate, by all: [SearchExperiment.Candidate]
  ) -> Bool {
    all.contains { other in
      other.ns.value <= one.ns.value && other.peakMappedBytes <= one.peakMappedBytes
        && (other.ns.value < one.ns.value || other.peakMappedBytes < one.peakMappedBytes)
    }
  }

  /// Few distinct values, so that most points tie with others at one or at both.
  @Test(arguments: 1...40)
  func theFrontIsWhatNothingDominates(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let all = try Self.candidates(
      (0..<30).map { _ in (Double(random.next() % 6), random.next() % 6) })
    let front = SearchExperiment.front(all)
    let expected = all.filter { !Self.isDominated($0, by: all) }
    #expect(Set(front.map(\.design)) == Set(expected.map(\.design)))
    #expect(front.count == expected.count)
    #expect(front.map(\.ns.value) == front.map(\.ns.value).sorted())
  }

  @Test func bothObjectivesTakeTurns() throws {
    let front = SearchExperiment.front(
      try Self.candidates([(1, 9), (2, 7), (3, 5), (4, 3)]))
    #expect(SearchExperiment.order(front, by: .time).map(\.ns.value) == [1, 2, 3, 4])
    #expect(SearchExperiment.order(front, by: .memory).map(\.ns.value) == [4, 3, 2, 1])
    #expect(SearchExperiment.order(front, by: .both).map(\.ns.value) == [1, 4, 2, 3])
  }

  /// A search over pool where two toggles cost time, one saves memory, and all others do nothing.
  private func search(
    atOnce: Int = 1, isOver: @escaping (Int) -> Bool = { _ in false }
  ) throws -> (
    candidates: [SearchExperiment.Candidate], explored: Int, isExhausted: Bool, asked: Int
  ) {
    let pool = try #require(Family.all.first { $0.name == "pool" })
    var asked = 0
    let search = FrontSearch(
      objective: .both, atOnce: atOnce, changes: { Design.singleChanges(of: $0) },
      evaluate: { designs in
        asked += designs.count
        return designs.map { design in
          let headers = design["header"] == "0" ? 0.0 : 1.0
          let atomics = design["used-counter"] == "plain" ? 0.0 : 1.0
          let bins = design["bins"] == "60" ? 0.0 : 1.0
          return FrontSearch.Findings(
            counts: [[headers, atomics, bins]],
            ns: Estimate(unbounded: 10 + headers + 2 * atomics + bins),
            peakMappedBytes: bins > 0 ? 50 : 100)
        }
      }, isOver: { isOver(asked) })
    let found = try search.run(from: Design(family: pool))
    return (found.candidates, found.explored, found.isExhausted, asked)
  }

  @Test(arguments: [1, 2, 7])
  func variantsThatCountTheSameAreOneLine(atOnce: Int) throws {
    let found = try search(atOnce: atOnce)
    #expect(found.isExhausted)
    #expect(found.explored == found.asked)
    let front = SearchExperiment.front(found.candidates)
    #expect(front.map(\.design.description) == ["pool", "pool,bins=32"])
    // Eleven values of other toggles do nothing on their own.
    let plain = try #require(front.first)
    #expect(plain.also.contains { $0.description == "pool,prefetch=on" })
    #expect(!plain.also.contains { $0["bins"] == "32" })
    #expect(Set(plain.also).count == plain.also.count && !plain.also.contains(plain.design))
    let signatures = found.candidates.map { [$0.ns.value, Double($0.peakMappedBytes)] }
    #expect(Set(signatures).count == signatures.count, "each kind of variant is there once")
  }

  /// The clock is read between variants: one that isn't followed to its end is still worth a try.
  @Test func aSearchThatTheClockEndsHasSomethingLeft() throws {
    let found = try search(isOver: { $0 >= 4 })
    #expect(found.asked == 4 && found.explored == 4)
    #expect(!found.isExhausted)
  }

  @Test func theMeanOfEstimatesKeepsAnEndThatOneLacks() {
    let mean = Estimate.mean(of: [
      Estimate(value: 2, low: 1, high: 4), Estimate(value: 4, low: 2, high: nil),
    ])
    #expect(mean == Estimate(value: 3, low: 1.5, high: nil))
  }
}
