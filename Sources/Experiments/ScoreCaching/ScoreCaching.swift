import Foundation

/// The study of score caching: does it pay to copy the scores of shared objects into an array
/// before sorting by them, rather than to load them atomically at every comparison?
///
/// The timed program is `Sources/NativeDesigns/C/studies/score_caching.c`; what it does, and how a
/// change is predicted, is in Documentation/score-caching.md.
public enum ScoreCaching {
  /// What the program runs again and again, as its command line names it.
  public enum Kernel: String, CaseIterable, Codable, Sendable {
    /// The first form: both scores are loaded atomically at every comparison.
    case loads
    /// The second form: an array of scores and counted references is made, sorted and taken apart.
    case caching
    // Some of their steps alone.
    case sortKeys = "sort-keys"
    case sortKeysOrdered = "sort-keys-ordered"
    case sortEntries = "sort-entries"
    case sortEntriesOrdered = "sort-entries-ordered"
    case load, increment, decrement, move, copy, allocate

    /// Whether it is one of the two that are compared, and so never fitted where it is predicted.
    public var isForm: Bool { self == .loads || self == .caching }
  }

  /// What the counting build counts, in the order of `enum step` of the program.
  public enum Step: Int, CaseIterable, Codable, Sendable {
    case comparisons, atomicLoads
    /// Those of the comparisons that sort elements into runs.
    case insertionComparisons
    /// Elements put somewhere one by one, and their bytes.
    case elementMoves, bytesMoved
    /// Bytes of runs of elements, copied at once.
    case bytesCopied
    case referenceIncrements, referenceDecrements
    case allocations, frees, bytesAllocated
  }

  /// How often a kernel is run on which population.
  public struct Workload: Hashable, Codable, Sendable {
    /// How many objects.
    public var population: Int
    /// Epochs before the counted and timed ones.
    public var warmUp: Int
    /// A multiple of `blocks`: an epoch is one run of the kernel on new scores.
    public var epochs: Int
    /// Of order and scores.
    public var seed: UInt64

    /// The program's timed epochs are summed up in so many blocks.
    static let blocks = 16
    /// Beyond it, and below 2, a population has nothing to say.
    public static let populations = 2...1_000_000

    public init(population: Int, warmUp: Int, epochs: Int, seed: UInt64) {
      self.population = population
      self.warmUp = warmUp
      self.epochs = epochs
      self.seed = seed
    }

    /// As many epochs as take some milliseconds.
    public init(population: Int, seed: UInt64) {
      let count = Double(population)
      let comparisons = count * max(log2(count), 1)
      let perBlock = max(Int(131_072 / comparisons) / Self.blocks, 1)
      self.init(
        population: population, warmUp: perBlock * Self.blocks / 4, epochs: perBlock * Self.blocks,
        seed: seed)
    }
  }

  /// What a kernel did in all counted epochs.
  public struct Counts: Equatable, Sendable {
    /// By `Step`.
    public var steps = [UInt64](repeating: 0, count: Step.allCases.count)
    /// Branches that a predictor of the machine model's kind gets wrong: an estimate.
    public var mispredictions: UInt64 = 0
    /// Lines of objects that the machine model does not find in the first level: where a
    /// comparison waits for them, and where all objects are passed through in turn.
    public var comparedLines: UInt64 = 0
    public var passedLines: UInt64 = 0
    /// Pages of objects that the first translation buffer does not know when a comparison waits.
    public var comparedTranslations: UInt64 = 0

    public init() {}

    public subscript(step: Step) -> UInt64 {
      get { steps[step.rawValue] }
      set { steps[step.rawValue] = newValue }
    }
  }
}
