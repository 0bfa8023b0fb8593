import Designs

/// One trace replayed by one variant: what the model counted and what the replay measured, window
/// by window.
public struct Run: Sendable {
  public let trace: String
  public let design: Design
  /// What was recorded: traces of one program are no independent witnesses. The trace's name where
  /// nobody says.
  public let program: String
  /// Whether the trace is of a recipe and of no program.
  public let isGenerated: Bool
  /// Instructions per operation in the allocator, as callgrind counts them; nil where nobody did.
  public var instructions: Double?
  /// Operations in each window.
  public let operations: [Float]
  /// Counts per operation, `windows` × `Step.count`, row-major.
  public let counts: [Float]
  /// Nanoseconds per operation in the allocator (the null replay taken off), per window.
  public let nanoseconds: [Float]
  /// Standard error of `meanNanoseconds` over the repeats and the builds that were measured, in
  /// nanoseconds per operation: noise and code placement. Nil where a single one was.
  public let meanStandardError: Double?
  /// The same of the null replay that was taken off: all runs of a session share its error, and
  /// their differences are free of it.
  public let nullStandardError: Double?
  /// Which of its trace's measuring sessions the times are of: payoffs are of runs of one session.
  public let session: Int

  public var windows: Int { operations.count }

  /// - Throws: `CostsError.shape` or `.notFinite`.
  public init(
    trace: String, design: Design, operations: [Float], counts: [Float], nanoseconds: [Float],
    meanStandardError: Double? = nil, nullStandardError: Double? = nil, session: Int = 0,
    program: String? = nil, isGenerated: Bool = false
  ) throws(CostsError) {
    guard nanoseconds.count == operations.count else {
      throw .shape(what: "times", have: nanoseconds.count, expected: operations.count)
    }
    guard counts.count == operations.count * Step.count else {
      throw .shape(
        what: "counts", have: counts.count, expected: operations.count * Step.count)
    }
    if let window = nanoseconds.firstIndex(where: { !$0.isFinite }) {
      throw .notFinite(trace: trace, design: design.description, window: window)
    }
    self.trace = trace
    self.design = design
    self.program = program ?? trace
    self.isGenerated = isGenerated
    self.operations = operations
    self.counts = counts
    self.nanoseconds = nanoseconds
    self.meanStandardError = meanStandardError
    self.nullStandardError = nullStandardError
    self.session = session
  }

  /// The same counts with the same time per operation everywhere.
  /// - Throws: `CostsError.notFinite`.
  public func lasting(_ time: Double) throws(CostsError) -> Run {
    try Run(
      trace: trace, design: design, operations: operations, counts: counts,
      nanoseconds: operations.map { _ in Float(time) }, program: program,
      isGenerated: isGenerated)
  }

  /// All operations of the run.
  public var totalOperations: Double { operations.reduce(0) { $0 + Double($1) } }

  /// Nanoseconds per operation over the whole run.
  public var meanNanoseconds: Double {
    var sum = 0.0
    for window in 0..<windows { sum += Double(operations[window]) * Double(nanoseconds[window]) }
    return sum / max(totalOperations, 1)
  }

  /// Steps per operation over the whole run, one per column (the intercept's is 1).
  public var meanCounts: [Double] { meanCounts(windows: 0..<windows) }

  /// Steps per operation over some windows, one per column (the intercept's is 1).
  public func meanCounts(windows range: Range<Int>) -> [Double] {
    var sums = [Double](repeating: 0, count: Column.count)
    var total = 0.0
    for window in range {
      let weight = Double(operations[window])
      total += weight
      let base = window * Step.count
      for step in 0..<Step.count { sums[step] += weight * Double(counts[base + step]) }
    }
    sums = sums.map { $0 / max(total, 1) }
    sums[Column.intercept] = 1
    return sums
  }
}

/// The columns of the design matrix: every step, in the order of `Step.allCases`, then what no
/// step explains.
public enum Column {
  /// Nanoseconds per operation that are there whatever the steps: unexplained.
  public static let intercept = Step.count
  public static let count = Step.count + 1

  public static func name(_ column: Int) -> String {
    column == intercept ? "unexplained" : Step.allCases[column].name
  }

  /// Nil for a step that this version doesn't know.
  static func number(_ name: String) -> Int? {
    name == "unexplained" ? intercept : Step(name: name).map { Int($0.rawValue) }
  }
}
