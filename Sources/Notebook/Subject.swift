import Foundation
import Platform

/// What was run: the same trace, workload, allocator and build give figures that may be compared
/// and need not be measured again.
public struct Subject: Hashable, Sendable {
  /// `SHA256` of the trace file.
  public var trace: String
  /// Canonical text of the workload options: `Subject.canonical`.
  public var options: String
  /// As `--design` names it.
  public var allocator: String
  /// Content hash of what ran: the shared object and the player; for a model, its version.
  public var build: String

  public init(trace: String, options: String, allocator: String, build: String) {
    self.trace = trace
    self.options = options
    self.allocator = allocator
    self.build = build
  }

  /// Any options as one text, equal where the options are equal: JSON with sorted keys.
  public static func canonical(_ options: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(options), as: UTF8.self)
  }
}

/// One repeat of one allocator on one trace.
public struct MeasurementRecord: Equatable, Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    /// Timed window by window.
    case time
    /// As `time`, but of the first contender's twin: the second half of an A/A pair.
    case twin
    /// Timed call by call.
    case latency
  }

  public var subject: Subject
  public var kind: Kind
  /// Names the run of alternating repeats it was part of: gaps and noise floors are formed within
  /// one (`MeasurementSession`).
  public var session: String
  /// The round of its session, from 0: one measured anew has the number of the one it replaces.
  public var repetition: Int
  public var seed: UInt64
  /// Of every window, in order, what isn't the allocator's included; kept to 1/64 ns.
  public var windowNanoseconds: [Double]
  /// The whole replay.
  public var nanoseconds: Double
  public var operations: UInt64
  public var pageFaults: UInt64
  public var peakResidentBytes: UInt64
  /// Core clock during the replay, by a chain of dependent additions.
  public var coreGHz: Double
  /// JSON of whatever else was measured (histograms of latencies, per-thread times).
  public var detail: Data?
  /// When it ended.
  public var time: Date

  public init(
    subject: Subject, kind: Kind = .time, session: String, repetition: Int, seed: UInt64,
    windowNanoseconds: [Double], nanoseconds: Double, operations: UInt64, pageFaults: UInt64,
    peakResidentBytes: UInt64, coreGHz: Double, detail: Data? = nil, time: Date = Date()
  ) {
    self.subject = subject
    self.kind = kind
    self.session = session
    self.repetition = repetition
    self.seed = seed
    self.windowNanoseconds = windowNanoseconds
    self.nanoseconds = nanoseconds
    self.operations = operations
    self.pageFaults = pageFaults
    self.peakResidentBytes = peakResidentBytes
    self.coreGHz = coreGHz
    self.detail = detail
    self.time = time
  }
}

/// What a model counted on a trace, window by window.
public struct SimulationRecord: Equatable, Sendable {
  public var subject: Subject
  /// Steps per window; `counts` has one row of these for every window.
  public var stepCount: Int
  /// Row-major: window × step.
  public var counts: [UInt64]
  /// JSON of the totals: peak mapped and live bytes, operations.
  public var detail: Data?
  public var time: Date

  public var windowCount: Int { stepCount > 0 ? counts.count / stepCount : 0 }

  public init(
    subject: Subject, stepCount: Int, counts: [UInt64], detail: Data? = nil, time: Date = Date()
  ) {
    precondition(
      stepCount > 0 && counts.count.isMultiple(of: stepCount), "one whole row for every window")
    self.subject = subject
    self.stepCount = stepCount
    self.counts = counts
    self.detail = detail
    self.time = time
  }
}

/// A calibration, a fit, a prediction or a verdict: kept as the JSON of its own type.
public struct Conclusion<Content: Codable & Sendable>: Sendable {
  public let id: Int64
  public let seed: UInt64
  public let time: Date
  public let content: Content
}

/// What a conclusion is.
public enum ConclusionKind: String, Sendable, CaseIterable {
  case calibration, fit, explanation, prediction, verdict
  /// What was counted from outside of a design, or while threads ran beside each other.
  case observation
}

/// The machine that figures were measured on.
public struct MachineDescription: Codable, Hashable, Sendable {
  public var cpuModel: String
  public var processors: Int
  public var kernel: String
  public var hostName: String
  /// Bytes of the data caches, from the first level on; nil in notebooks of earlier versions.
  public var cacheBytes: [Int]?

  public init(
    cpuModel: String, processors: Int, kernel: String, hostName: String, cacheBytes: [Int]? = nil
  ) {
    self.cacheBytes = cacheBytes
    self.cpuModel = cpuModel
    self.processors = processors
    self.kernel = kernel
    self.hostName = hostName
  }

  /// This machine, from /proc and /sys.
  public static func current() -> MachineDescription {
    let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model = information.split(separator: "\n").first { $0.hasPrefix("model name") }
      .flatMap { $0.split(separator: ":").last }
      .map { $0.trimmingCharacters(in: .whitespaces) }
    let release = try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
    return MachineDescription(
      cpuModel: model ?? "unknown", processors: ProcessInfo.processInfo.processorCount,
      kernel: release?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown",
      hostName: ProcessInfo.processInfo.hostName,
      cacheBytes: ProcessorCaches.levels(below: ProcessorCaches.folder)
        .map { $0.sets * $0.ways * $0.lineBytes })
  }

  /// Figures of two machines with the same identity may be compared. The host's name isn't part of
  /// it: containers change theirs. Nor are the caches: the model has them, and notebooks of earlier
  /// versions don't.
  var identity: String { "\(cpuModel), \(processors) processors, \(kernel)" }
}
