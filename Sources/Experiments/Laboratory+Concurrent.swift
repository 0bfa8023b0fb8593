import Designs
import Foundation
import Notebook
import Platform
import Replay

extension Laboratory {
  /// What a design counts while the recorded threads run beside each other: it depends on timing,
  /// so that several runs are made and kept.
  /// - Returns: of each run the executions of every step; those of the machine are 0.
  func countConcurrently(_ sample: Sample, _ design: Design, runs: Int) throws -> [[UInt64]] {
    let library = try compiler.build(design, counting: true)
    let subject = Subject(
      trace: sample.hash, options: optionsText, allocator: design.description,
      build: try SHA256.hexadecimal(ofFile: library.path))
    let key = try Subject.canonical([
      "concurrent", subject.trace, subject.options, subject.allocator, subject.build,
    ])
    var known =
      try notebook.conclusions(.observation, subject: key, as: Counts.self, limit: runs)
      .map { $0.content.inOrder }
    stage("counting beside each other", runs)
    while known.count < runs {
      let counted = try player.countConcurrently(
        try plan(for: sample), allocator: design.description, library: library)
      known.append(counted.counts)
      try notebook.add(
        .observation, subject: key, seed: seed, content: Counts(counted.counts))
      progress("\(design) on \(sample.name)")
    }
    return known
  }

  /// By name: numbers of steps change between versions.
  private struct Counts: Codable, Sendable {
    let steps: [String: UInt64]

    init(_ counts: [UInt64]) {
      steps = Dictionary(
        uniqueKeysWithValues: Step.allCases.filter { counts[Int($0.rawValue)] > 0 }
          .map { ($0.name, counts[Int($0.rawValue)]) })
    }

    var inOrder: [UInt64] { Step.allCases.map { steps[$0.name] ?? 0 } }
  }
}
