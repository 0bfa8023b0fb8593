import Designs

/// All runs that a fit and its validation draw from, prepared once.
public struct TrainingSet: Sendable {
  public let runs: [Run]
  /// Distinct traces, in order of appearance.
  public let traces: [String]
  /// Distinct designs, in order of appearance.
  public let designs: [Design]
  let options: FitOptions
  let priors: Priors
  let rows: [RunRows]
  /// Unweighted by Huber: what every reweighting starts from.
  let plain: [NormalEquations]
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
    self.designs = designs
    let usesIntercept = options.intercept && Self.interceptIsSeparate(runs)
    self.usesIntercept = usesIntercept
    rows = runs.map { run in
      RunRows(
        run: run, trace: traceNumbers[run.trace] ?? 0, variant: designNumbers[run.design] ?? 0,
        options: options, usesIntercept: usesIntercept)
    }
    plain = rows.map { rows in
      var sums = [NormalEquations(size: Column.count)]
      rows.add(to: &sums, robust: nil, options: options)
      sums[0].symmetrize()
      return sums[0]
    }
  }

  /// Every operation is one call of five kinds: then their counts add up to the constant column,
  /// and the constant is theirs. Only where some calls go uncounted is there one besides.
  private static func interceptIsSeparate(_ runs: [Run]) -> Bool {
    let calls: [Step] = [.mallocCall, .callocCall, .reallocCall, .alignedCall, .freeCall]
    return runs.contains { run in
      let mean = run.meanCounts
      let sum = calls.reduce(0.0) { $0 + mean[Int($1.rawValue)] }
      return (sum - 1).magnitude > 0.02
    }
  }

  /// The prior's part of the sums. Columns without a prior get a faint pull to zero, a millionth
  /// of what the data know at best: it decides only where nothing else does.
  func priorSums(_ data: NormalEquations) -> NormalEquations {
    var sums = NormalEquations(size: Column.count)
    for column in 0..<Column.count {
      if let prior = priors[column] {
        sums.addPrior(
          column: column, mean: prior.mean,
          precision: 1 / (prior.deviation * prior.deviation))
      } else {
        sums.addPrior(
          column: column, mean: 0, precision: 1e-6 * data.gram[column * Column.count + column])
      }
    }
    return sums
  }
}
