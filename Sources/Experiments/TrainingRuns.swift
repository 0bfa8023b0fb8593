import Costs
import Designs
import Foundation

/// The runs that a fit behind an answer learns from, gathered alike for every command that answers.
public struct TrainingRuns {
  /// On which traces, by their files.
  public let traces: [String]
  /// Seconds of measuring what the notebook lacks.
  public let budget: Double

  public init(traces: [String], budget: Double) {
    self.traces = traces
    self.budget = budget
  }

  /// The usual variants of some families that are modelled: the steps that these families take, and
  /// no others, are what designs of theirs can differ in.
  static func designs(of families: Set<Family>) -> [Design] {
    FitExperiment.usualDesigns.filter { families.contains($0.family) }
  }

  /// What is fitted on for questions about some designs: their families' usual variants, and the
  /// designs themselves where they are modelled.
  static func designs(for asked: [Design]) -> [Design] {
    var designs = designs(of: Set(asked.map(\.family)))
    for design in asked where design.isWhollyModelled && !designs.contains(design) {
      designs.append(design)
    }
    return designs
  }

  /// - Parameters:
  ///   - designs: that the questions are about.
  ///   - asked: the traces that they are about. Runs of a single one would be left out of every
  ///     fit, so that none are made; with several, each serves the others.
  public func gather(
    by laboratory: Laboratory, for designs: [Design], asked: [Laboratory.Sample]
  ) throws -> FitExperiment.Gathered {
    let hashes = Set(asked.map(\.hash))
    let samples = try traces.map { try laboratory.open($0) }
      .filter { hashes.count > 1 || !hashes.contains($0.hash) }
    return try FitExperiment(
      laboratory: laboratory, designs: Self.designs(for: designs), budget: budget
    ).gather(samples)
  }
}
