import Designs
import Foundation
import Hypotheses
import Notebook
import Platform
import Replay

/// Allocators that could not be replayed on a workload: kept in the notebook, so that the next run
/// neither tries them again nor judges otherwise.
struct ReplayFailures {
  private let setting: ClaimBench.Setting

  init(_ setting: ClaimBench.Setting) { self.setting = setting }

  /// Those among some allocators that failed before, with the reasons.
  func known(among allocators: [Allocator]) throws -> [(allocator: Allocator, reason: String)] {
    try allocators.compactMap { allocator in
      guard let key = try key(allocator) else { return nil }
      return try setting.laboratory.notebook.latest(.observation, subject: key, as: String.self)
        .map { (allocator, $0.content) }
    }
  }

  /// Finds which of some allocators an error is about, and keeps it.
  /// - Returns: nil where the error is about none of them alone.
  func note(_ error: PlayerError, among allocators: [Allocator]) throws -> Allocator? {
    let laboratory = setting.laboratory
    let failed = try allocators.first { allocator in
      let contender = try contender(allocator)
      return switch error {
      case .preloadFailed(let library, _), .doesNotReplaceMalloc(let library, _):
        contender.builds.contains { $0.path == library } || contender.name == library
      case .killed(let name, _, _, _), .failed(let name, _, _, _), .outOfMemory(let name, _, _):
        contender.name == name
      case .interrupted, .unreadableResult: false
      }
    }
    if let failed, let key = try key(failed) {
      try laboratory.notebook.add(
        .observation, subject: key, seed: laboratory.seed, content: error.message)
    }
    return failed
  }

  /// An own design's builds are made and changed here: only those of others are remembered.
  private func key(_ allocator: Allocator) throws -> String? {
    if case .own = allocator { return nil }
    let contender = try contender(allocator)
    guard let library = contender.library else { return nil }
    return try Subject.canonical([
      "replay failed", setting.sample.hash, setting.laboratory.optionsText, contender.name,
      try SHA256.hexadecimal(ofFile: library.path),
    ])
  }

  private func contender(_ allocator: Allocator) throws -> Contender {
    let laboratory = setting.laboratory
    if case .own(let design) = allocator {
      return Contender(
        name: design.description, builds: laboratory.libraries[design] ?? [])
    }
    return try Contender(
      allocator, compiler: laboratory.compiler, libraries: laboratory.systemLibraries)
  }
}
