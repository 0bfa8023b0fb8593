import Designs
import Foundation
import Models
import NativeDesigns
import Platform
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
      GeneratedSource(seed: 1, slots: 300, largest: 2_000),
      GeneratedSource(seed: 2, slots: 4_000, largest: 40_000),
      GeneratedSource(seed: 3, slots: 60, largest: 5_000_000, operations: 20_000),
      GeneratedSource(seed: 4, slots: 3, largest: 64),
    ] {
      let outcome = try check.compare(source, design: design)
      #expect(outcome.windows == (source.operations + 1023) / 1024)
      #expect(outcome.differing == 0, "seed \(source.seed): \(String(describing: outcome.first))")
    }
  }

  @Test(
    .enabled(if: !bundledTraces.isEmpty), arguments: bundledTraces,
    (0..<2).map { half in designs.indices.filter { $0 % 2 == half } })
  func bundledTrace(path: String, selection: [Int]) throws {
    let check = try exactnessCheck()
    let trace = try TraceReader(path: path)
    let source = BeginningSource(
      workload: Workload(trace: trace, options: WorkloadOptions(threads: .recorded)),
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
    guard let design = Self.designs.first else { return }
    let other = try #require(Self.designs.dropFirst().first)
    let source = GeneratedSource(seed: 5, slots: 300, largest: 2_000)
    let outcome = try exactnessCheck().compare(source, model: design, native: other)
    #expect(outcome.differing > 0)
    #expect(outcome.first?.operation != nil)
  }
}

private func exactnessCheck() throws -> ExactnessCheck {
  let player = try testPlayer()
  return ExactnessCheck(
    player: player,
    compiler: VariantCompiler(sources: repository.appendingPathComponent("Sources/NativeDesigns/C"))
  )
}

private let repository = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

private let bundledTraces: [String] = {
  let folder = repository.appendingPathComponent("traces").path
  let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return names.filter { $0.hasSuffix(".mlt") }.sorted().map { "\(folder)/\($0)" }
}()

/// The first operations of a workload.
private struct BeginningSource: OperationSource {
  let workload: Workload
  let limit: Int

  var slots: Int { workload.slots }
  var siteAddresses: [UInt64] { workload.siteAddresses }
  var touch: TouchPolicy { workload.touch }
  var windowEvents: Int { workload.windowEvents }
  var threads: Int { workload.threads }

  func forEachOperationBlock(_ body: (UnsafeBufferPointer<Event>) throws -> Void) throws {
    struct Enough: Error {}
    var left = limit
    do {
      try workload.forEachOperationBlock { block in
        try body(UnsafeBufferPointer(rebasing: block.prefix(left)))
        left -= min(left, block.count)
        if left == 0 { throw Enough() }
      }
    } catch is Enough {}
  }
}

/// Random calls of every kind from a seed, over several call sites: mostly small sizes, some large.
private struct GeneratedSource: OperationSource {
  let seed: UInt64
  let slots: Int
  let largest: UInt64
  var operations = 60_000

  var siteAddresses: [UInt64] { (0..<40).map { UInt64(1 << 32) | (0x1000 &+ $0 &* 0x9_E37) } }
  var touch: TouchPolicy { .firstLine }
  var windowEvents: Int { 1024 }

  func forEachOperationBlock(_ body: (UnsafeBufferPointer<Event>) throws -> Void) throws {
    var generator = SeededGenerator(seed: seed)
    var live = [Bool](repeating: false, count: slots)
    var events: [Event] = []
    for _ in 0..<operations {
      let slot = Int.random(in: 0..<slots, using: &generator)
      let scale = UInt64.random(in: 0..<8, using: &generator) == 0 ? largest : min(largest, 512)
      let size = UInt64.random(in: 0...scale, using: &generator)
      let site = UInt32.random(in: 0..<40, using: &generator)
      let choice = UInt64.random(in: 0..<16, using: &generator)
      if live[slot] && choice > 1 {
        events.append(Event(kind: .free, slot: UInt32(slot)))
        live[slot] = false
        continue
      }
      let kind: EventKind =
        live[slot] ? .realloc : (choice == 2 ? .calloc : (choice == 3 ? .aligned : .malloc))
      let alignment = UInt8.random(in: 4...13, using: &generator)
      events.append(
        Event(
          kind: kind, alignmentLog2: kind == .aligned ? alignment : 0, slot: UInt32(slot),
          size: kind == .realloc ? max(size, 1) : size, site: site))
      live[slot] = true
    }
    for start in stride(from: 0, to: events.count, by: 5000) {
      try events[start..<min(start + 5000, events.count)].withUnsafeBufferPointer(body)
    }
  }
}
