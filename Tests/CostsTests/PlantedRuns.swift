import Designs
import Foundation
import Platform

@testable import Costs

/// Runs whose times are made from known costs: counts with the collinearities of real designs.
struct PlantedRuns {
  static let truth: [Step: Double] = [
    .mallocCall: 4, .freeCall: 3, .freeListPop: 1.5, .pageLookup: 2.5, .usedCounterAtomic: 4.5,
    .headerWrite: 1.2, .siteHash: 2, .cacheLookup: 3, .magicCheck: 0, .memoryLoad: 20,
    .pageFault: 700,
  ]

  var random: SeededGenerator
  let traces: Int
  let windows: Int
  let noise: Double
  /// Of a whole run's time: another level in every replay.
  let runNoise: Double
  /// Of a design's times on all traces: where its build happened to place the code.
  let layoutNoise: Double

  init(
    seed: UInt64, traces: Int = 10, windows: Int = 48, noise: Double = 0.08,
    runNoise: Double = 0.01, layoutNoise: Double = 0
  ) {
    random = SeededGenerator(seed: seed &* 7919 &+ 13)
    self.traces = traces
    self.windows = windows
    self.noise = noise
    self.runNoise = runNoise
    self.layoutNoise = layoutNoise
  }

  /// A normal number, every tenth one thrice as far out: tails as heavy as those of replays.
  mutating func heavy() -> Double { normal() * (random.unit() < 0.1 ? 3 : 1) }

  mutating func normal() -> Double {
    (-2 * log(random.unit() + 0x1p-53)).squareRoot() * cos(2 * .pi * random.unit())
  }

  static let designs: [Design] = [
    Design(family: .pool), Design(family: .pool, changes: ["used-counter": "atomic"]),
    Design(family: .pool, changes: ["header": "16"]),
    Design(family: .pool, changes: ["header": "32"]),
    Design(family: .pool, changes: ["used-counter": "atomic", "header": "16"]),
    Design(family: .reuse), Design(family: .reuse, changes: ["magic-check": "off"]),
    Design(family: .reuse, changes: ["header": "16"]),
  ]

  /// - Parameter coupled: malloc and free in the same number in every window, and every free list
  ///   pop with a malloc, whatever the design: nothing tells these three apart.
  mutating func runs(coupled: Bool = false) throws -> [Run] {
    var result: [Run] = []
    var layouts: [Design: Double] = [:]
    for design in Self.designs { layouts[design] = exp(layoutNoise * normal()) }
    for trace in 0..<traces {
      // What the program does is the trace's: the same for every design.
      let share = (0..<windows).map { _ in
        coupled ? 0.5 : min(0.9, max(0.1, 0.5 + 0.15 * normal()))
      }
      let hit = 0.3 + 0.6 * random.unit()
      let cold = (0..<windows).map { _ in 0.05 * random.unit() * random.unit() }
      let faults = (0..<windows).map { $0 < windows / 4 ? 0.02 * random.unit() : 0.0005 }
      for design in Self.designs {
        let run = exp(runNoise * heavy()) * (layouts[design] ?? 1)
        var counts: [Float] = []
        var times: [Float] = []
        for window in 0..<windows {
          let here = count(
            design, share: share[window], hit: coupled ? 1 : hit + 0.1 * random.unit(),
            cold: cold[window], faults: faults[window])
          var time = here.reduce(0.0) { $0 + $1.value * (Self.truth[$1.key] ?? 0) }
          time *= run * max(0.2, 1 + noise * heavy())
          if random.unit() < 0.005 { time *= 3 }
          counts.append(contentsOf: Step.allCases.map { Float(here[$0] ?? 0) })
          times.append(Float(time))
        }
        result.append(
          try Run(
            trace: "t\(trace)", design: design,
            operations: [Float](repeating: 1024, count: windows), counts: counts,
            nanoseconds: times,
            meanStandardError: 1.4 * runNoise * Double(times.reduce(0, +)) / Double(windows)))
      }
    }
    return result
  }

  private func count(
    _ design: Design, share: Double, hit: Double, cold: Double, faults: Double
  ) -> [Step: Double] {
    var here: [Step: Double] = [.mallocCall: share, .freeCall: 1 - share]
    let header = Double(design["header"]) ?? 0
    if design.family == .pool {
      here[.freeListPop] = share * hit
      here[.pageLookup] = 1 - share
      if design["used-counter"] == "atomic" { here[.usedCounterAtomic] = 1 }
      if header > 0 { here[.headerWrite] = share * header / 16 }
    } else {
      here[.freeListPop] = share * (1 - hit)
      here[.siteHash] = share
      here[.cacheLookup] = share
      here[.headerWrite] = share * header / 16
      if design["magic-check"] == "on" { here[.magicCheck] = 1 - share }
    }
    here[.memoryLoad] = cold * (1 + header / 32)
    here[.pageFault] = faults * (1 + header / 64)
    return here
  }
}
