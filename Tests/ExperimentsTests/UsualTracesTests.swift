import Costs
import Designs
import Foundation
import Notebook
import Platform
import Testing

@testable import Experiments

/// What a bare fit rests on.
@Suite struct UsualTracesTests {
  @Test func aBareFitHasThirtyClusters() throws {
    let planted = try PlantedNotebook(seed: 1)
    var environment = ProcessInfo.processInfo.environment
    environment["MALLOMETER_HOME"] = PlantedNotebook.repository.path
    let usual = try UsualTraces(Installation(environment: environment))
    let samples = try usual.open(by: planted.bench.laboratory())
    #expect(samples.count { !$0.isGenerated } == usual.recorded.count)
    #expect(Set(samples.map(\.program)).count >= 30)
    #expect(Set(samples.map(\.name)).count == samples.count)
    let operations = samples.filter(\.isGenerated).map(\.workload.operationCount)
    #expect(operations.reduce(0, +) < 3_000_000, "they take little of a fit's budget")
    let designs = [Design(family: .pool), Design(family: .pool, changes: ["header": "16"])]
    let experiment = FitExperiment(
      laboratory: try planted.bench.laboratory(), designs: designs, budget: 1)
    let pairs = experiment.pairs(of: samples)
    #expect(pairs.count == samples.count + usual.recorded.count)
    #expect(pairs.allSatisfy { $0.design == 0 || !samples[$0.sample].isGenerated })
  }

  @Test func stepsAreKnownByTheirInstructions() throws {
    let folder = try PrivateFolder(prefix: "instructions-test")
    let notebook = try Notebook(path: folder.file("n.sqlite"))
    #expect(try StepInstructions.newest(in: notebook) == nil)
    let runs = try [300, 500, 800].map { mallocs in
      var steps = [UInt64](repeating: 0, count: Step.count)
      steps[Int(Step.mallocCall.rawValue)] = UInt64(mallocs)
      steps[Int(Step.freeCall.rawValue)] = UInt64(1000 - mallocs)
      return try InstructionRun(
        trace: "t\(mallocs)", design: Design(family: .pool), steps: [steps],
        instructions: [UInt64(30 * mallocs + 20 * (1000 - mallocs))])
    }
    let outcome = InstructionExperiment.Outcome(
      first: 1000,
      fits: [InstructionExperiment.FamilyFit(family: "pool", fit: try InstructionFit(runs))])
    try StepInstructions(outcome).keep(in: notebook, seed: 1)
    let found = try #require(try StepInstructions.newest(in: notebook))

    func run(_ family: Family, _ steps: [Step: Float]) throws -> Run {
      try Run(
        trace: "x", design: Design(family: family), operations: [1024],
        counts: Step.allCases.map { steps[$0] ?? 0 }, nanoseconds: [10])
    }
    let known = try #require(
      try found.instructions(of: run(.pool, [.mallocCall: 0.5, .freeCall: 0.5, .memoryLoad: 3])))
    #expect((known - 25).magnitude < 0.1)
    #expect(try found.instructions(of: run(.reuse, [.mallocCall: 1])) == nil, "another family")
    #expect(
      try found.instructions(of: run(.pool, [.mallocCall: 1, .pageFresh: 0.1])) == nil,
      "no counted run had that step")
  }
}
