import Designs
import Foundation
import NativeDesigns
import Platform
import Replay

/// A real program under two allocators by turns: what no replay can leave out is in it.
public struct ProgramComparison {
  public struct Outcome: Sendable, Equatable {
    /// By how much less processor time the program takes under the second allocator, percent of
    /// what it takes under the first; the median over pairs, its interval from resampling them.
    public let savedPercent: Estimate
    public let pairs: Int
    /// Processor seconds under the first: the median.
    public let secondsBefore: Double
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

  /// Runs each pair in a random order; one pair beforehand, so that files are cached, isn't counted.
  /// - Parameter progress: called after each pair.
  /// - Throws: `ProgramComparisonError` where a run fails or prints something else than the first.
  public func run(before: URL?, after: URL?, progress: () -> Void) throws -> Outcome {
    var random = SeededGenerator(seed: seed)
    let expected = try play(before)
    var savings: [Double] = []
    var seconds: [Double] = []
    for _ in 0...pairs {
      let isSwapped = random.next() & 1 == 1
      let first = try play(isSwapped ? after : before)
      let second = try play(isSwapped ? before : after)
      for result in [first, second] where result.output != expected.output {
        throw ProgramComparisonError.otherOutput(command[0])
      }
      let (old, new) =
        isSwapped
        ? (second.processorSeconds, first.processorSeconds)
        : (first.processorSeconds, second.processorSeconds)
      guard old > 0 else { throw ProgramComparisonError.noTime(command[0]) }
      savings.append(100 * (old - new) / old)
      seconds.append(old)
      progress()
    }
    return Outcome(
      savedPercent: RepeatStatistics.difference(Array(savings.dropFirst()), seed: seed),
      pairs: pairs, secondsBefore: RepeatStatistics.median(seconds))
  }

  private func play(_ library: URL?) throws -> ChildProcess.Result {
    var child = ChildProcess(
      executable: ChildProcess.find(command[0]) ?? command[0], arguments: Array(command.dropFirst())
    )
    child.environment["LD_PRELOAD"] = library?.path
    let result = try child.run()
    guard result.ending == .exited(status: 0) else {
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
