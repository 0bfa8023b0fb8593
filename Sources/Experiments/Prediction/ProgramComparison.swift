import Designs
import Foundation
import NativeDesigns
import Platform
import Replay

/// A real program under several allocators by turns: what no replay can leave out is in it.
public struct ProgramComparison {
  /// How much less processor time the program takes under another allocator than the first.
  public struct Outcome: Sendable, Equatable {
    /// Percent of what it takes under the first, the mean of its two runs of the round: the median
    /// over the rounds, its interval from resampling them.
    public let savedPercent: Estimate
    public let pairs: Int
  }

  public struct Result: Sendable, Equatable {
    /// In the order of the allocators after the first.
    public let outcomes: [Outcome]
    /// Processor seconds under the first, of a run that little disturbed: so are the costs that
    /// predictions are made of.
    public let secondsBefore: Double
    /// How far two runs under the first allocator differ, percent: the farther end of the interval
    /// of the median over pairs.
    public let noiseFloorPercent: Double?
  }

  /// The program and its arguments.
  public let command: [String]
  public let pairs: Int
  public let seed: UInt64

  /// - Parameter command: not empty.
  public init(command: [String], pairs: Int = 30, seed: UInt64) {
    self.command = command
    self.pairs = pairs
    self.seed = seed
  }

  /// How many times `progress` is called.
  public var rounds: Int { pairs + 1 }

  /// Runs the program once under every allocator, and a second time under the first, in a random
  /// order, as many times as there are pairs. One round beforehand, so that files are cached, isn't
  /// counted. Builds of an allocator take turns from round to round, all at the same time.
  /// - Parameter progress: called after each round.
  /// - Throws: `ProgramComparisonError` where a run fails or prints something else than the first.
  public func run(
    before: Contender, after: [Contender], progress: () -> Void
  ) throws -> Result {
    let contenders = [before, before] + after
    var random = SeededGenerator(seed: seed)
    var expected: String?
    var seconds = [[Double]](repeating: [], count: contenders.count)
    for round in 0..<rounds {
      for index in contenders.indices.shuffled(using: &random) {
        let result = try play(contenders[index].build(inRound: round))
        guard result.output == expected ?? result.output else {
          throw ProgramComparisonError.otherOutput(command[0])
        }
        expected = result.output
        guard result.processorSeconds > 0 else { throw ProgramComparisonError.noTime(command[0]) }
        if round > 0 { seconds[index].append(result.processorSeconds) }
      }
      progress()
    }
    func saved(of seconds: [Double], _ other: [Double]) -> Estimate {
      RepeatStatistics.difference(
        zip(seconds, other).map { 100 * ($0 - $1) / $0 }, seed: seed)
    }
    let both = zip(seconds[0], seconds[1]).map { ($0 + $1) / 2 }
    let twin = saved(of: seconds[0], seconds[1])
    return Result(
      outcomes: after.indices.map {
        Outcome(savedPercent: saved(of: both, seconds[$0 + 2]), pairs: pairs)
      },
      secondsBefore: Self.undisturbed(seconds[0] + seconds[1]),
      noiseFloorPercent: [twin.low, twin.high].compactMap { $0?.magnitude }.max())
  }

  /// The first decile: what disturbs a run only adds to its time, for a whole run more than for a
  /// replay's window, of which the lower quartile is taken.
  static func undisturbed(_ seconds: [Double]) -> Double {
    seconds.isEmpty ? 0 : seconds.sorted()[(seconds.count - 1) / 10]
  }

  private func play(_ library: URL?) throws -> ChildProcess.Result {
    var child = ChildProcess(
      executable: ChildProcess.find(command[0]) ?? command[0], arguments: Array(command.dropFirst())
    )
    child.environment["LD_PRELOAD"] = library?.path
    let result = try child.run()
    guard result.ending == .exited(status: 0) else {
      if result.ending == .killed(signal: SIGINT) { throw PlayerError.interrupted }
      throw ProgramComparisonError.failed(
        command[0], library: library?.lastPathComponent ?? "nothing", ending: "\(result.ending)",
        errors: result.errors)
    }
    return result
  }
}
/// A program that can't be compared.
public enum ProgramComparisonError: UserFacingError, Equatable {
  case failed(String, library: String, ending: String, errors: String)
  case otherOutput(String)
  /// It uses less processor time than the kernel's clock shows.
  case noTime(String)

  public var message: String {
    switch self {
    case .failed(let program, let library, let ending, let errors):
      "\(program) with \(library) preloaded ended with \(ending): \(errors.prefix(500))"
    case .otherOutput(let program):
      "\(program) doesn't print the same on every run: its times can't be compared"
    case .noTime(let program): "\(program) takes no processor time that could be compared"
    }
  }

  public var remedy: String? {
    switch self {
    case .failed: "the command must succeed; try it in the shell first"
    case .otherOutput: "choose input and options for which its output is always the same"
    case .noTime: "give it more to do: a tenth of a second at least"
    }
  }
}
