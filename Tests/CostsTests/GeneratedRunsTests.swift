import Designs
import Testing

@testable import Costs

/// Runs of generated traces beside those of programs.
@Suite struct GeneratedRunsTests {
  private static var options: FitOptions {
    var options = FitOptions()
    options.resamples = 20
    options.foldResamples = 4
    options.rowsPerRun = 8
    return options
  }

  /// Ten traces, the last four of them generated, on which all takes so many times as long.
  private func runs(
    factor: Float = 1, isGenerated: (Int) -> Bool = { $0 >= 6 },
    instructions: (Run) -> Double? = { _ in nil }
  ) throws -> [Run] {
    var planted = PlantedRuns(seed: 61, windows: 12)
    return try planted.runs().map { run in
      let generated = isGenerated(Int(run.trace.dropFirst()) ?? 0)
      var made = try Run(
        trace: run.trace, design: run.design, operations: run.operations, counts: run.counts,
        nanoseconds: generated ? run.nanoseconds.map { factor * $0 } : run.nanoseconds,
        meanStandardError: run.meanStandardError, isGenerated: generated)
      made.instructions = instructions(made)
      return made
    }
  }

  private func validate(
    _ runs: [Run], _ scheme: ValidationScheme = .leaveOneTraceOut
  ) throws -> Validation {
    let set = try TrainingSet(runs: runs, options: Self.options)
    return try set.validate(scheme, set.fitted(keep: 4))
  }

  @Test func theirFiguresStandApart() throws {
    for scheme in [ValidationScheme.leaveOneTraceOut, .leaveOneVariantOut] {
      let all = try validate(runs(factor: 1.5), scheme)
      let recorded = try #require(all.part(generated: false))
      let generated = try #require(all.part(generated: true))
      #expect(recorded.runs == 48 && generated.runs == 32)
      #expect(recorded.heldOut.allSatisfy { $0.trace < "t6" })
      let whole = (48 * recorded.totalErrorPercent + 32 * generated.totalErrorPercent) / 80
      #expect((all.totalErrorPercent - whole).magnitude < 1e-9)
      #expect(recorded.gaps.count + generated.gaps.count == all.gaps.count)
      #expect(try #require(all.coverage(level: 0.95, generated: false)).runs == 48)
      #expect(try #require(all.coverage(level: 0.95)).runs == 80)
    }
    #expect(try validate(runs(isGenerated: { _ in false })).part(generated: true) == nil)
  }

  @Test func aFitSaysWhichTracesAreGenerated() throws {
    let fit = try CostFit(
      TrainingSet(runs: runs(), options: Self.options), schemes: [.leaveOneTraceOut])
    #expect(fit.generatedTraces == ["t6", "t7", "t8", "t9"])
    #expect(fit.coverage.map(\.runs) == [48] && fit.generatedCoverage.map(\.runs) == [32])
    let alone = try CostFit(
      TrainingSet(runs: runs(isGenerated: { _ in true }), options: Self.options),
      schemes: [.leaveOneTraceOut])
    #expect(alone.coverage.map(\.runs) == [80] && alone.generatedCoverage.isEmpty)
  }

  @Test func theyWeighWhatTheyAreToldTo() throws {
    func errors(weight: Double) throws -> Double {
      var options = Self.options
      options.generatedWeight = weight
      let costs = try TrainingSet(runs: runs(factor: 2), options: options).costs().costs
      return try runs().filter { !$0.isGenerated }.reduce(0) {
        $0 + ($1.predictedMean(costs) / $1.meanNanoseconds - 1).magnitude / 48
      }
    }
    #expect(try errors(weight: 0.01) < 0.5 * errors(weight: 1))
  }

  @Test func aloneTheyCountWhole() throws {
    var options = Self.options
    options.generatedWeight = 0.01
    func costs(_ isGenerated: Bool) throws -> [Double] {
      try TrainingSet(runs: runs(isGenerated: { _ in isGenerated }), options: options).costs().costs
    }
    #expect(try costs(true) == costs(false))
  }

  @Test func baselinesAreOfTheirLike() throws {
    func found(_ factor: Float) throws -> [Validation.HeldOut] {
      try #require(try validate(runs(factor: factor)).part(generated: false)).heldOut
    }
    let (plain, slow) = (try found(1), try found(50))
    #expect(plain.map(\.constantNs) == slow.map(\.constantNs))
    #expect(plain.map(\.nearestVariantNs) == slow.map(\.nearestVariantNs))
  }

  @Test func instructionsTimesOneConstant() throws {
    // A third of a nanosecond each, on programs; nobody counted those of recipes.
    let known = try validate(
      runs(instructions: { $0.isGenerated ? nil : 3 * $0.meanNanoseconds }))
    let errors = try #require(known.instructionErrors)
    #expect(errors.runs == 48)
    #expect(errors.mean < 1e-6 && errors.median < 1e-6)
    let constant = try validate(runs(instructions: { $0.isGenerated ? nil : 7 }))
    let same = try #require(constant.part(generated: false))
    #expect(
      (try #require(same.instructionErrors).mean - same.constantErrorPercent).magnitude < 1e-6,
      "where all take as many instructions it is one constant per operation")
    #expect(try validate(runs()).instructionErrors == nil)
  }
}
