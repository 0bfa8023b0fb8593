import Designs

/// One design's run over one trace: what its model counted, and what was counted from outside.
public struct InstructionRun: Sendable {
  public let trace: String
  public let design: Design
  /// Of every part of the run, steps in the order of `Step.allCases`.
  public let steps: [[UInt64]]
  /// Of every part.
  public let instructions: [UInt64]

  /// - Throws: `CostsError.shape`.
  public init(
    trace: String, design: Design, steps: [[UInt64]], instructions: [UInt64]
  ) throws(CostsError) {
    guard steps.count == instructions.count else {
      throw .shape(what: "parts", have: steps.count, expected: instructions.count)
    }
    self.trace = trace
    self.design = design
    self.steps = steps
    self.instructions = instructions
  }

  public var totalInstructions: UInt64 { instructions.reduce(0, +) }

  /// In the order of `Step.allCases`.
  var totalSteps: [UInt64] {
    steps.reduce(into: [UInt64](repeating: 0, count: Step.count)) { sum, part in
      for step in sum.indices { sum[step] += part[step] }
    }
  }
}

/// How far steps explain instructions: each step is worth so many, whatever the design and trace.
public struct InstructionFit: Sendable {
  /// A run and what the fit that did not see it says of it.
  public struct HeldOut: Sendable, Encodable {
    public let trace: String
    public let design: String
    public let instructions: UInt64
    public let explained: Double
    /// Of the whole run, in the order of `Step.allCases`.
    public let steps: [UInt64]
    /// How far the runs that were fitted on leave it open what these steps are worth, relative to
    /// what was counted: large for steps that they hardly have, or have only along with others.
    public let standardErrorPercent: Double

    /// Whether the fit can know: no more is left open than the steps are to explain it to.
    public var isDetermined: Bool { standardErrorPercent <= Limits.standardErrorPercent }

    /// Of what is explained, relative to what was counted.
    public var errorPercent: Double {
      100 * (explained / Double(max(instructions, 1)) - 1)
    }
  }

  /// By what it is judged whether steps explain instructions.
  public enum Limits {
    /// The most that the others may leave open of a run's instructions, in percent, for the run to
    /// count: to this steps are to explain them.
    public static let standardErrorPercent = 2.0
    /// The most that the mean error of the held-out runs that count may be, in percent.
    public static let meanErrorPercent = 5.0
  }

  /// Instructions of each step, in the order of `Step.allCases`; never negative, 0 for those that
  /// never occur.
  public let perStep: [Double]
  /// In the order of `Step.allCases`.
  private let seen: [Bool]
  /// Every run by a fit of all: no figure of accuracy.
  public let fitted: [HeldOut]
  private let runs: [InstructionRun]
  /// One per run.
  private let sums: [NormalEquations]

  /// Non-negative least squares of relative residuals: a long run says no more than a short one. A
  /// faint prior keeps steps that hardly occur plausible.
  /// - Throws: `CostsError.tooFewRuns` for fewer than two runs.
  public init(_ runs: [InstructionRun]) throws(CostsError) {
    guard runs.count >= 2 else { throw .tooFewRuns(have: runs.count, need: 2) }
    self.runs = runs
    let sums = runs.map(Self.sums)
    self.sums = sums
    let solution = Solution(sums)
    let seen = solution.perStep.indices.map { step in
      runs.contains { $0.steps.contains { $0[step] > 0 } }
    }
    self.seen = seen
    perStep = zip(seen, solution.perStep).map { $0 ? $1 : 0 }
    fitted = runs.map(solution.explain)
  }

  /// Whether any run has the step.
  public func hasSeen(_ step: Step) -> Bool { seen[Int(step.rawValue)] }

  /// Leaves out every design, or every trace, in turn. Empty where there is one only.
  /// - Parameter scheme: `leaveOneVariantOut` or `leaveOneTraceOut`.
  public func heldOut(_ scheme: ValidationScheme) -> [HeldOut] {
    func fold(_ run: InstructionRun) -> String {
      scheme == .leaveOneTraceOut ? run.trace : run.design.description
    }
    var result: [HeldOut] = []
    var seen: Set<String> = []
    for name in runs.map(fold) where seen.insert(name).inserted {
      let training = zip(runs, sums).filter { fold($0.0) != name }.map(\.1)
      guard !training.isEmpty else { continue }
      let solution = Solution(training)
      result += runs.filter { fold($0) == name }.map(solution.explain)
    }
    return result
  }

  private static let columns = Step.allCases.filter { !$0.isMachineStep }.map { Int($0.rawValue) }

  /// The parts of a run as rows: residuals relative to the part, weights of 1 together.
  private static func sums(_ run: InstructionRun) -> NormalEquations {
    let parts = run.steps.count
    var matrix = Matrix(rows: parts, columns: columns.count)
    var target = [Double](repeating: 0, count: parts)
    // A last part of few operations says as little as it is small.
    let least = Double(run.totalInstructions) / Double(max(parts, 1)) / 2
    for part in 0..<parts {
      let instructions = Double(run.instructions[part])
      let scale = 1 / (max(instructions, least, 1) * Double(parts).squareRoot())
      for (place, column) in columns.enumerated() {
        matrix[part, place] = Double(run.steps[part][column]) * scale
      }
      target[part] = instructions * scale
    }
    return NormalEquations(matrix, target)
  }

  /// What steps are worth by some of the runs.
  private struct Solution {
    /// In the order of `Step.allCases`.
    let perStep: [Double]
    private let system: NormalEquations

    init(_ sums: [NormalEquations]) {
      var system = NormalEquations(size: columns.count)
      for one in sums { system.add(one) }
      // A step that hardly occurs would take up what others miss, by the ten thousand. Its worth is
      // expected to be near 20, within 100, where runs are explained to 1 %.
      let precision = (0.01 / 100) * (0.01 / 100)
      for column in columns.indices {
        system.addPrior(column: column, mean: 20, precision: precision)
      }
      var perStep = [Double](repeating: 0, count: Step.count)
      for (column, value) in zip(columns, system.solveNonNegative()) { perStep[column] = value }
      self.perStep = perStep
      self.system = system
    }

    func explain(_ run: InstructionRun) -> HeldOut {
      let steps = run.totalSteps
      return HeldOut(
        trace: run.trace, design: run.design.description, instructions: run.totalInstructions,
        explained: zip(steps, perStep).reduce(0) { $0 + Double($1.0) * $1.1 }, steps: steps,
        standardErrorPercent: standardErrorPercent(run, steps))
    }

    /// Where runs are explained to 1 %: √(x′A⁻¹x) of that, x the steps per instruction.
    private func standardErrorPercent(_ run: InstructionRun, _ steps: [UInt64]) -> Double {
      let x = columns.map { Double(steps[$0]) / Double(max(run.totalInstructions, 1)) }
      let scale = columns.indices.map { 1 / system.gram[$0 * (columns.count + 1)].squareRoot() }
      var target = system
      for column in columns.indices { target.setRight(column, x[column]) }
      let scratch = CholeskyScratch(capacity: columns.count)
      guard scratch.solve(target, scale, Array(columns.indices)) == nil else { return .infinity }
      let variance = columns.indices.reduce(0.0) {
        $0 + x[$1] * scale[$1] * scratch.solution[$1]
      }
      return max(variance, 0).squareRoot()
    }
  }
}

extension [InstructionFit.HeldOut] {
  /// The mean of the absolute errors, in percent.
  public var errorPercent: Double {
    isEmpty ? 0 : reduce(0) { $0 + $1.errorPercent.magnitude } / Double(count)
  }

  /// The run that is explained worst.
  public var worst: InstructionFit.HeldOut? {
    self.max { $0.errorPercent.magnitude < $1.errorPercent.magnitude }
  }
}
