import Designs
import Platform

/// All runs that a fit and its validation draw from, prepared once.
public struct TrainingSet: Sendable {
  public let runs: [Run]
  /// Distinct traces, in order of appearance.
  public let traces: [String]
  /// By trace: the place of its program among the programs.
  let programs: [Int]
  /// Distinct designs, in order of appearance.
  public let designs: [Design]
  let options: FitOptions
  let priors: Priors
  let rows: [RunRows]
  /// The columns that have a count in any run, rising: everything is computed over these.
  let columns: [Int]
  /// By run: the index of its family's default on the same trace, if that was measured.
  let defaults: [Int?]
  /// How many toggles of two designs differ, by their places in `designs`.
  let distances: [[Int]]
  /// Whether the constant can be told from the calls themselves.
  public let usesIntercept: Bool

  /// - Throws: `CostsError.tooFewRuns` for fewer than two runs.
  public init(runs: [Run], priors: Priors = [:], options: FitOptions = FitOptions())
    throws(CostsError)
  {
    guard runs.count >= 2 else { throw .tooFewRuns(have: runs.count, need: 2) }
    self.runs = runs
    self.options = options
    self.priors = priors
    var traces: [String] = []
    var designs: [Design] = []
    var traceNumbers: [String: Int] = [:]
    var designNumbers: [Design: Int] = [:]
    for run in runs {
      if traceNumbers[run.trace] == nil {
        traceNumbers[run.trace] = traces.count
        traces.append(run.trace)
      }
      if designNumbers[run.design] == nil {
        designNumbers[run.design] = designs.count
        designs.append(run.design)
      }
    }
    self.traces = traces
    var programNumbers: [String: Int] = [:]
    var programs: [Int] = []
    for trace in traces {
      let program = runs.first { $0.trace == trace }?.program ?? trace
      let number = programNumbers[program] ?? programNumbers.count
      programNumbers[program] = number
      programs.append(number)
    }
    self.programs = programs
    self.designs = designs
    let usesIntercept = options.intercept && Self.interceptIsSeparate(runs)
    self.usesIntercept = usesIntercept
    let columns = Self.executed(runs, usesIntercept: usesIntercept)
    self.columns = columns
    var places = [Int](repeating: -1, count: Column.count)
    for (place, column) in columns.enumerated() { places[column] = place }
    let numbered = runs.map {
      (run: $0, trace: traceNumbers[$0.trace] ?? 0, variant: designNumbers[$0.design] ?? 0)
    }
    distances = designs.map { first in designs.map { Self.distance(first, $0) } }
    var known: [String: Int] = [:]
    let isDefault = designs.map(\.isDefault)
    for (index, one) in numbered.enumerated() where isDefault[one.variant] {
      known["\(one.trace) \(one.run.design.family)"] = index
    }
    defaults = numbered.map { known["\($0.trace) \($0.run.design.family)"] }
    let all = places
    // Alone they are all that there is.
    let weight = runs.allSatisfy(\.isGenerated) ? 1 : options.generatedWeight
    rows = ConcurrentWork.map(numbered) {
      RunRows(
        run: $0.run, trace: $0.trace, variant: $0.variant, options: options, places: all,
        weight: $0.run.isGenerated ? weight : 1)
    }
  }

  private static func executed(_ runs: [Run], usesIntercept: Bool) -> [Int] {
    var isExecuted = [Bool](repeating: false, count: Column.count)
    isExecuted[Column.intercept] = usesIntercept
    for run in runs {
      for window in 0..<run.windows {
        for step in 0..<Step.count where run.counts[window * Step.count + step] != 0 {
          isExecuted[step] = true
        }
      }
    }
    return isExecuted.indices.filter { isExecuted[$0] }
  }

  /// Every operation is one call of five kinds: then their counts add up to the constant column,
  /// and the constant is theirs. Only where some calls go uncounted is there one besides.
  private static func interceptIsSeparate(_ runs: [Run]) -> Bool {
    let calls = Step.all(.call)
    return runs.contains { run in
      let mean = run.meanCounts
      let sum = calls.reduce(0.0) { $0 + mean[Int($1.rawValue)] }
      return (sum - 1).magnitude > 0.02
    }
  }

  /// The prior's part of the sums. Columns without a prior get a faint pull to zero, a millionth
  /// of what the data know at best: it decides only where nothing else does.
  /// - Parameter means: in place of the priors' own, one per column of the set.
  func priorSums(_ data: NormalEquations, means: [Double]? = nil) -> NormalEquations {
    var sums = NormalEquations(size: columns.count)
    for (place, column) in columns.enumerated() {
      if let prior = priors[column] {
        sums.addPrior(
          column: place, mean: means?[place] ?? prior.mean, precision: prior.precision)
      } else {
        let own = data.gram[place * columns.count + place]
        sums.addPrior(column: place, mean: 0, precision: 1e-6 * own)
      }
    }
    addCommonFactor(to: &sums, means: means)
    return sums
  }

  private func addCommonFactor(to sums: inout NormalEquations, means: [Double]?) {
    var places: [Int] = []
    var known: [Prior] = []
    for (place, column) in columns.enumerated() {
      guard let prior = priors[column], Self.sharesFactor.contains(column) else { continue }
      places.append(place)
      known.append(prior)
    }
    guard !places.isEmpty else { return }
    for (row, values) in zip(places, CommonFactor.correction(known)) {
      for (column, value) in zip(places, values) {
        sums.add(row, column, value)
        sums.addRight(row, value * (means?[column] ?? priors[columns[column]]?.mean ?? 0))
      }
    }
  }

  /// Columns of the steps that share a factor.
  static let sharesFactor = Set(Step.all(.locked).map { Int($0.rawValue) })

  /// Costs of the set's columns as costs of all; what no run has costs what is taken for granted.
  func expanded(_ costs: [Double], means: [Double]? = nil) -> [Double] {
    var all = (0..<Column.count).map { means?[$0] ?? priors[$0]?.mean ?? 0 }
    all[Column.intercept] = 0
    for (place, column) in columns.enumerated() { all[column] = costs[place] }
    return all
  }
}
