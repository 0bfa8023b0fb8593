import CPlayerFormat
import Designs
import Foundation
import Platform

/// What this machine's clocks and primitives are, measured alone.
public struct Calibration: Sendable, Equatable, Codable {
  public struct Primitive: Sendable, Equatable, Codable {
    public var name: String
    /// Per operation; per 64-byte line for what works on lines.
    public var ns: Estimate

    public init(name: String, ns: Estimate) {
      self.name = name
      self.ns = ns
    }
  }

  public struct IsolatedStep: Sendable, Equatable, Codable {
    public var step: Step
    public var ns: Estimate

    public init(step: Step, ns: Estimate) {
      self.step = step
      self.ns = ns
    }
  }

  public var coreGHz: Double
  public var tscGHz: Double
  public var primitives: [Primitive]
  /// Steps whose cost follows from a primitive; the others are absent.
  public var steps: [IsolatedStep]

  /// Runs the micro-benchmarks in `processes` fresh processes.
  /// - Parameter seed: of the bootstrap behind the intervals.
  public static func measure(
    player: Player, processes: Int = 5, seed: UInt64
  ) throws -> Calibration {
    var samples: [String: [Double]] = [:]
    var names: [String] = []
    var clocks: (core: [Double], tsc: [Double]) = ([], [])
    for _ in 0..<processes {
      let run = try player.calibrate()
      clocks.core.append(run.coreGHz)
      clocks.tsc.append(run.tscGHz)
      for (name, values) in run.primitives {
        if samples[name] == nil { names.append(name) }
        // The quarter of fastest repeats: what disturbs a primitive only makes it slower.
        samples[name, default: []].append(values.sorted()[values.count / 4])
      }
    }
    var calibration = Calibration(
      coreGHz: RepeatStatistics.median(clocks.core), tscGHz: RepeatStatistics.median(clocks.tsc),
      primitives: [], steps: [])
    for name in names {
      let ns = RepeatStatistics.difference(samples[name] ?? [], seed: seed)
      calibration.primitives.append(Primitive(name: name, ns: ns))
    }
    for derivation in Derivation.all {
      guard let values = samples[derivation.primitive] else { continue }
      let baseline = derivation.less.flatMap { samples[$0] } ?? []
      let ns = RepeatStatistics.difference(
        values.map { $0 * derivation.factor }, less: baseline.map { $0 * derivation.factor },
        seed: seed)
      calibration.steps.append(IsolatedStep(step: derivation.step, ns: ns))
    }
    return calibration
  }

  /// How a step's cost follows from primitives: factor × (primitive − less).
  struct Derivation {
    let step: Step
    let primitive: String
    var less: String?
    var factor = 1.0

    /// A load's cost is what it takes beyond a load that hits the first level.
    static let all = [
      Derivation(step: .threadLocalAccess, primitive: "thread-local-add"),
      Derivation(step: .usedCounterPlain, primitive: "plain-add"),
      Derivation(step: .usedCounterAtomic, primitive: "atomic-add"),
      Derivation(step: .lineZeroed, primitive: "line-clear"),
      Derivation(step: .lineCopied, primitive: "line-copy"),
      Derivation(step: .mapCall, primitive: "map"),
      Derivation(step: .unmapCall, primitive: "unmap"),
      Derivation(step: .adviseCall, primitive: "advise"),
      Derivation(step: .levelTwoHit, primitive: "load-level-two", less: "load-level-one"),
      Derivation(step: .levelThreeLoad, primitive: "load-level-three", less: "load-level-one"),
      Derivation(step: .memoryLoad, primitive: "load-memory", less: "load-level-one"),
      Derivation(
        step: .translationWalk, primitive: "load-translation-walk", less: "load-level-two"),
      Derivation(step: .pageFault, primitive: "page-fault"),
      // Half of the random branches are mispredicted.
      Derivation(
        step: .branchMiss, primitive: "branch-random", less: "branch-steady", factor: 2),
    ]
  }
}

extension Player {
  struct CalibrationRun {
    var coreGHz: Double
    var tscGHz: Double
    /// Names with their repeats in nanoseconds, in the player's order.
    var primitives: [(name: String, nanoseconds: [Double])]
  }

  /// One calibration in a fresh process over glibc.
  func calibrate() throws -> CalibrationRun {
    try play(planPath: "-", mode: .calibrate, cpu: cpu, allocator: "glibc", library: nil) {
      result in
      let clocks = [
        result.header.core_hertz.0, result.header.core_hertz.1, result.header.core_hertz.2,
      ].sorted()
      return result.withRecords(of: UInt64.self) { words in
        // 32 bytes of name, then the repeats.
        let nameWords = 4
        let stride = nameWords + Int(MALLOMETER_CALIBRATION_REPEATS)
        let primitives = (0..<(words.count / stride)).map { index in
          let record = UnsafeBufferPointer(
            rebasing: words[(index * stride)..<((index + 1) * stride)])
          let name = record[0..<nameWords].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
          }
          return (
            name: String(decoding: name.prefix { $0 != 0 }, as: UTF8.self),
            nanoseconds: record[nameWords...].map { Double($0) / 1000 }
          )
        }
        return CalibrationRun(
          coreGHz: Double(clocks[1]) / 1e9, tscGHz: Double(result.header.ticks_per_second) / 1e9,
          primitives: primitives)
      }
    }
  }
}
