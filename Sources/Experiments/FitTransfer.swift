import Designs
import Foundation
import Notebook
import Platform
import Traces

/// How far a fit made on one machine holds on another, and one made by one version for another.
///
/// Costs are nanoseconds of one processor with its caches: on another model, or with other caches,
/// they are refused. A kernel makes faults and calls cheaper or dearer, a clock everything: then
/// they may serve, with a warning.
public enum FitTransfer: Sendable, Equatable {
  case holds
  case doubtful(reasons: [String])
  case refused(reasons: [String])

  /// How far the clocks of two machines may differ and be called the same.
  static let clockTolerance = 0.05

  /// - Parameters:
  ///   - machine: where it is to be used.
  ///   - coreGHz: of that machine; nil where nothing measured it.
  ///   - version: by what the steps are counted that it is to price.
  public init(
    of outcome: FitExperiment.Outcome, to machine: MachineDescription, coreGHz: Double?,
    version: ModelVersion
  ) {
    let made = outcome.machine
    var refusals: [String] = []
    if outcome.version.steps != version.steps {
      refusals.append("it was made by a version of mallometer that knows other steps")
    }
    if made.cpuModel != machine.cpuModel {
      refusals.append("it was made on \(made.cpuModel), this is \(machine.cpuModel)")
    }
    if let there = made.cacheBytes, let here = machine.cacheBytes, there != here {
      refusals.append(
        "it was made with caches of \(Self.text(there)), here they are of \(Self.text(here))")
    }
    guard refusals.isEmpty else {
      self = .refused(reasons: refusals)
      return
    }
    var doubts: [String] = []
    if outcome.version.build != version.build {
      doubts.append("it was made by another build of mallometer, whose models may count otherwise")
    }
    if made.kernel != machine.kernel {
      doubts.append("it was made under the kernel \(made.kernel), this is \(machine.kernel)")
    }
    if made.processors != machine.processors {
      doubts.append("it was made on \(made.processors) processors, here are \(machine.processors)")
    }
    if let coreGHz, coreGHz > 0, outcome.coreGHz > 0,
      (outcome.coreGHz / coreGHz - 1).magnitude > Self.clockTolerance
    {
      doubts.append(
        "it was made at a core clock of \(Self.text(outcome.coreGHz)) GHz, this machine runs at "
          + "\(Self.text(coreGHz)) GHz")
    }
    self = doubts.isEmpty ? .holds : .doubtful(reasons: doubts)
  }

  private static func text(_ bytes: [Int]) -> String {
    bytes.map { "\($0 >> 10) KiB" }.joined(separator: ", ")
  }

  private static func text(_ gigahertz: Double) -> String {
    "\((gigahertz * 100).rounded() / 100)"
  }
}

/// By what steps are counted: a fit's costs are of these and no others.
public struct ModelVersion: Sendable, Codable, Equatable {
  /// SHA-256 of the steps' names.
  public let steps: String
  /// SHA-256 of the program, which the models are part of.
  public let build: String

  public init(steps: String, build: String) {
    self.steps = steps
    self.build = build
  }

  /// Of this program.
  public static func current() throws -> ModelVersion {
    var hash = SHA256()
    Data(Step.allCases.map(\.name).joined(separator: " ").utf8).withUnsafeBytes {
      hash.update($0)
    }
    return ModelVersion(steps: hash.hexadecimal(), build: try Laboratory.executable.get())
  }
}

/// The fits of a notebook, of this machine and of others.
public struct StoredFits: Sendable {
  /// A fit that may be used here.
  public struct Found: Sendable {
    public let outcome: FitExperiment.Outcome
    /// Why its predictions may be off here; empty where it was made on this machine.
    public let doubts: [String]
  }

  /// Newest first, those that hold before those that are doubtful; what can't be read is left out.
  private let usable: [Found]
  private let refused: [(outcome: FitExperiment.Outcome, reasons: [String])]

  public init(_ notebook: Notebook) throws {
    let clock = try notebook.newestCalibration()?.coreGHz
    let version = try ModelVersion.current()
    var holding: [Found] = []
    var doubtful: [Found] = []
    var refused: [(outcome: FitExperiment.Outcome, reasons: [String])] = []
    let all = try notebook.conclusions(.fit, as: FitExperiment.Outcome.self, anywhere: true)
    for outcome in all.map(\.content) {
      switch FitTransfer(of: outcome, to: notebook.machine, coreGHz: clock, version: version) {
      case .holds: holding.append(Found(outcome: outcome, doubts: []))
      case .doubtful(let reasons): doubtful.append(Found(outcome: outcome, doubts: reasons))
      case .refused(let reasons): refused.append((outcome, reasons))
      }
    }
    usable = holding + doubtful
    self.refused = refused
  }

  /// The fit that covers a design's runs with these options, and may be used here.
  public func covering(_ design: Design, _ options: WorkloadOptions) -> Found? {
    usable.first { $0.outcome.covers(design, options) }
  }

  /// Why the newest fit that covers these runs is not used; nil where there is none or one is used.
  public func refusal(_ design: Design, _ options: WorkloadOptions) -> [String]? {
    guard covering(design, options) == nil else { return nil }
    return refused.first { $0.outcome.covers(design, options) }?.reasons
  }
}
