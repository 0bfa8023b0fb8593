import Designs
import Foundation
import Models
import NativeDesigns
import Platform
import TestSupport
import Testing
import Traces

@testable import Replay

/// Models against counting builds: no step and no address may differ in any window.
///
/// Set MALLOMETER_EXACTNESS to `all` for every bundled trace in full and more variants, as the
/// release test run does; otherwise generated workloads and the beginnings of traces are compared.
@Suite struct Exactness {
  /// Everything that families with a model are compared on.
  static let designs: [Design] = {
    let models = repository.appendingPathComponent("models")
    // Without its files there would be fewer points, which the count of designs below tells.
    let catalogue = (try? DesignCatalogue(models: models)) ?? DesignCatalogue()
    return ((try? catalogue.variantsAndPoints(of: Family.all)) ?? [])
      .filter { design in !design.settings.contains { $0.value == "glibc" } }
  }()

  @Test func namedPointsAreAmongThem() throws {
    let catalogue = try DesignCatalogue(models: repository.appendingPathComponent("models"))
    #expect(catalogue.points.count >= 9)
    #expect(catalogue.points.allSatisfy { Self.designs.contains($0.design) })
  }

  @Test(arguments: designs)
  func generatedWorkloads(design: Design) throws {
    let check = try exactnessCheck()
    for source in [
      EventArraySource.calls(seed: 1, slots: 300, largest: 2_000),
      EventArraySource.calls(seed: 2, slots: 4_000, largest: 40_000),
      EventArraySource.calls(seed: 3, slots: 60, largest: 5_000_000, operations: 20_000),
      EventArraySource.calls(seed: 4, slots: 3, largest: 64),
    ] {
      let outcome = try check.compare(source, design: design)
      #expect(outcome.windows == source.windows)
      #expect(outcome.differing == 0, "\(source.slots) slots: \(String(describing: outcome.first))")
    }
  }

  @Test func thereAreBundledTraces() { #expect(!bundledTraces.isEmpty) }

  @Test(
    arguments: bundledTraces,
    (0..<2).map { half in designs.indices.filter { $0 % 2 == half } })
  func bundledTrace(path: String, selection: [Int]) throws {
    let check = try exactnessCheck()
    let trace = try TraceReader(path: path)
    let source = FirstOperations(
      Workload(trace: trace, options: WorkloadOptions(threads: .recorded)),
      limit: ProcessInfo.processInfo.environment["MALLOMETER_EXACTNESS"] == "all"
        ? .max : 100_000)
    let plan = try Plan.compile(source)
    for index in selection {
      let outcome = try check.compare(source, design: Self.designs[index], plan: plan)
      #expect(outcome.windows > 0)
      #expect(
        outcome.differing == 0,
        "\(Self.designs[index]) on \(path): \(String(describing: outcome.first))")
    }
  }

  @Test func aDifferenceIsFound() throws {
    // The model of one variant against the build of another: what a wrong model looks like.
    let design = try #require(Self.designs.first)
    let other = try #require(Self.designs.dropFirst().first)
    let source = EventArraySource.calls(seed: 5, slots: 300, largest: 2_000)
    let outcome = try exactnessCheck().compare(source, model: design, native: other)
    #expect(outcome.differing > 0)
    #expect(outcome.first?.operation != nil)
  }

  /// A counting build that stops early agrees as far as it goes.
  @Test func windowsThatTheBuildLacksDiffer() throws {
    let source = EventArraySource.calls(seed: 5, slots: 300, largest: 2_000, operations: 10_000)
    let outcome = try exactnessCheck().compare(
      source, design: Design(family: .pool),
      plan: try Plan.compile(FirstOperations(source, limit: 4 * 1024)))
    #expect(outcome.windows == 10)
    #expect(outcome.differing == 6)
  }
}
