/// What the data can tell apart: which columns never occur, which always occur together, which
/// depend on each other, and how badly the rest is conditioned.
///
/// Everything is judged on the weighted columns scaled to unit length, where a column's distance
/// from the span of others is the sine of an angle: D. A. Belsley, E. Kuh, R. E. Welsch:
/// Regression Diagnostics (1980), chapter 3.
public struct Identifiability: Sendable {
  /// Columns that always occur together, in a fixed proportion: one cost for all.
  public struct Group: Sendable, Equatable {
    /// The first is the one per whose occurrence the cost is given.
    public let columns: [Int]
    /// Occurrences of each per occurrence of the first.
    public let ratios: [Double]
    public var leader: Int { columns[0] }
  }

  /// A null direction: a change of these costs that changes no predicted time.
  public struct Dependency: Sendable, Equatable {
    /// Leaders of groups.
    public let columns: [Int]
    /// Nanoseconds by which each cost moves.
    public let direction: [Double]
  }

  /// Columns without a count.
  public let neverExecuted: [Int]
  /// Every other column, in exactly one group; most groups have one column.
  public let groups: [Group]
  public let dependencies: [Dependency]
  /// Variance inflation factor of every leader among the leaders.
  public let varianceInflation: [Int: Double]

  /// Whether this column's cost is its own, or its group's alone.
  public func isSeparable(_ column: Int) -> Bool {
    guard let group = groups.first(where: { $0.columns.contains(column) }) else { return false }
    return group.columns.count == 1
      && !dependencies.contains { $0.columns.contains(group.leader) }
  }

  /// - Parameters:
  ///   - sums: of the data alone, without priors.
  ///   - separability: the least sine of the angle to the span of other columns.
  public init(_ sums: NormalEquations, separability: Double) {
    let size = sums.size
    let norms = (0..<size).map { sums.gram[$0 * size + $0].squareRoot() }
    neverExecuted = (0..<size).filter { norms[$0] == 0 }
    let limit = separability * separability
    func cosine(_ first: Int, _ second: Int) -> Double {
      sums.gram[first * size + second] / (norms[first] * norms[second])
    }
    var members: [[Int]] = []
    for column in 0..<size where norms[column] > 0 {
      // Nearest leader first, so that chains of near-proportional columns don't grow.
      let home = members.indices.min {
        cosine(members[$0][0], column) > cosine(members[$1][0], column)
      }
      if let home, 1 - cosine(members[home][0], column) * cosine(members[home][0], column) < limit {
        members[home].append(column)
      } else {
        members.append([column])
      }
    }
    groups = members.map { columns in
      Group(
        columns: columns,
        ratios: columns.map {
          cosine(columns[0], $0) * norms[$0] / norms[columns[0]]
        })
    }
    var remaining = members.map { $0[0] }
    var inflation: [Int: Double] = [:]
    var found: [Dependency] = []
    var isFirst = true
    while remaining.count > 1 {
      var worst = (column: -1, rest: Double.infinity, weights: [Double]())
      for column in remaining {
        let others = remaining.filter { $0 != column }
        let (rest, weights) = Self.regress(column, others, sums, norms)
        if isFirst { inflation[column] = 1 / max(rest, 1e-12) }
        if rest < worst.rest { worst = (column, rest, weights) }
      }
      isFirst = false
      guard worst.rest < limit else { break }
      let others = remaining.filter { $0 != worst.column }
      // A share of a tenth of the column's length is what takes part in it.
      let taking = others.indices.filter { worst.weights[$0].magnitude > 0.1 }
      found.append(
        Dependency(
          columns: [worst.column] + taking.map { others[$0] },
          direction: [1]
            + taking.map { -worst.weights[$0] * norms[worst.column] / norms[others[$0]] }))
      remaining = others
    }
    varianceInflation = inflation
    dependencies = found
  }

  /// What part of a scaled column's squared length other columns leave, and their weights.
  private static func regress(
    _ column: Int, _ others: [Int], _ sums: NormalEquations, _ norms: [Double]
  ) -> (rest: Double, weights: [Double]) {
    let size = sums.size
    let count = others.count
    var system = NormalEquations(size: count)
    for (row, first) in others.enumerated() {
      for (position, second) in others.enumerated() {
        let value = sums.gram[first * size + second] / (norms[first] * norms[second])
        // The faint ridge keeps exactly dependent others solvable.
        system.set(row, position, value + (row == position ? 1e-9 : 0))
      }
      system.setRight(row, sums.gram[column * size + first] / (norms[column] * norms[first]))
    }
    let scratch = CholeskyScratch(capacity: count)
    guard
      scratch.solve(system, [Double](repeating: 1, count: count), Array(0..<count)) == nil
    else { return (1, [Double](repeating: 0, count: count)) }
    let weights = Array(scratch.solution.prefix(count))
    let explained = zip(weights, system.right).reduce(0) { $0 + $1.0 * $1.1 }
    return (max(0, 1 - explained), weights)
  }
}
