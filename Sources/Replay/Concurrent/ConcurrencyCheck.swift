import Designs
import Foundation
import Models
import NativeDesigns
import Platform
import Traces

/// What depends on timing when threads really run beside each other, predicted and counted:
/// coherence transfers, and waits for locks and contended atomics.
///
/// The prediction knows when each call of the run began and nothing that was counted in it: the model
/// performs the operations in that order.
public struct ConcurrencyCheck: Sendable {
  private let player: Player
  private let compiler: VariantCompiler

  public init(player: Player, compiler: VariantCompiler) {
    self.player = player
    self.compiler = compiler
  }

  /// One replay and its prediction.
  public struct Outcome: Equatable, Sendable {
    public var calls: UInt64
    public var predictedTransfers: UInt64
    public var countedTransfers: UInt64
    public var predictedWaits: UInt64
    public var countedWaits: UInt64

    public var predicted: UInt64 { predictedTransfers + predictedWaits }
    public var counted: UInt64 { countedTransfers + countedWaits }

    /// How far the prediction of transfers and waits together is off, in percent of what was
    /// counted; nil where nothing was.
    public var errorPercent: Double? {
      guard counted > 0 else { return nil }
      return 100 * abs(Double(predicted) - Double(counted)) / Double(counted)
    }

    /// Whether the error is below 25 %, or less than one in a thousand calls: on threads that share
    /// nothing a handful of transfers proves nothing.
    public var isPredicted: Bool {
      let difference = abs(Double(predicted) - Double(counted))
      return difference <= 0.25 * Double(counted) || difference <= Double(calls) / 1000
    }
  }

  /// Plays a sequenced plan of `source` on real threads and predicts what depended on timing.
  public func compare(
    _ source: any OperationSource, design: Design, plan: Plan
  ) throws -> Outcome {
    let library = try compiler.build(design, counting: true)
    let counted = try player.countConcurrently(
      plan, allocator: design.description, library: library)
    let order = try ConcurrentOrder(
      plan, siteAddresses: source.siteAddresses, stamps: counted.stamps)
    let predicted = try Self.predict(order, design: design)
    return Outcome(
      calls: counted.calls, predictedTransfers: predicted.transfers,
      countedTransfers: counted[.coherenceTransfer], predictedWaits: predicted.waits,
      countedWaits: Step.all(.wait).reduce(0) { $0 + counted[$1] })
  }

  /// A call of a thread that took so many times as long as its median call had lost its processor.
  private static let longestCall: UInt64 = 16

  /// A wait is predicted for a call that takes a lock which another thread took last, in a call that
  /// was in its first half when this one began: a lock is held for about half of a call.
  static func predict(
    _ order: ConcurrentOrder, design: Design
  ) throws -> (transfers: UInt64, waits: UInt64) {
    let counts = StepCounts.allocate()
    defer { counts.deallocate() }
    let none = UInt64.max
    counts.lockTakenOverFrom = none
    let usual = order.usualDistances
    var waits: UInt64 = 0
    var last = [(number: UInt64, begin: UInt64, held: UInt64)](
      repeating: (none, 0, 0), count: order.threads)
    let result = try Simulation(design: design).run(order, counts: counts) { number, event, _, _ in
      let thread = Int(event.thread)
      let (begin, end) = order.span
      last[thread] = (number, begin, min(end - begin, Self.longestCall * usual[thread]) / 2)
      let before = counts.lockTakenOverFrom
      guard before != none else { return }
      counts.lockTakenOverFrom = none
      if last.contains(where: { $0.number == before && begin - $0.begin < $0.held }) { waits += 1 }
    }
    return (result[.coherenceTransfer], waits)
  }
}
