import CPlatform
import Foundation
import Synchronization

/// On which processor to time something: one whose core nobody else uses just now.
///
/// Where a core's other hardware thread belongs to somebody else, as on most rented machines, work
/// takes up to twice as long while that one is busy, for milliseconds or for seconds. Looking before
/// every replay costs half a millisecond on a machine of one's own; elsewhere it waits a little for a
/// core that is left alone.
public final class QuietProcessor: Sendable {
  /// Runs probes on a processor: see `mallometer_probe_sharing`. Empty where they can't be run.
  public typealias Probe = @Sendable (Int) -> [Float]

  private let processors: [Int]
  /// Looks at the processors before the best of them is taken as it is.
  private let patience: Int
  private let probe: Probe
  private let wait: @Sendable () -> Void
  /// What probes find on a core of one's own: the least found so far.
  private let alone = Mutex(Float.infinity)

  /// Of a tenth of a second.
  public static let usualPatience = 50
  /// The share of a look's probes that is quiet where nobody else is there but for interrupts.
  private static let enough = 0.9
  /// A busy neighbour makes a probe 1.3 times as long; a core alone differs by a few per cent.
  private static let tolerance: Float = 1.15
  private static let probes = 600

  /// - Parameter processors: to choose from, the usual one last.
  public init(
    processors: [Int] = ProcessorSet.available, patience: Int = QuietProcessor.usualPatience,
    probe: @escaping Probe = QuietProcessor.probeSharing,
    wait: @escaping @Sendable () -> Void = { Thread.sleep(forTimeInterval: 0.001) }
  ) {
    self.processors = processors
    self.patience = patience
    self.probe = probe
    self.wait = wait
  }

  /// The first processor found quiet, from the last one down: the first takes most of the system's
  /// interrupts. Where none gets quiet in time, the quietest of the last look; nil where there is
  /// nothing to choose from.
  public func choose() -> Int? {
    var best: Int?
    for look in 0..<max(patience, 1) {
      if look > 0 { wait() }
      var most = -1.0
      for processor in processors.reversed() {
        let share = quietShare(probe(processor))
        if share >= Self.enough { return processor }
        if share > most { (most, best) = (share, processor) }
      }
    }
    return best
  }

  /// Of some probes, those that found the core alone.
  private func quietShare(_ ratios: [Float]) -> Double {
    guard !ratios.isEmpty else { return 0 }
    let sorted = ratios.sorted()
    // An interrupt can make a probe's ratio small; never so many.
    let low = sorted[sorted.count / 20]
    let alone = alone.withLock { alone in
      alone = min(alone, low)
      return alone
    }
    let quiet = ratios.count { $0 <= alone * Self.tolerance }
    return Double(quiet) / Double(ratios.count)
  }

  /// Half a millisecond of probes.
  public static let probeSharing: Probe = { processor in
    [Float](unsafeUninitializedCapacity: probes) { buffer, count in
      let error = mallometer_probe_sharing(
        Int32(processor), buffer.baseAddress, UInt32(probes))
      count = error == 0 ? probes : 0
    }
  }
}
