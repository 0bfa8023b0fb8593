import Designs
import Platform

/// Chooses which runs to measure next: those that tell the most about the costs per second of
/// measuring.
///
/// What a run would tell is XᵀWX of its counted steps: no measurement is needed to know it. The
/// choice is greedy on the determinant of the sum (D-optimality: V. V. Fedorov, Theory of Optimal
/// Experiments, 1972). The gain of a run only ever shrinks as others are chosen, so that a stale
/// gain is an upper bound and most need not be computed again.
public struct ExperimentPlanner {
  /// A run that could be measured.
  public struct Candidate: Sendable {
    /// What is known of it: nanoseconds are a guess, used as the scale of its errors.
    public let run: Run
    /// What measuring it takes.
    public let seconds: Double

    public init(run: Run, seconds: Double) {
      self.run = run
      self.seconds = seconds
    }
  }

  private let information: [RunSums]
  private let seconds: [Double]
  private let scale: [Double]
  /// Its upper triangle is kept up.
  private var chosen: NormalEquations
  private var logDeterminant: Double
  /// Candidates not chosen yet with an upper bound of their gain per second.
  private var open: [(index: Int, bound: Double)]

  /// - Parameter measured: candidates that have been measured already.
  public init(_ candidates: [Candidate], measured: Set<Int>, options: FitOptions = FitOptions()) {
    var coarse = options
    coarse.rowsPerRun = min(options.rowsPerRun, 32)
    // Every step has its column; the constant is left out.
    let places = Array(0..<Step.count) + [-1]
    let settled = coarse
    information = ConcurrentWork.map(candidates) { candidate in
      RunRows(
        run: candidate.run, trace: 0, variant: 0, options: settled, places: places,
        weight: candidate.run.isGenerated ? settled.generatedWeight : 1
      ).sums(robust: nil, parts: 1, options: settled)[0]
    }
    seconds = candidates.map { max($0.seconds, 1e-3) }
    var all = NormalEquations(size: Column.count)
    for sums in information { sums.add(toUpper: &all, times: 1) }
    scale = (0..<Column.count).map { column in
      let square = all.gram[column * Column.count + column]
      return square > 0 ? 1 / square.squareRoot() : 0
    }
    chosen = NormalEquations(size: Column.count)
    for index in measured { information[index].add(toUpper: &chosen, times: 1) }
    logDeterminant = 0
    open = candidates.indices.filter { !measured.contains($0) }.map { ($0, .infinity) }
    logDeterminant = Self.logDeterminant(chosen, scale)
  }

  /// The most telling run per second, taken as chosen; nil when none is left.
  public mutating func next() -> Int? {
    guard !open.isEmpty else { return nil }
    while true {
      guard
        let top = open.indices.max(by: {
          (open[$0].bound, -open[$0].index) < (open[$1].bound, -open[$1].index)
        })
      else { return nil }
      let index = open[top].index
      var sums = chosen
      information[index].add(toUpper: &sums, times: 1)
      let determinant = Self.logDeterminant(sums, scale)
      let gain = (determinant - logDeterminant) / seconds[index]
      open[top].bound = gain
      let best = open.indices.filter { $0 != top }.map { open[$0].bound }.max() ?? -.infinity
      if gain >= best {
        chosen = sums
        logDeterminant = determinant
        open.remove(at: top)
        return index
      }
    }
  }

  /// The open candidate that would narrow one column's interval most, and by which part of its
  /// width; nil when nothing is open.
  ///
  /// The derivative of the variance v = (A⁻¹)_cc by a candidate's part of A is −(A⁻¹)_c′ B (A⁻¹)_c: by it
  /// the few are found of which the variance is computed.
  public func narrowing(column: Int) -> (index: Int, share: Double)? {
    guard let known = Self.inverseColumn(chosen, scale, column) else { return nil }
    let before = known.variance
    var best: (index: Int, share: Double)?
    let promising = open.map { candidate in
      (index: candidate.index, gain: information[candidate.index].quadratic(known.column))
    }.filter { $0.gain > 0 }.sorted { $0.gain > $1.gain }.prefix(Self.promising)
    for candidate in promising {
      var sums = chosen
      information[candidate.index].add(toUpper: &sums, times: 1)
      guard let after = Self.inverseColumn(sums, scale, column)?.variance else { continue }
      let share = 1 - (after / before).squareRoot()
      if share > best?.share ?? 0 { best = (candidate.index, share) }
    }
    return best
  }

  /// Candidates that a variance is computed for.
  private static let promising = 16

  /// A little of everything is known beforehand: keeps the determinant finite.
  private static let faint = 1e-4

  private static func scaled(_ upper: NormalEquations, _ scale: [Double]) -> NormalEquations {
    let columns = scale.indices.filter { scale[$0] > 0 }
    var sums = upper
    sums.symmetrize()
    var result = sums.selecting(columns)
    for row in columns.indices {
      for column in columns.indices {
        let value =
          result.gram[row * columns.count + column] * scale[columns[row]] * scale[columns[column]]
        result.set(row, column, value + (row == column ? faint : 0))
      }
    }
    return result
  }

  private static func logDeterminant(_ sums: NormalEquations, _ scale: [Double]) -> Double {
    let system = scaled(sums, scale)
    let scratch = CholeskyScratch(capacity: system.size)
    return scratch.logDeterminant(system)
  }

  /// A column of the inverse, by all columns, and of it the variance, of scaled columns.
  private static func inverseColumn(_ sums: NormalEquations, _ scale: [Double], _ column: Int)
    -> (column: [Double], variance: Double)?
  {
    let columns = scale.indices.filter { scale[$0] > 0 }
    guard let place = columns.firstIndex(of: column) else { return nil }
    var system = scaled(sums, scale)
    for row in columns.indices { system.setRight(row, row == place ? 1 : 0) }
    let scratch = CholeskyScratch(capacity: system.size)
    let ones = [Double](repeating: 1, count: system.size)
    guard scratch.solve(system, ones, Array(0..<system.size)) == nil else { return nil }
    var result = [Double](repeating: 0, count: scale.count)
    for (row, column) in columns.enumerated() {
      result[column] = scratch.solution[row] * scale[column]
    }
    return (result, scratch.solution[place])
  }
}
