import Costs
import Foundation
import Platform
import Replay

extension ScoreCaching {
  /// What an epoch's time is made of, besides the allocator's.
  public enum Cost: String, CaseIterable, Sendable {
    /// Once an epoch.
    case call
    case comparison, misprediction
    case atomicLoad = "atomic load"
    /// What a comparison costs more where runs are sorted by insertion.
    case insertion
    /// An object's line that is not in the first level: where a comparison waits for it, and where
    /// all objects are passed through in turn.
    case comparedLine = "line compared"
    case passedLine = "line passed"
    case comparedTranslation = "translation compared"
    case elementMove = "element move"
    case byteMoved = "byte moved"
    case byteCopied = "byte copied"
    case referenceIncrement = "reference increment"
    case referenceDecrement = "reference decrement"
  }

  /// A kernel on a population: how often an epoch takes each step, and how long an epoch took.
  struct Observation: Equatable, Sendable {
    var kernel: Kernel
    var population: Int
    /// Per epoch, by `Cost`.
    var counts: [Double]
    var nanoseconds: Double

    init(kernel: Kernel, population: Int, counts: [Double], nanoseconds: Double) {
      self.kernel = kernel
      self.population = population
      self.counts = counts
      self.nanoseconds = nanoseconds
    }

    init(_ kernel: Kernel, _ workload: Workload, counts: Counts, nanoseconds: Double) {
      let epochs = Double(workload.epochs)
      let steps = { (step: Step) in Double(counts[step]) / epochs }
      self.init(
        kernel: kernel, population: workload.population,
        counts: Cost.allCases.map { cost in
          switch cost {
          case .call: 1
          case .comparison: steps(.comparisons)
          case .misprediction: Double(counts.mispredictions) / epochs
          case .atomicLoad: steps(.atomicLoads)
          case .insertion: steps(.insertionComparisons)
          case .comparedLine: Double(counts.comparedLines) / epochs
          case .passedLine: Double(counts.passedLines) / epochs
          case .comparedTranslation: Double(counts.comparedTranslations) / epochs
          case .elementMove: steps(.elementMoves)
          case .byteMoved: steps(.bytesMoved)
          case .byteCopied: steps(.bytesCopied)
          case .referenceIncrement: steps(.referenceIncrements)
          case .referenceDecrement: steps(.referenceDecrements)
          }
        }, nanoseconds: nanoseconds)
    }
  }

  /// Predicts how much longer the second form takes than the first, from costs that were fitted
  /// without either of them on the population in question.
  ///
  /// A form is the sort of ready entries on the same population, which is measured, plus what the
  /// steps cost in which the two differ. The allocator's share of the second form is not fitted:
  /// allocators differ in what they make of a size, so it is what the same allocations cost alone.
  struct Predictor {
    let observations: [Observation]
    let populations: [Int]
    private let index: [Key: Int]

    private struct Key: Hashable {
      let kernel: Kernel
      let population: Int
    }

    init(_ observations: [Observation]) {
      self.observations = observations
      populations = Set(observations.map(\.population)).sorted()
      index = Dictionary(
        observations.enumerated().map {
          (Key(kernel: $1.kernel, population: $1.population), $0)
        }, uniquingKeysWith: { first, _ in first })
    }

    private func observation(_ kernel: Kernel, _ population: Int) -> Observation? {
      index[Key(kernel: kernel, population: population)].map { observations[$0] }
    }

    /// Nanoseconds of the second form's allocations on a population, measured alone.
    func allocationNs(_ population: Int) -> Double {
      observation(.allocate, population)?.nanoseconds ?? 0
    }

    /// What is known of a kernel's time without costs, and the counts that costs must explain.
    private func known(_ observation: Observation) -> (nanoseconds: Double, counts: [Double]) {
      guard observation.kernel.isForm,
        let sort = self.observation(.sortEntries, observation.population)
      else { return (0, observation.counts) }
      let allocations =
        observation.kernel == .caching ? self.observation(.allocate, observation.population) : nil
      return [sort, allocations].compactMap { $0 }.reduce((0, observation.counts)) { known, part in
        (known.0 + part.nanoseconds, zip(known.1, part.counts).map { $0 - $1 })
      }
    }

    /// Fitted costs in nanoseconds, by `Cost`: non-negative least squares on relative errors.
    /// - Parameters:
    ///   - hidden: populations whose two forms the fit doesn't see.
    ///   - absent: a population that the fit doesn't see at all.
    func costs(hiding hidden: Set<Int> = [], absent: Int? = nil) throws -> [Double] {
      let seen = observations.filter {
        $0.kernel != .allocate && $0.nanoseconds > 0 && $0.population != absent
          && !($0.kernel.isForm && hidden.contains($0.population))
      }
      let columns = Cost.allCases.count
      var matrix = Matrix(rows: seen.count, columns: columns)
      var target: [Double] = []
      for (row, observation) in seen.enumerated() {
        let known = known(observation)
        for column in 0..<columns {
          matrix[row, column] = known.counts[column] / observation.nanoseconds
        }
        target.append((observation.nanoseconds - known.nanoseconds) / observation.nanoseconds)
      }
      return try NonNegativeLeastSquares.solve(matrix, target).coefficients
    }

    private func nanoseconds(_ kernel: Kernel, _ population: Int, costs: [Double]) -> Double {
      guard let observation = observation(kernel, population) else { return 0 }
      let known = known(observation)
      return zip(known.counts, costs).reduce(known.nanoseconds) { $0 + $1.0 * $1.1 }
    }

    /// The logarithm of second form over first.
    private func logRatio(_ population: Int, hiding hidden: Set<Int>) throws -> Double {
      let costs = try costs(hiding: hidden)
      return log(
        nanoseconds(.caching, population, costs: costs)
          / nanoseconds(.loads, population, costs: costs))
    }

    private func measuredLogRatio(_ population: Int) -> Double {
      let first = observation(.loads, population)?.nanoseconds ?? 0
      return log((observation(.caching, population)?.nanoseconds ?? 0) / first)
    }

    /// The logarithm of second form over first on a population, with a 95 % interval.
    ///
    /// How far such predictions go wrong is seen on the other populations: each is predicted from
    /// costs that saw the forms neither on it nor on the population in question. Their root mean
    /// square times Student's quantile is the half-width; fewer than two others set no bounds.
    func prediction(_ population: Int) throws -> Estimate {
      let value = try logRatio(population, hiding: [population])
      let others = populations.filter { $0 != population }
      guard others.count > 1 else { return Estimate(unbounded: value) }
      let squares = try others.reduce(0.0) { sum, other in
        let error = try logRatio(other, hiding: [population, other]) - measuredLogRatio(other)
        return sum + error * error
      }
      let width =
        RepeatStatistics.studentQuantile(degreesOfFreedom: others.count - 1)
        * (squares / Double(others.count)).squareRoot()
      return Estimate(value: value, low: value - width, high: value + width)
    }

    /// By how many nanoseconds an epoch of the second form is longer, part by part, as predicted.
    func terms(_ population: Int) throws -> [Term] {
      let costs = try costs(hiding: [population])
      guard let first = observation(.loads, population).map(known),
        let second = observation(.caching, population).map(known)
      else { return [] }
      let differences = Cost.allCases.indices.map {
        (second.counts[$0] - first.counts[$0]) * costs[$0]
      }
      func sum(_ parts: [Cost]) -> Double {
        zip(Cost.allCases, differences).reduce(0) { $0 + (parts.contains($1.0) ? $1.1 : 0) }
      }
      return [
        Term(
          name: "atomic loads",
          ns: sum([.atomicLoad, .comparedLine, .comparedTranslation])),
        Term(
          name: "reference counts",
          ns: sum([.referenceIncrement, .referenceDecrement, .passedLine])),
        Term(name: "copying", ns: sum([.elementMove, .byteMoved, .byteCopied])),
        // Its run alone is one more call than there is.
        Term(name: "allocation", ns: allocationNs(population) + sum([.call])),
        Term(name: "sorting", ns: sum([.comparison, .insertion, .misprediction])),
      ]
    }

    /// The costs fitted on everything, with 95 % intervals from leaving out one population after
    /// the other (the jackknife).
    func costEstimates() throws -> [Estimate] {
      let all = try costs()
      guard populations.count > 2 else { return all.map { Estimate(unbounded: $0) } }
      let partial = try populations.map { try costs(absent: $0) }
      let count = Double(populations.count)
      let quantile = RepeatStatistics.studentQuantile(degreesOfFreedom: populations.count - 1)
      return all.indices.map { column in
        let values = partial.map { $0[column] }
        let mean = values.reduce(0, +) / count
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let width = quantile * (squares * (count - 1) / count).squareRoot()
        return Estimate(
          value: all[column], low: max(all[column] - width, 0), high: all[column] + width)
      }
    }
  }

  /// One part of the difference between the forms.
  public struct Term: Equatable, Encodable, Sendable {
    public let name: String
    /// Nanoseconds per sort: caching less loads.
    public let ns: Double
  }
}
