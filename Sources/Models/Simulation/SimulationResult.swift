import Designs

/// One window of a simulation, valid only during the call that hands it over.
public struct SimulatedWindow {
  /// From 0.
  public let index: Int
  /// Operations in it: the workload's window length but for the last window.
  public let operations: Int
  /// Steps counted in this window, in the order of `Step.allCases`.
  public let counts: UnsafeBufferPointer<UInt64>
  /// Over the addresses of the window's allocating operations, in order, from 0:
  /// hash = (hash ^ address) × 0x9E3779B97F4A7C15, wrapping. The player computes the same.
  public let addressHash: UInt64
}

/// What a whole simulation counted.
public struct SimulationResult: Sendable {
  /// What was simulated.
  public let design: Design
  /// Whether machine steps were counted.
  public let memoryModelled: Bool
  /// Totals, in the order of `Step.allCases`.
  public let counts: [UInt64]
  /// Operations performed.
  public let operations: UInt64
  /// Windows handed over; the last one may be shorter than the workload's length.
  public let windows: Int
  /// The most bytes that the design had mapped at once.
  public let peakMappedBytes: UInt64
  /// The most bytes in whole pages that had been touched and not given back at once; 0 when memory
  /// was not modelled.
  public let peakResidentBytes: UInt64
  /// The most bytes that the program had asked for and not freed at once.
  public let peakLiveBytes: UInt64
  /// Ratios from 0 to 1 by name: `utilisation`, peak live ÷ peak mapped bytes; `fragmentation`, the
  /// rest of what was mapped; and what the design itself measures.
  public let metrics: [String: Double]
  /// Seconds the run took, reading the trace included: the only figure that differs between runs.
  public let seconds: Double

  /// How often a step was taken in the whole run; 0 for machine steps where memory was not modelled.
  public subscript(step: Step) -> UInt64 { counts[Int(step.rawValue)] }

  /// First touches of pages, huge ones among them; 0 when memory was not modelled.
  public var pageFaults: UInt64 { self[.pageFault] &+ self[.hugePageFault] }

  /// Operations simulated per second.
  public var operationsPerSecond: Double { seconds > 0 ? Double(operations) / seconds : 0 }
}
