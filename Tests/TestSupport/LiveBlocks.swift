import Designs
import Models
import Traces

/// What a model's blocks are held to: they are aligned, and no two that live overlap.
public struct LiveBlocks {
  /// Allocations that were looked at.
  public private(set) var allocations = 0
  /// What is wrong, in words; empty as it should be.
  public private(set) var problems: [String] = []
  private var live: [UInt32: Range<Address>] = [:]

  /// Every how many allocations all blocks are compared: sorting them takes its time.
  private static let interval = 500

  /// Simulates the source and looks at every address that the design hands out.
  public init(_ design: Design, _ source: some OperationSource) throws {
    var blocks = self
    _ = try Simulation(design: design).run(
      source, onOperation: { number, event, address, _ in blocks.see(number, event, address) })
    self = blocks
  }

  private mutating func see(_ number: UInt64, _ event: Event, _ address: Address) {
    live[event.slot] = nil
    guard event.kind.allocates else { return }
    allocations += 1
    if address % max(event.alignment, 16) != 0 {
      problems.append("operation \(number): \(address) isn't aligned to \(event.alignment)")
    }
    live[event.slot] = address..<(address + max(event.size, 1))
    guard allocations % Self.interval == 0 else { return }
    let sorted = live.values.sorted { $0.lowerBound < $1.lowerBound }
    for (one, next) in zip(sorted, sorted.dropFirst()) where one.upperBound > next.lowerBound {
      problems.append("after operation \(number): \(one) and \(next) overlap")
    }
  }
}
