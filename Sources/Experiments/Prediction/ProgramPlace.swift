import Costs
import Designs
import Platform
import Replay

/// What an allocator's steps cost amid a program's own work, in multiples of what they cost in
/// replays, where costs are fitted.
///
/// A replay does nothing but call the allocator. In a program, other work overlaps with locked
/// instructions, and pushes the allocator's code and tables out of the first caches. What the kernel
/// and the memory behind the caches do costs the same wherever it is asked for. The factors come
/// from real programs; for a share of one of these, from the others (Documentation/predictions.md).
struct ProgramPlace: Sendable, Equatable {
  /// What one program was found to pay, in multiples of what replays predicted, with standard errors.
  /// Errors that all programs share, of the fit and of the day, aren't in them.
  struct Program: Sendable {
    /// Of the image that allocates: its file's name, without a version.
    let name: String
    /// Other images of much the same code.
    var kin: [String] = []
    let plain: (value: Double, error: Double)
    let locked: (value: Double, error: Double)

    /// Whether a file's name is its own or its kin's, followed by nothing or by a version: what begins
    /// with no letter.
    func isImage(_ file: Substring) -> Bool {
      ([name] + kin).contains { own in
        file.hasPrefix(own) && file.dropFirst(own.count).first?.isLetter != true
      }
    }
  }

  /// A factor and half its 95 % interval for a program that it does not come from.
  struct Factor: Sendable, Equatable {
    let value: Double
    let half: Double

    /// The mean over programs, each weighed by its own error and the scatter between programs
    /// (DerSimonian and Laird, Controlled Clinical Trials 7, 1986). Another program may differ by
    /// that scatter and the mean's error, with Student's quantile.
    /// - Parameter found: of two programs at least, with standard errors above zero.
    init(_ found: [(value: Double, error: Double)]) {
      func mean(_ weights: [Double]) -> Double {
        zip(found, weights).reduce(0) { $0 + $1.0.value * $1.1 } / weights.reduce(0, +)
      }
      let own = found.map { 1 / ($0.error * $0.error) }
      let first = mean(own)
      let distances = zip(found, own).reduce(0) { square, one in
        square + (one.0.value - first) * (one.0.value - first) * one.1
      }
      let freedom = found.count - 1
      let sum = own.reduce(0, +)
      let scatter =
        (distances - Double(freedom)) / (sum - own.reduce(0) { $0 + $1 * $1 } / sum)
      let between = max(0, scatter)
      let weights = found.map { 1 / ($0.error * $0.error + between) }
      value = mean(weights)
      half =
        RepeatStatistics.studentQuantile(degreesOfFreedom: freedom)
        * (between + 1 / weights.reduce(0, +)).squareRoot()
    }
  }

  let plain: Factor
  let locked: Factor

  init(_ programs: [Program]) {
    plain = Factor(programs.map(\.plain))
    locked = Factor(programs.map(\.locked))
  }

  /// For a trace of a program: from all programs but that one, whatever its version.
  /// - Parameter program: its path, as a trace's header has it.
  init(without program: String) {
    let file = program.split(separator: "/").last ?? ""
    self.init(Self.calibration.filter { !$0.isImage(file) })
  }

  /// What a change pays amid a program's work, nanoseconds per operation, with what is not known of
  /// the factors in its interval besides.
  /// - Parameters:
  ///   - from: occurrences of steps per operation by column (`Run.meanCounts`), before the change.
  func payoff(by model: CostModel, from: [Double], to: [Double]) -> Estimate {
    var result = model.payoff(from: weighted(from), to: weighted(to))
    for (kind, factor) in [(StepInfo.Kind.plain, plain), (.locked, locked)] {
      let part = model.payoff(from: only(kind, from), to: only(kind, to)).value
      let half = factor.half * part.magnitude
      result = result.plus(Estimate(value: 0, low: -half, high: half))
    }
    return result
  }

  /// Counts as a replay would have to take them to cost what they cost in a program.
  private func weighted(_ counts: [Double]) -> [Double] {
    counts.enumerated().map { column, count in
      switch Self.kind(column) {
      case .plain: count * plain.value
      case .locked: count * locked.value
      case .elsewhere: count
      }
    }
  }

  private func only(_ kind: StepInfo.Kind, _ counts: [Double]) -> [Double] {
    counts.enumerated().map { Self.kind($0) == kind ? $1 : 0 }
  }

  /// What no step explains is taken for plain instructions.
  private static func kind(_ column: Int) -> StepInfo.Kind {
    column < Step.allCases.count ? Step.allCases[column].info.kind : .plain
  }
}
