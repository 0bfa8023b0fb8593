import Designs

/// The windows of a simulation, kept: one contiguous column per step that was ever counted.
///
/// Memory is 4 bytes × windows × steps in use, and only for those who ask for it.
public struct WindowTable: Sendable {
  /// Operations per window.
  public private(set) var operations: [UInt32] = []
  /// Hash of the addresses per window.
  public private(set) var addressHashes: [UInt64] = []
  private var columns: [[UInt32]] = Array(repeating: [], count: Step.count)

  public init() {}

  public var windows: Int { operations.count }

  /// Steps that occur in any window, in the catalogue's order.
  public var steps: [Step] { Step.allCases.filter { !columns[Int($0.rawValue)].isEmpty } }

  /// Counts per window of one step; empty where it never occurs. A count above 2³² − 1 is kept as
  /// that.
  public subscript(step: Step) -> [UInt32] { columns[Int(step.rawValue)] }

  /// Keeps a window; windows come in order.
  public mutating func append(_ window: SimulatedWindow) {
    for step in 0..<Step.count {
      let count = window.counts[step]
      if columns[step].isEmpty {
        guard count > 0 else { continue }
        columns[step] = Array(repeating: 0, count: windows)
      }
      columns[step].append(UInt32(clamping: count))
    }
    operations.append(UInt32(clamping: window.operations))
    addressHashes.append(window.addressHash)
  }
}
