import Costs
import Designs
import Notebook
import Platform
import Testing
import Traces

@testable import Experiments

/// Fits on machines whose description was changed.
@Suite struct FitTransferTests {
  private let here = MachineDescription(
    cpuModel: "A", processors: 2, kernel: "6.1", hostName: "h", cacheBytes: [32 << 10, 1 << 20])

  /// A fit on two synthetic runs, as if made on a machine.
  private func outcome(
    _ machine: MachineDescription, coreGHz: Double = 3, version: ModelVersion? = nil
  ) throws -> FitExperiment.Outcome {
    let runs = try ["one", "two"].map { trace in
      var counts = [Float](repeating: 0, count: 4 * Step.count)
      for window in 0..<4 {
        counts[window * Step.count + Int(Step.mallocCall.rawValue)] = 0.5
        counts[window * Step.count + Int(Step.freeCall.rawValue)] = 0.5
      }
      return try Run(
        trace: trace, design: Design(family: .pool), operations: [1024, 1024, 1024, 1024],
        counts: counts, nanoseconds: [5, 5, 5, 5])
    }
    return FitExperiment.Outcome(
      fit: try CostFit(TrainingSet(runs: runs), schemes: []), machine: machine,
      windowEvents: 1024, coreGHz: coreGHz, measuredRuns: 2, possibleRuns: 2, next: nil,
      otherSessions: nil, touch: .auto, calibration: nil,
      version: try version ?? .current())
  }

  private func transfer(
    to machine: MachineDescription, coreGHz: Double? = nil
  ) throws -> FitTransfer {
    FitTransfer(
      of: try outcome(here), to: machine, coreGHz: coreGHz, version: try .current())
  }

  /// Costs are of the steps that they were fitted on, as the models counted them.
  @Test func isRefusedForOtherStepsAndDoubtfulForOtherModels() throws {
    let now = try ModelVersion.current()
    func transfer(_ version: ModelVersion) throws -> FitTransfer {
      FitTransfer(
        of: try outcome(here, version: version), to: here, coreGHz: nil, version: now)
    }
    #expect(try transfer(now) == .holds)
    guard case .refused(let reasons) = try transfer(ModelVersion(steps: "x", build: now.build))
    else {
      Issue.record("not refused")
      return
    }
    #expect(reasons.count == 1 && reasons[0].contains("other steps"))
    guard case .doubtful(let doubts) = try transfer(ModelVersion(steps: now.steps, build: "x"))
    else {
      Issue.record("not doubtful")
      return
    }
    #expect(doubts.count == 1 && doubts[0].contains("another build"))
  }

  @Test func holdsOnItsOwnMachine() throws {
    #expect(try transfer(to: here) == .holds)
    #expect(try transfer(to: here, coreGHz: 3.1) == .holds)
    var renamed = here
    renamed.hostName = "container"
    #expect(try transfer(to: renamed) == .holds)
    var older = here
    older.cacheBytes = nil
    #expect(try transfer(to: older) == .holds, "earlier versions did not know the caches")
  }

  @Test func isRefusedOnAnotherProcessorAndWithOtherCaches() throws {
    var other = here
    other.cpuModel = "B"
    other.cacheBytes = [48 << 10, 2 << 20]
    other.kernel = "6.2"
    guard case .refused(let reasons) = try transfer(to: other) else {
      Issue.record("not refused")
      return
    }
    #expect(reasons.count == 2 && reasons[0].contains("A, this is B"))
    #expect(reasons[1].contains("32 KiB, 1024 KiB") && reasons[1].contains("48 KiB, 2048 KiB"))
  }

  @Test func isDoubtfulUnderAnotherKernelAndAtAnotherClock() throws {
    var other = here
    other.kernel = "6.2"
    other.processors = 8
    guard case .doubtful(let reasons) = try transfer(to: other, coreGHz: 2) else {
      Issue.record("not doubtful")
      return
    }
    #expect(reasons.count == 3)
    #expect(reasons[2].contains("3.0 GHz") && reasons[2].contains("2.0 GHz"))
  }

  @Test func aNotebookThatMovedSaysWhy() throws {
    let folder = try PrivateFolder(prefix: "transfer-test")
    let path = folder.file("n.sqlite")
    let options = WorkloadOptions()
    let pool = Design(family: .pool)
    try Notebook(path: path, machine: here).add(.fit, seed: 1, content: try outcome(here))
    let own = try StoredFits(Notebook(path: path, machine: here))
    #expect(own.covering(pool, options)?.doubts == [])
    var newKernel = here
    newKernel.kernel = "6.2"
    let updated = try StoredFits(Notebook(path: path, machine: newKernel))
    #expect(updated.covering(pool, options)?.doubts.count == 1)
    #expect(updated.refusal(pool, options) == nil)
    var elsewhere = here
    elsewhere.cpuModel = "B"
    let moved = try StoredFits(Notebook(path: path, machine: elsewhere))
    #expect(moved.covering(pool, options) == nil)
    #expect(moved.refusal(pool, options)?.count == 1)
    #expect(moved.refusal(Design(family: .reuse), options) == nil, "there is no fit of it")
    // One that was made here goes before a newer one that is doubtful.
    let book = try Notebook(path: path, machine: newKernel)
    try book.add(.fit, seed: 1, content: try outcome(newKernel))
    try Notebook(path: path, machine: here).add(.fit, seed: 1, content: try outcome(here))
    #expect(try StoredFits(book).covering(pool, options)?.doubts == [])
  }
}
