import Designs

/// What a fit may be told. The defaults are the ones that Documentation/method.md reports on.
public struct FitOptions: Sendable, Equatable, Codable {
  /// Rows that a run's windows are joined into, at most.
  public var rowsPerRun = 32
  /// A row's residual is taken relative to no less than this share of the run's mean time.
  public var floorShare = 0.25
  /// How much of a run's weight its total has, the rest being its windows'.
  public var totalShare = 0.5
  /// What a run weighs against priors: 1 / (relative misfit of 10 %)².
  public var precision = 100.0
  /// What it weighs at most where residuals are smaller: 1 / (1 %)².
  public var mostPrecision = 10_000.0
  /// What a run of a generated trace weighs beside one of a recorded trace.
  public var generatedWeight = 0.1
  /// Huber's bound in standard deviations: residuals beyond count linearly, not squared.
  public var huber = 1.345
  /// Rounds of reweighting.
  public var rounds = 4
  /// A trace falls into this many parts when there are too few traces to resample.
  public var partsPerTrace = 4
  /// Joint draws of all costs, for each of the ways in which runs are drawn.
  public var resamples = 100
  /// The same for each fold that is held out.
  public var foldResamples = 40
  /// Seed of the bootstrap.
  public var seed: UInt64 = 1
  /// Level of every interval.
  public var level = 0.95
  /// A column of which other columns leave less than this relative residual can't be told apart.
  public var separability = 0.02
  /// Whether a column for what no step explains is added.
  public var intercept = true

  public init() {}
}

/// What is known of a step's cost before the fit: `calibrate`'s isolated cost, or an assumption.
///
/// Used as a Gaussian prior: strong where no data separate the step, weak where they do.
public struct Prior: Sendable, Equatable, Codable {
  /// Nanoseconds.
  public let mean: Double
  /// Nanoseconds: how far an in-place cost may be from it.
  public let deviation: Double

  var precision: Double { 1 / (deviation * deviation) }

  public init(mean: Double, deviation: Double) {
    self.mean = mean
    self.deviation = deviation
  }

  /// From an isolated cost: in place it may be hidden behind other work, so it is expected within
  /// 100 %, but never nearer than `nearest`.
  /// - Parameter order: how much the step may cost where it is larger. Alone, everything that a step
  ///   touches is in the first cache level; what happens seldom finds it cold in place.
  public init(isolated: Double, order: Double = 0) {
    self.init(mean: max(0, isolated), deviation: max(isolated, order, Self.nearest))
  }

  /// Nanoseconds: no cost in place is known nearer than this beforehand.
  private static let nearest = 0.3
}

extension Prior {
  /// From what the step does, without any measurement: an order of magnitude, with a deviation as
  /// large as itself. The baseline of a toggle costs nothing, give or take `nearest`: its alternative
  /// holds the difference.
  ///
  /// A step that data separate forgets it at once: one run in which it takes a tenth of the time
  /// outweighs it. A step that is executed a few times in a million operations would otherwise
  /// absorb what the model misses and cost milliseconds: then the assumption holds it.
  init(assumed step: Step) {
    let nanoseconds = step.info.assumedNs
    self.init(mean: nanoseconds, deviation: max(nanoseconds, Self.nearest))
  }
}

/// Priors by column.
public typealias Priors = [Int: Prior]

extension Priors {
  /// Isolated costs where there are any, assumptions for every other step.
  public init(isolated: [Step: Double]) {
    self.init(
      uniqueKeysWithValues: Step.allCases.map { step in
        (
          Int(step.rawValue),
          isolated[step].map {
            Prior(isolated: $0, order: step.info.orderNs ?? 0)
          } ?? Prior(assumed: step)
        )
      })
  }
}
