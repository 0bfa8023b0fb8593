import Designs
import Platform
import Traces

/// Runs the model of a design over a workload.
public struct Simulation: Sendable {
  /// Receives an operation's number from 0, the operation, the address it got (0 for a free) and
  /// the counts of all steps so far. A thread's end comes with the number of the next operation.
  public typealias OperationBody =
    (UInt64, Event, Address, UnsafeBufferPointer<UInt64>) -> Void

  /// What is simulated.
  public let design: Design
  /// The machine whose steps are counted, or nil for algorithmic steps and addresses only.
  public let machine: MachineGeometry?

  /// - Parameter machine: nil turns the memory model off.
  public init(design: Design, machine: MachineGeometry? = nil) {
    self.design = design
    self.machine = machine
  }

  /// Simulates every operation of `source`.
  ///
  /// Memory grows with live objects, never with the length of the stream.
  /// - Parameters:
  ///   - onWindow: receives every window in order; what it throws ends the run.
  ///   - onOperation: receives every operation. Slow: for finding where two runs part.
  public func run(
    _ source: any OperationSource, onWindow: ((SimulatedWindow) throws -> Void)? = nil,
    onOperation: OperationBody? = nil
  ) throws -> SimulationResult {
    let counts = StepCounts.allocate()
    defer { counts.deallocate() }
    if let machine {
      return try runRegistered(
        source, memory: MachineModel(geometry: machine, counts: counts), counts: counts,
        onWindow: onWindow, onOperation: onOperation)
    }
    return try runRegistered(
      source, memory: NoMemory(), counts: counts, onWindow: onWindow, onOperation: onOperation)
  }

  private func metrics(
    _ own: [String: Double], live: UInt64, _ space: AddressSpace
  ) -> [String: Double] {
    guard space.peakMappedBytes > 0 else { return own }
    // A design on an allocator that isn't modelled maps less than lives.
    let used = min(Double(live) / Double(space.peakMappedBytes), 1)
    return own.merging(["utilisation": used, "fragmentation": 1 - used]) { $1 }
  }

  /// Simulates every operation without a memory model, into counts of the caller's.
  /// - Parameter counts: zeroed; `onOperation` may read what `StepCounts` knows besides the counts.
  public func run(
    _ source: any OperationSource, counts: StepCounts, onOperation: @escaping OperationBody
  ) throws -> SimulationResult {
    try runRegistered(
      source, memory: NoMemory(), counts: counts, onWindow: nil, onOperation: onOperation)
  }

  /// Simulates with a given model instead of the registered one.
  public func run<Model: AllocatorModel>(
    _ model: Model.Type, _ source: any OperationSource, memory: Model.Memory, counts: StepCounts,
    onWindow: ((SimulatedWindow) throws -> Void)?,
    onOperation: OperationBody?
  ) throws -> SimulationResult {
    let clock = ContinuousClock()
    let start = clock.now
    var driver = SimulationDriver(
      model: Model(design: design, memory: memory, counts: counts), memory: memory, counts: counts,
      source: source)
    defer { driver.deallocate() }
    try source.forEachOperationBlock { block in
      try driver.perform(block, onWindow: onWindow, onOperation: onOperation)
    }
    try driver.finish(onWindow: onWindow)
    let elapsed = start.duration(to: clock.now) / .seconds(1)
    return SimulationResult(
      design: design, memoryModelled: Model.Memory.observesTouches, counts: Array(counts.values),
      operations: driver.operations, windows: driver.windows,
      peakMappedBytes: memory.space.peakMappedBytes,
      peakResidentBytes: memory.peakResidentBytes, peakLiveBytes: driver.peakLiveBytes,
      metrics: metrics(driver.metrics, live: driver.peakLiveBytes, memory.space), seconds: elapsed)
  }
}
