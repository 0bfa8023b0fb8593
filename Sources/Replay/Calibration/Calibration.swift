import CPlayerFormat
import Designs
import Foundation
import NativeDesigns
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

  /// A step that can't be timed alone.
  public struct NotIsolated: Sendable, Equatable, Codable {
    public var step: Step
    public var reason: String
  }

  public var coreGHz: Double
  public var tscGHz: Double
  public var primitives: [Primitive]
  /// Steps that were timed alone.
  public var steps: [IsolatedStep]
  /// All others.
  public var notIsolated: [NotIsolated]

  /// How many times `progress` is told.
  public static var stages: Int { 1 + Derivation.designs.count }

  /// Runs the micro-benchmarks in `processes` fresh processes, and the kernels of every calibration
  /// build in as many.
  /// - Parameters:
  ///   - compiler: for the calibration builds.
  ///   - seed: of the bootstrap behind the intervals.
  ///   - progress: told after every build that was measured.
  public static func measure(
    player: Player, compiler: VariantCompiler, processes: Int = 5, seed: UInt64,
    progress: (String) -> Void = { _ in }
  ) throws -> Calibration {
    var samples = Samples()
    for _ in 0..<processes { samples.add(try player.calibrate(), prefix: "") }
    progress("the machine")
    var calibration = Calibration(
      coreGHz: samples.coreGHz.median(),
      tscGHz: samples.tscGHz.median(), primitives: [], steps: [], notIsolated: [])
    for name in samples.names {
      let ns = RepeatStatistics.difference(samples[name], seed: seed)
      calibration.primitives.append(Primitive(name: name, ns: ns))
    }
    let designs = Derivation.designs
    let libraries = try ConcurrentWork.map(designs) {
      try compiler.build($0, options: .init(calibrating: true))
    }
    for (design, library) in zip(designs, libraries) {
      for _ in 0..<processes {
        samples.add(
          try player.calibrate(design.description, library: library), prefix: "\(design) ")
      }
      progress(design.description)
    }
    var known: Set<Step> = []
    for derivation in Derivation.all + Derivation.kernels(samples.names) {
      guard let ns = derivation.estimate(samples, seed: seed),
        known.insert(derivation.step).inserted
      else { continue }
      calibration.steps.append(IsolatedStep(step: derivation.step, ns: ns))
    }
    calibration.steps.sort { $0.step.rawValue < $1.step.rawValue }
    calibration.notIsolated = Step.allCases.filter { !known.contains($0) }.map {
      NotIsolated(step: $0, reason: Derivation.reason($0))
    }
    return calibration
  }

  /// What several processes measured, by name: one value of each.
  struct Samples {
    private(set) var coreGHz: [Double] = []
    private(set) var tscGHz: [Double] = []
    private(set) var names: [String] = []
    private var values: [String: [Double]] = [:]

    mutating func add(_ run: Player.CalibrationRun, prefix: String) {
      coreGHz.append(run.coreGHz)
      tscGHz.append(run.tscGHz)
      var own: Set<String> = []
      for (name, repeats) in run.primitives where own.insert(name).inserted {
        let name = prefix + name
        if values[name] == nil { names.append(name) }
        // The quarter of fastest repeats: what disturbs a primitive only makes it slower.
        values[name, default: []].append(repeats.sorted()[repeats.count / 4])
      }
    }

    /// Empty for what was never measured.
    subscript(name: String) -> [Double] { values[name] ?? [] }
  }
}

extension Player {
  struct CalibrationRun {
    var coreGHz: Double
    var tscGHz: Double
    /// Names with their repeats in nanoseconds, in the player's order.
    var primitives: [(name: String, nanoseconds: [Double])]
  }

  /// One calibration in a fresh process: of the machine's primitives over glibc, or of the kernels
  /// of a calibration build.
  func calibrate(
    _ name: String = "glibc", library: URL? = nil
  ) throws -> CalibrationRun {
    try play(
      planPath: "-", mode: .calibrate, cpu: processors?.choose(), allocator: name,
      library: library
    ) {
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
