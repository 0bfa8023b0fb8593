import CPlayerFormat
import Foundation
import Platform

/// What one replay in one fresh process measured.
public struct ReplayMeasurement: Sendable, Equatable, Codable {
  /// Nanoseconds of every window, dispatch included, waiting for other threads and for the recorded
  /// pace not: thread by thread as `Plan.windows`.
  public var windowNanoseconds: [Float]
  /// Nanoseconds spent waiting for other threads or for the recorded pace, all windows together.
  public var waitedNanoseconds: Double
  /// Calls performed.
  public var calls: UInt64
  /// The core clock in GHz: the middle one of beginning, middle and end.
  public var coreGHz: Double
  public var tscGHz: Double
  /// Nanoseconds of a fixed piece of an allocator's work, the mean of beginning and end: how fast
  /// the machine was just then, whoever shared the core, its caches or its clock.
  public var referenceNanoseconds: Double = 0
  /// Nanoseconds of 2500 additions that the core does several of in a cycle, the mean over probes
  /// between windows: longer where others share the core. 0 where nothing was probed, as on several
  /// threads.
  public var throughputNanoseconds: Double = 0
  /// Minor and major page faults while replaying.
  public var pageFaults: UInt64
  /// Growth of resident memory from the start of the replay to its peak.
  public var peakResidentBytes: UInt64
  /// Times the process lost its processor to another: a hint at a busy machine.
  public var involuntarySwitches: UInt64

  /// Nanoseconds of all windows.
  public var nanoseconds: Double { windowNanoseconds.reduce(0) { $0 + Double($1) } }
  /// Nanoseconds per call, dispatch included.
  public var nanosecondsPerCall: Double { calls == 0 ? 0 : nanoseconds / Double(calls) }

  /// With all times multiplied; what fixed pieces of work took stays as it was.
  func scaled(by factor: Double) -> ReplayMeasurement {
    var scaled = self
    scaled.windowNanoseconds = windowNanoseconds.map { $0 * Float(factor) }
    scaled.waitedNanoseconds *= factor
    return scaled
  }
}

extension Player {
  /// Plays a plan once and times every window.
  /// - Parameters:
  ///   - allocator: its name, for messages.
  ///   - library: preloaded; nil for glibc.
  public func time(_ plan: Plan, allocator: String, library: URL?) throws -> ReplayMeasurement {
    try play(plan, mode: .time, allocator: allocator, library: library) { result in
      let header = result.header
      let scale = result.nanosecondsPerTick
      let clocks = [header.core_hertz.0, header.core_hertz.1, header.core_hertz.2]
        .filter { $0 > 0 }.sorted()
      return try result.withRecords(of: mallometer_window_time.self) { records in
        // A counting build's time stamps come after them.
        guard records.count >= plan.windows else {
          throw PlayerError.unreadableResult("times of \(allocator)")
        }
        let windows = records.prefix(plan.windows)
        let before = header.resident_before
        return ReplayMeasurement(
          // To 1/64 ns, as a notebook keeps them: what is found again is what was measured.
          windowNanoseconds: windows.map { Float((Double($0.ticks) * scale * 64).rounded() / 64) },
          waitedNanoseconds: windows.reduce(0) { $0 + Double($1.waited_ticks) * scale },
          calls: header.calls_done,
          coreGHz: clocks.isEmpty ? 0 : Double(clocks[clocks.count / 2]) / 1e9,
          tscGHz: Double(header.ticks_per_second) / 1e9,
          referenceNanoseconds: scale
            * Double(header.reference_ticks.0 + header.reference_ticks.1) / 2,
          throughputNanoseconds: scale * Double(header.throughput_ticks)
            / Double(max(header.probes, 1)),
          pageFaults: header.minor_faults + header.major_faults,
          peakResidentBytes: header.resident_peak > before ? header.resident_peak - before : 0,
          involuntarySwitches: header.involuntary_switches)
      }
    }
  }
}
