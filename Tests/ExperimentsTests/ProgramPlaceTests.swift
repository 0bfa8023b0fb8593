import Designs
import Foundation
import Platform
import Testing

@testable import Costs
@testable import Experiments

/// What steps cost amid a program's work, against planted programs and numbers computed by hand.
@Suite struct ProgramPlaceTests {
  private func program(
    _ name: String, plain: Double, locked: Double, error: Double = 0.1
  ) -> ProgramPlace.Program {
    ProgramPlace.Program(name: name, plain: (plain, error), locked: (locked, error))
  }

  /// Three programs, 1, 2 and 3 with an error of 0.1: their scatter is 1 (the variance of 1, 2 and
  /// 3) less the errors' 0.01, and the mean's variance a third of 1. Student's quantile of two
  /// degrees of freedom is 4.303.
  @Test func anotherProgramMayDifferByTheScatterOfThese() {
    let factor = ProgramPlace.Factor([(1, 0.1), (2, 0.1), (3, 0.1)])
    #expect(abs(factor.value - 2) < 1e-9)
    #expect(abs(factor.half - 4.3027 * (0.99 + 1.0 / 3).squareRoot()) < 1e-3)
  }

  /// Nothing but their errors is left where programs agree: 0.1 / √3.
  @Test func programsThatAgreeLeaveTheirErrors() {
    let factor = ProgramPlace.Factor([(1.5, 0.1), (1.5, 0.1), (1.5, 0.1)])
    #expect(abs(factor.value - 1.5) < 1e-9)
    #expect(abs(factor.half - 4.3027 * 0.1 / 3.0.squareRoot()) < 1e-4)
  }

  @Test func aBadlyMeasuredProgramWeighsLittle() {
    let factor = ProgramPlace.Factor([(1, 0.1), (1, 0.1), (1, 0.1), (3, 2)])
    #expect(factor.value > 1 && factor.value < 1.05)
  }

  /// A page fault costs in a program what it costs in a replay; code and locked instructions don't.
  @Test func eachKindHasItsFactor() {
    let place = ProgramPlace([
      program("a", plain: 1.4, locked: 0.5), program("b", plain: 1.6, locked: 0.5),
    ])
    func payoff(_ step: Step) -> Estimate {
      var from = [Double](repeating: 0, count: Column.count)
      from[Int(step.rawValue)] = 2
      return place.payoff(
        by: flatModel, from: from, to: [Double](repeating: 0, count: Column.count))
    }
    for step in [Step.policyScanBest, .headerWrite, .branchMiss, .cacheLookup] {
      #expect(abs(payoff(step).value - 3) < 1e-9, "\(step.name)")
    }
    for step in [Step.usedCounterAtomic, .statisticAtomic, .lockUncontended] {
      #expect(abs(payoff(step).value - 1) < 1e-9, "\(step.name)")
    }
    for step in [Step.pageFault, .mapCall, .adviseCall, .memoryLoad, .lineZeroed, .segmentInit] {
      #expect(abs(payoff(step).value - 2) < 1e-9, "\(step.name)")
    }
  }

  /// What is not known of the factor widens the interval of what it acts on, and of nothing else.
  @Test func theScatterOfProgramsIsInTheInterval() throws {
    let place = ProgramPlace([
      program("a", plain: 1, locked: 0.5), program("b", plain: 2, locked: 0.5),
    ])
    var from = [Double](repeating: 0, count: Column.count)
    let none = from
    from[Int(Step.pageFault.rawValue)] = 2
    let fault = place.payoff(by: flatModel, from: from, to: none)
    #expect(fault == flatModel.payoff(from: from, to: none))
    from[Int(Step.pageFault.rawValue)] = 0
    from[Int(Step.policyScanBest.rawValue)] = 2
    let scan = place.payoff(by: flatModel, from: from, to: none)
    #expect(try #require(scan.high) - scan.value >= 2 * place.plain.half)
  }

  /// A share of a program comes from other programs.
  @Test func aProgramIsLeftOutOfItsOwnFactors() throws {
    let all = ProgramPlace.calibration
    for one in all {
      let others = ProgramPlace(all.filter { $0.name != one.name })
      #expect(ProgramPlace(without: "/usr/bin/\(one.name)") == others)
      #expect(ProgramPlace(without: "\(one.name).11") == others)
      #expect(others != ProgramPlace(all))
    }
    for stranger in ["/opt/another", "/usr/bin/bcftools", "/usr/bin/makeinfo"] {
      #expect(ProgramPlace(without: stranger) == ProgramPlace(all), "\(stranger)")
    }
    #expect(ProgramPlace(without: "/usr/libexec/gcc/cc1plus") == ProgramPlace(without: "cc1"))
    #expect(Set(all.map(\.name)).count == all.count && all.count >= 3)
  }

  /// All costs 1 ns, without scatter.
  private var flatModel: CostModel {
    let values = [Double](repeating: 1, count: Column.count)
    return CostModel(
      costs: values, draws: [[values, values]],
      reaches: [Double](repeating: 0, count: Column.count),
      priorShares: [Double](repeating: 0, count: Column.count),
      groups: (0..<Column.count).map { [$0] }, separable: Set(0..<Column.count), isolated: [:],
      degreesOfFreedom: 1000, level: 0.95, error: .unknown)
  }
}
