import Costs
import Designs
import Foundation
import Models
import Platform
import Replay
import Traces

/// Whether steps explain the instructions that callgrind counts: a check from outside, by someone
/// who knows nothing of steps.
public struct InstructionExperiment: Sendable {
  /// What it found.
  public struct Outcome: Sendable {
    /// Operations of each trace.
    public let first: Int
    /// A fit of each family: its code is its own, and what a step is worth in another says nothing
    /// of it.
    public let fits: [FamilyFit]

    /// Every run of a scheme, each by the fit of its family that did not see it.
    public func heldOut(_ scheme: ValidationScheme) -> [InstructionFit.HeldOut] {
      fits.flatMap { $0.fit.heldOut(scheme) }
    }

    /// The schemes by which it is judged.
    public static let schemes: [ValidationScheme] = [.leaveOneVariantOut, .leaveOneTraceOut]

    /// Whether of every scheme the mean error of those that can be known is within the limit.
    public var isExplained: Bool {
      Self.schemes.map(heldOut).filter { !$0.isEmpty }.allSatisfy { held in
        let determined = held.filter(\.isDetermined)
        return !determined.isEmpty
          && determined.errorPercent <= InstructionFit.Limits.meanErrorPercent
      }
    }
  }

  /// The fit of a family's runs.
  public struct FamilyFit: Sendable {
    public let family: String
    public let fit: InstructionFit
  }

  /// The designs, and variants of their families: what doesn't vary can't be told apart.
  public let designs: [Design]
  private let counting: InstructionCount
  private let first: Int
  private let options: WorkloadOptions

  /// Variants of each family that are run besides the named designs.
  private static let variants = 28

  /// - Parameter first: operations of each trace that callgrind runs.
  public init(
    counting: InstructionCount, designs named: [Design], first: Int, options: WorkloadOptions
  ) {
    self.counting = counting
    self.first = first
    // Callgrind runs the ordinary builds on one thread, which can't take the place of others.
    var options = options
    options.threads = .one
    self.options = options
    var designs = named.filter(\.isWhollyModelled)
    for family in Family.all where named.contains(where: { $0.family == family }) {
      for design in Design.variants(of: family, limit: Self.variants)
      where design.isWhollyModelled && !designs.contains(design) { designs.append(design) }
    }
    self.designs = designs
  }

  /// Runs every design on the beginning of every trace, by all processors at once: instructions are
  /// the same whoever else is running.
  /// - Parameter progress: told after each run what was run.
  public func run(
    _ traces: [CheckedTrace], progress: (String) -> Void = { _ in }
  ) throws -> Outcome {
    var runs: [InstructionRun] = []
    for trace in CheckedTrace.distinct(traces) {
      let source = FirstOperations(
        Workload(trace: trace.reader, options: options), limit: first)
      let plan = try Plan.compile(source)
      runs += try ConcurrentWork.map(
        designs, progress: { progress("\($0) on \(trace.name)") },
        { design in
          try InstructionRun(
            trace: trace.name, design: design,
            steps: try counting.steps(source, design: design),
            instructions: try counting.instructions(plan, design: design))
        })
    }
    let fits = try Family.all.compactMap { family in
      let mine = runs.filter { $0.design.family == family }
      return mine.isEmpty
        ? nil : FamilyFit(family: family.name, fit: try InstructionFit(mine))
    }
    return Outcome(first: first, fits: fits)
  }
}
