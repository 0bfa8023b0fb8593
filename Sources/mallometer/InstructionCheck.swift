import ArgumentParser
import Costs
import Designs
import Foundation
import Models
import Platform
import Replay
import Reports
import Traces

/// `check --instructions`: whether steps explain the instructions that callgrind counts.
struct InstructionCheck {
  /// The designs, and variants of their families: what doesn't vary can't be told apart.
  private let designs: [Design]
  private let counting: InstructionCount
  private let first: Int
  private let options: WorkloadOptions

  /// Variants of each family that are run besides the named designs.
  private static let variants = 28

  init(
    counting: InstructionCount, designs named: [Design], first: Int, options: WorkloadOptions
  ) {
    self.counting = counting
    self.first = first
    // Callgrind runs the ordinary builds on one thread, which can't take the place of others.
    var options = options
    options.threads = .one
    self.options = options
    var designs = named.filter(\.isWhollyModelled)
    for family in Family.all where named.contains(where: { $0.family == family.name }) {
      for design in Design.variants(of: family, limit: Self.variants)
      where design.isWhollyModelled && !designs.contains(design) { designs.append(design) }
    }
    self.designs = designs
  }

  /// Runs every design on the beginning of every trace, as many at a time as there are processors:
  /// instructions are the same whoever else is running.
  func run(_ traces: [String], progress: ProgressReporter) async throws -> InstructionReport {
    progress.begin("counting instructions", total: traces.count * designs.count)
    var runs: [InstructionRun] = []
    for path in traces {
      let workload = Workload(trace: try TraceReader(path: path), options: options)
      let source = FirstOperations(workload, limit: first)
      let plan = try Plan.compile(source)
      let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
      let counting = counting
      let counted = try await withThrowingTaskGroup(of: (Int, InstructionRun).self) { group in
        var waiting = designs.enumerated().makeIterator()
        func start() {
          guard let (place, design) = waiting.next() else { return }
          group.addTask {
            let run = try InstructionRun(
              trace: name, design: design, steps: try counting.steps(source, design: design),
              instructions: try counting.instructions(plan, design: design))
            return (place, run)
          }
        }
        for _ in 0..<ProcessInfo.processInfo.activeProcessorCount { start() }
        var counted: [(Int, InstructionRun)] = []
        while let one = try await group.next() {
          counted.append(one)
          progress.advance(detail: "\(one.1.design) on \(name)")
          start()
        }
        return counted.sorted { $0.0 < $1.0 }.map(\.1)
      }
      runs += counted
    }
    // A family's code is its own: what a step is worth in another says nothing of it.
    let fits = try Family.all.compactMap { family in
      let mine = runs.filter { $0.design.family == family.name }
      return mine.isEmpty ? nil : (family.name, try InstructionFit(mine))
    }
    return InstructionReport(fits, first: first)
  }
}

/// What `check --instructions` finds.
struct InstructionReport: Encodable {
  /// Operations of each trace.
  let first: Int
  let schemes: [Scheme]
  let perStep: [StepInstructions]
  let runs: [Run]

  struct Scheme: Encodable {
    let scheme: String
    let runs: Int
    /// Mean absolute error of the runs' instructions.
    let errorPercent: Double
    /// Runs of which the others tell what their steps are worth, and the mean error of these.
    let determinedRuns: Int
    let determinedErrorPercent: Double
    /// Of those.
    @Nullable var worst: Run?
  }

  struct StepInstructions: Encodable {
    let family: String
    let step: String
    let instructions: Double
  }

  /// A run, by the fit of all or by one that did not see it.
  struct Run: Encodable {
    let trace: String
    let design: String
    let instructions: UInt64
    let errorPercent: Double
    /// What the runs that were fitted on leave open.
    let standardErrorPercent: Double
    /// Those that the model counted, by name: what an error is looked for with.
    let steps: [String: UInt64]

    init(_ held: InstructionFit.HeldOut) {
      trace = held.trace
      design = held.design
      instructions = held.instructions
      errorPercent = held.errorPercent
      standardErrorPercent = held.standardErrorPercent
      let counted = zip(Step.allCases, held.steps).filter { $1 > 0 && !$0.isMachineStep }
      steps = Dictionary(uniqueKeysWithValues: counted.map { ($0.name, $1) })
    }
  }

  /// The most that the mean error of held-out runs that are determined may be, in percent.
  static let bar = 5.0

  init(_ fits: [(family: String, fit: InstructionFit)], first: Int) {
    self.first = first
    func scheme(_ name: String, _ held: [InstructionFit.HeldOut]) -> Scheme? {
      guard !held.isEmpty else { return nil }
      let determined = held.filter(\.isDetermined)
      return Scheme(
        scheme: name, runs: held.count, errorPercent: held.errorPercent,
        determinedRuns: determined.count, determinedErrorPercent: determined.errorPercent,
        worst: determined.worst.map(Run.init))
    }
    let heldOut = [ValidationScheme.leaveOneVariantOut, .leaveOneTraceOut].map { one in
      scheme(one.rawValue, fits.flatMap { $0.fit.heldOut(one) })
    }
    let fitted = fits.flatMap(\.fit.fitted)
    schemes = (heldOut + [scheme(Self.allSeen, fitted)]).compactMap { $0 }
    perStep = fits.flatMap { family, fit in
      zip(Step.allCases, fit.perStep).filter { $0.1 > 0 }.map {
        StepInstructions(family: family, step: $0.name, instructions: $1)
      }
    }
    runs = fitted.map(Run.init)
  }

  private static let allSeen = "all-seen"

  /// Whether every held-out error is within the bar.
  var isExplained: Bool {
    schemes.allSatisfy { $0.determinedRuns > 0 && $0.determinedErrorPercent <= Self.bar }
  }

  var text: String {
    var steps = Table(["family", "step", "instructions"], align: [.left, .left, .right])
    for step in perStep { steps.add([step.family, step.step, Text.number(step.instructions)]) }
    var table = Table(
      ["left out", "runs", "mean error %", "determined", "mean error %", "worst %", "worst run"])
    for scheme in schemes {
      table.add([
        scheme.scheme, "\(scheme.runs)", Text.number(scheme.errorPercent),
        "\(scheme.determinedRuns)", Text.number(scheme.determinedErrorPercent),
        scheme.worst.map { Text.number($0.errorPercent) } ?? "",
        scheme.worst.map { "\($0.design) on \($0.trace)" } ?? "",
      ])
    }
    return "instructions of the first \(Text.count(first)) operations, by valgrind\n\n"
      + steps.text + "\n" + table.text
  }
}
