import Foundation
import Models
import NativeDesigns
import Platform
import Replay
import TestSupport
import Testing

@testable import Experiments

/// The model of the study's program against its counting build.
@Suite struct ScoreCachingModelTests {
  private func program() throws -> ScoreCaching.Program {
    try ScoreCaching.Program(
      contender: Contender(name: "glibc", library: nil),
      compiler: testCompiler(), builds: 1, processors: nil)
  }

  @Test(arguments: ScoreCaching.Kernel.allCases)
  func countsAreTheCountingBuilds(_ kernel: ScoreCaching.Kernel) throws {
    let program = try program()
    // Runs of the insertion sort that end early, merges without a right run, ties.
    for population in [2, 7, 8, 9, 16, 17, 100, 1023, 3000] {
      let workload = ScoreCaching.Workload(
        population: population, warmUp: 3, epochs: 16, seed: 11 + UInt64(population))
      let model = ScoreCaching.Model.counts(of: kernel, on: workload, geometry: .reference)
      #expect(
        try program.count(kernel, workload) == model.steps, "\(kernel) on \(population) objects")
    }
  }

  @Test func tiesLoadAgesToo() {
    let workload = ScoreCaching.Workload(population: 4000, warmUp: 0, epochs: 16, seed: 3)
    let counts = ScoreCaching.Model.counts(of: .loads, on: workload, geometry: .reference)
    #expect(counts[.atomicLoads] > 2 * counts[.comparisons])
  }

  @Test func countsFollowFromTheSeed() {
    let model = { (seed: UInt64) in
      ScoreCaching.Model.counts(
        of: .caching,
        on: ScoreCaching.Workload(population: 300, warmUp: 1, epochs: 16, seed: seed),
        geometry: .reference)
    }
    #expect(model(5) == model(5))
    #expect(model(5) != model(6))
  }

  @Test func bothFormsTakeTheSameComparisons() {
    let workload = ScoreCaching.Workload(population: 1000, seed: 1)
    let loads = ScoreCaching.Model.counts(of: .loads, on: workload, geometry: .reference)
    let caching = ScoreCaching.Model.counts(of: .caching, on: workload, geometry: .reference)
    #expect(loads[.comparisons] == caching[.comparisons])
    #expect(caching[.atomicLoads] == 2 * UInt64(workload.population * workload.epochs))
    #expect(caching[.referenceIncrements] == caching[.referenceDecrements])
    // Half of the branches on unordered scores can't be foreseen, and all on ordered ones can.
    let ordered = ScoreCaching.Model.counts(
      of: .sortKeysOrdered, on: workload, geometry: .reference)
    #expect(loads.mispredictions * 4 > loads[.comparisons])
    #expect(ordered.mispredictions * 10 < ordered[.comparisons])
  }

  @Test func everyWorkloadHasWholeBlocks() {
    for population in [2, 3, 10, 99, 1000, 10_000, 1_000_000] {
      let workload = ScoreCaching.Workload(population: population, seed: 1)
      #expect(workload.epochs > 0 && workload.epochs % 16 == 0 && workload.warmUp > 0)
    }
  }
}
