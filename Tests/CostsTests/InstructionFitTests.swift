import Designs
import Platform
import Testing

@testable import Costs

/// Runs whose instructions follow from known worths.
@Suite struct InstructionFitTests {
  private static let truth: [Step: Double] = [
    .mallocCall: 12, .freeCall: 9, .usedCounterAtomic: 1, .usedCounterPlain: 3, .headerWrite: 6,
  ]

  /// - Parameter hidden: instructions of every malloc for which there is no step, by trace.
  private func runs(hidden: (Int) -> Double = { _ in 0 }) throws -> [InstructionRun] {
    var random = SeededGenerator(seed: 3)
    let designs = [
      Design(family: .pool), Design(family: .pool, changes: ["used-counter": "atomic"]),
      Design(family: .pool, changes: ["header": "16"]),
      Design(family: .pool, changes: ["header": "16", "used-counter": "atomic"]),
    ]
    var runs: [InstructionRun] = []
    for trace in 0..<4 {
      let shares = (0..<6).map { _ in random.unit() }
      for design in designs {
        var steps: [[UInt64]] = []
        var instructions: [UInt64] = []
        for share in shares {
          var counts = [UInt64](repeating: 0, count: Step.count)
          let mallocs = UInt64(5000 + 3000 * share)
          counts[Int(Step.mallocCall.rawValue)] = mallocs
          counts[Int(Step.freeCall.rawValue)] = 8192 - mallocs
          let counter: Step =
            design["used-counter"] == "atomic" ? .usedCounterAtomic : .usedCounterPlain
          counts[Int(counter.rawValue)] = 8192
          if design["header"] == "16" { counts[Int(Step.headerWrite.rawValue)] = mallocs }
          var sum = Double(mallocs) * hidden(trace)
          for (step, worth) in Self.truth { sum += worth * Double(counts[Int(step.rawValue)]) }
          steps.append(counts)
          instructions.append(UInt64(sum))
        }
        runs.append(
          try InstructionRun(
            trace: "trace\(trace)", design: design, steps: steps, instructions: instructions))
      }
    }
    return runs
  }

  @Test func whatStepsExplainIsExplainedUnseen() throws {
    let fit = try InstructionFit(runs())
    for scheme in [ValidationScheme.leaveOneVariantOut, .leaveOneTraceOut] {
      let held = fit.heldOut(scheme)
      #expect(held.count == 16)
      #expect(held.errorPercent < 0.01, "\(scheme)")
    }
    let header = fit.perStep[Int(Step.headerWrite.rawValue)]
    #expect((header - 6).magnitude < 0.01)
  }

  /// A design with a step that no other has can't be explained by the others, and that is known
  /// before its instructions are looked at.
  @Test func whatTheOthersDoNotHaveIsNotDetermined() throws {
    let all = try runs()
    let only = all.filter { $0.design["header"] == "0" || $0.design["used-counter"] == "plain" }
    let held = try InstructionFit(only).heldOut(.leaveOneVariantOut)
    #expect(held.count == 12)
    for run in held where run.design != "pool" {
      #expect(!run.isDetermined, "\(run.design): \(run.standardErrorPercent)")
    }
    #expect(try InstructionFit(all).heldOut(.leaveOneVariantOut).allSatisfy(\.isDetermined))
  }

  /// Work that no step counts and that differs by trace shows, on the trace that has it most.
  @Test func workWithoutAStepShows() throws {
    let fit = try InstructionFit(runs { $0 == 2 ? 20 : 0 })
    let held = fit.heldOut(.leaveOneTraceOut)
    #expect(held.errorPercent > 5)
    #expect(held.worst?.trace == "trace2")
    #expect(try #require(held.worst).errorPercent < -20)
  }

  @Test func partsMustAgree() throws {
    #expect(throws: CostsError.self) {
      try InstructionRun(
        trace: "t", design: Design(family: .pool), steps: [], instructions: [1])
    }
    #expect(throws: CostsError.tooFewRuns(have: 0, need: 2)) { try InstructionFit([]) }
  }
}
