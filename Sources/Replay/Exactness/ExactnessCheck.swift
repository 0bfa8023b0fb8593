import Designs
import Foundation
import Models
import NativeDesigns
import Platform
import Traces

/// Compares a design's model with its counting build on one workload: every algorithmic step and
/// the hash of all addresses, in every window.
public struct ExactnessCheck: Sendable {
  private let player: Player
  private let compiler: VariantCompiler

  public init(player: Player, compiler: VariantCompiler) {
    self.player = player
    self.compiler = compiler
  }

  /// What one comparison found.
  public struct Outcome: Equatable, Sendable {
    /// Of the longer of the two runs.
    public let windows: Int
    /// Windows in which any step's count or the hash of addresses differs, or which one of the two
    /// lacks.
    public let differing: Int
    /// Nil where nothing differs, or nothing but the number of windows.
    public let first: Difference?
  }

  /// The first thing that differs.
  public struct Difference: Equatable, Sendable {
    /// From 0.
    public let window: Int
    /// A step's name, or `address`.
    public let step: String
    /// The step's count in the window, or the address of the operation.
    public let model: UInt64
    public let native: UInt64
    /// The first operation of the workload at which the two part, from 0, with what it was.
    public let operation: Operation?
  }

  public struct Operation: Equatable, Sendable {
    public let number: UInt64
    /// For example `malloc of 48 bytes`.
    public let text: String
    /// What differs there: a step's name with both counts, or both addresses.
    public let difference: String
  }

  /// Simulates `source` and plays it over the counting build of `design`.
  ///
  /// Memory grows with the windows of the workload: the model's are kept while the player runs.
  /// - Parameters:
  ///   - machine: whose memory the model runs on; nil for none, as no algorithmic step depends on it.
  ///   - plan: `source` compiled, where it already is.
  public func compare(
    _ source: any OperationSource, design: Design, machine: MachineGeometry? = nil,
    plan: Plan? = nil
  ) throws -> Outcome {
    try compare(source, model: design, native: design, machine: machine, plan: plan)
  }

  /// The same with a model and a build of two designs, which tests find differences with.
  func compare(
    _ source: any OperationSource, model design: Design, native: Design,
    machine: MachineGeometry? = nil, plan: Plan? = nil
  ) throws -> Outcome {
    let library = try compiler.build(native, counting: true)
    let plan = try plan ?? compile(source)
    let steps = Step.allCases.filter { !$0.isMachineStep }
    let stride = steps.count + 1
    var model: [UInt64] = []
    _ = try Simulation(design: design, machine: machine).run(source) { window in
      for step in steps { model.append(window.counts[Int(step.rawValue)]) }
      model.append(window.addressHash)
    }
    var windows = 0
    var differing = 0
    var first: (window: Int, index: Int, native: UInt64)?
    try player.count(plan, allocator: design.description, library: library) { window in
      let start = window.index * stride
      windows += 1
      guard start + stride <= model.count else {
        differing += 1
        return
      }
      let different = (0..<stride).first { index in
        let native =
          index < steps.count
          ? window.counts[Int(steps[index].rawValue)] : window.addressHash
        return model[start + index] != native
      }
      guard let different else { return }
      differing += 1
      if first == nil {
        let native =
          different < steps.count
          ? window.counts[Int(steps[different].rawValue)] : window.addressHash
        first = (window.index, different, native)
      }
    }
    let lacking = max(0, model.count / stride - windows)
    windows += lacking
    differing += lacking
    guard let first else { return Outcome(windows: windows, differing: differing, first: nil) }
    let operation = try locate(
      source, design: design, plan: plan, library: library, window: first.window, steps: steps)
    let difference = Difference(
      window: first.window,
      step: first.index < steps.count ? steps[first.index].name : "address",
      model: model[first.window * stride + first.index], native: first.native,
      operation: operation)
    return Outcome(windows: windows, differing: differing, first: difference)
  }

  private func compile(_ source: some OperationSource) throws -> Plan { try Plan.compile(source) }

  /// Runs both again and finds the operation within the window.
  private func locate(
    _ source: any OperationSource, design: Design, plan: Plan, library: URL, window: Int,
    steps: [Step]
  ) throws -> Operation? {
    let native = try player.dump(
      plan, window: window, allocator: design.description, library: library)
    guard let firstNumber = native.first?.number else { return nil }
    var found: Operation?
    // Operations and ends of threads stand in the same order on both sides.
    var next = 0
    var before = [UInt64](repeating: 0, count: Step.count)
    struct Done: Error {}
    do {
      _ = try Simulation(design: design).run(
        source, onWindow: { if $0.index >= window { throw Done() } },
        onOperation: { number, event, address, counts in
          defer {
            if number + 1 >= firstNumber { before = Array(counts) }
          }
          let isInWindow =
            number > firstNumber || (number == firstNumber && event.kind != .threadEnd)
          guard found == nil, isInWindow, next < native.count else { return }
          let other = native[next]
          next += 1
          let text = Self.difference(
            address: OpaqueBlocks.located(address), counts: counts, before: before, other: other,
            steps: steps)
          if let text {
            found = Operation(number: number, text: Self.text(event), difference: text)
          }
        })
    } catch is Done {}
    return found
  }

  private static func difference(
    address: Address, counts: UnsafeBufferPointer<UInt64>, before: [UInt64],
    other: CountedOperation, steps: [Step]
  ) -> String? {
    for step in steps {
      let index = Int(step.rawValue)
      let model = counts[index] - before[index]
      if model != other.counts[index] {
        return "\(step.name): model \(model), native \(other.counts[index])"
      }
    }
    guard address != other.address else { return nil }
    return "address: model \(text(address)), native \(text(other.address))"
  }

  /// Region and offset.
  private static func text(_ address: Address) -> String {
    let offset = address & (AddressSpace.largestRegion - 1)
    return "region \(address >> AddressSpace.offsetBits) + 0x\(String(offset, radix: 16))"
  }

  private static func text(_ event: Event) -> String {
    if event.kind == .threadEnd { return "end of thread \(event.thread)" }
    if event.kind.frees { return "free of slot \(event.slot)" }
    let aligned = event.alignment > 0 ? " aligned to \(event.alignment)" : ""
    return "\(event.kind) of \(event.size) bytes\(aligned) into slot \(event.slot)"
  }
}
