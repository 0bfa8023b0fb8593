import Designs
import Foundation
import TestSupport
import Testing

/// What is said of steps, held against what it speaks of.
@Suite struct StepInfoTests {
  @Test func traitsAreThoseOfTheSteps() {
    #expect(
      Step.all(.call) == [.mallocCall, .callocCall, .reallocCall, .alignedCall, .freeCall])
    #expect(Step.all(.wait) == [.lockContended, .mutexContended, .atomicContended])
    #expect(
      Set(Step.all(.systemCall)) == [
        .mapCall, .unmapCall, .adviseCall, .adviseFree, .adviseWillNeed, .adviseSequential,
        .adviseHugePage,
      ])
    #expect(
      Set(Step.all(.locked)) == [
        .usedCounterAtomic, .statisticAtomic, .lockUncontended, .atomicUncontended,
      ])
    #expect(Step.all(.machine) == Step.allCases.filter { $0.info.group == .machine })
  }

  /// A step of which an order of magnitude is assumed may find its lines cold, whatever that is.
  @Test func anOrderOfMagnitudeIsToldFromTheUsual() {
    #expect(Step.policySelect.info.orderNs == 2 && Step.policySelect.info.assumedNs == 2)
    #expect(Step.freeListPop.info.orderNs == nil && Step.freeListPop.info.assumedNs == 1)
    #expect(Step.all(.systemCall).allSatisfy { ($0.info.orderNs ?? 0) >= 100 })
  }

  /// The C header numbers the steps that are counted natively from 0, without a gap.
  @Test func machineStepsComeLast() throws {
    let first = try #require(Step.all(.machine).first)
    #expect(Step.allCases.allSatisfy { $0.isMachineStep == ($0.rawValue >= first.rawValue) })
  }

  @Test func everyStepSaysWhatItIsCountedFor() {
    #expect(Set(Step.allCases.map(\.info.doc)).count == Step.count)
    #expect(Step.allCases.allSatisfy { !$0.info.doc.isEmpty && !$0.info.doc.hasSuffix(".") })
  }

  /// A kernel that is named here is one of the calibration sources.
  @Test func everyKernelIsWritten() throws {
    let folder = repository.appendingPathComponent("Sources/NativeDesigns/C/calibration")
    let sources = try FileManager.default.contentsOfDirectory(atPath: folder.path).map {
      try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8)
    }.joined()
    var kernels = 0
    for step in Step.allCases {
      switch step.info.isolation {
      case .kernel(let name, let share):
        kernels += 1
        #expect(sources.contains("\"\(name)\""), "\(step.name)")
        #expect(share > 0 && share <= 1)
      case .builds(let toggle, let value, _):
        let declared = Family.pool.toggles.first { $0.name == toggle }
        #expect(declared?.values.contains(value) == true, "\(step.name)")
      case .primitive, .baseline, .impossible: break
      }
    }
    #expect(kernels > Step.count / 2)
  }
}
