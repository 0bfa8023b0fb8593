import Designs
import Traces

extension Simulation {
  /// The one place where a family gets its model: one line per family, specialised for the memory
  /// it runs on.
  func runRegistered<Memory: MemoryModel>(
    _ source: any OperationSource, memory: Memory, counts: StepCounts,
    onWindow: ((SimulatedWindow) throws -> Void)?,
    onOperation: OperationBody?
  ) throws -> SimulationResult {
    switch design.family.kind {
    case .pool:
      return try run(
        PoolModel<Memory>.self, source, memory: memory, counts: counts, onWindow: onWindow,
        onOperation: onOperation)
    case .reuse:
      return try run(
        ReuseModel<Memory>.self, source, memory: memory, counts: counts, onWindow: onWindow,
        onOperation: onOperation)
    case .tiered:
      return try run(
        TieredModel<Memory>.self, source, memory: memory, counts: counts, onWindow: onWindow,
        onOperation: onOperation)
    case .locked:
      return try run(
        LockedModel<Memory>.self, source, memory: memory, counts: counts, onWindow: onWindow,
        onOperation: onOperation)
    }
  }
}
