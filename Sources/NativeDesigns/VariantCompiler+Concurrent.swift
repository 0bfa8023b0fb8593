import Designs
import Foundation
import Platform

extension VariantCompiler {
  /// The builds of several designs, as `placements(_:count:)`, compiled by several processors at
  /// once where they aren't there yet.
  /// - Parameter progress: called after each design, by one thread at a time.
  /// - Throws: the error of the first design that could not be compiled, in their order.
  public func placements(
    _ designs: [Design], count: Int, progress: (Design) -> Void = { _ in }
  ) throws -> [[URL]] {
    try ConcurrentWork.map(designs, progress: progress) { try placements($0, count: count) }
  }
}
