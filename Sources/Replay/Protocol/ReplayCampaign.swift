import Foundation
import Platform
import Traces

/// Replays of several allocators on one plan, alternating: A B C, then A B C in another order, …
///
/// In every round each contender is replayed once, and so are the null allocator and a twin of the
/// first contender (the A/A pair), each in a fresh process with a fresh address space layout. The
/// order within a round follows from the seed. Builds of one contender take turns from round to
/// round.
public struct ReplayCampaign: Sendable {
  /// What is replayed.
  public enum Subject: Hashable, Sendable {
    /// The null allocator: dispatch, touching, and nothing else.
    case null
    /// The first contender once more.
    case twin
    /// Index into `contenders`.
    case contender(Int)
  }

  /// One replay: the same in two runs of the same command, so that it can be kept and found again.
  public struct Key: Hashable, Sendable {
    public var subject: Subject
    /// From 0.
    public var round: Int

    public init(subject: Subject, round: Int) {
      self.subject = subject
      self.round = round
    }
  }

  /// Where measurements are kept: the notebook, or nowhere.
  public struct Store {
    /// A measurement of an earlier run that may be used again.
    public var find: (Key) throws -> ReplayMeasurement?
    /// Called as soon as a replay is done: what was kept survives an interruption.
    public var keep: (Key, ReplayMeasurement) throws -> Void

    public init(
      find: @escaping (Key) throws -> ReplayMeasurement?,
      keep: @escaping (Key, ReplayMeasurement) throws -> Void
    ) {
      self.find = find
      self.keep = keep
    }

    /// Nothing is kept beyond the run.
    public static var none: Store { Store(find: { _ in nil }, keep: { _, _ in }) }
  }

  public let contenders: [Contender]
  public let nullLibrary: URL
  public let repeats: Int
  public let seed: UInt64
  /// Whether the A/A pair is measured; a fit that has its noise already does without.
  public let hasTwin: Bool

  public init(
    contenders: [Contender], nullLibrary: URL, repeats: Int, seed: UInt64, hasTwin: Bool = true
  ) {
    self.contenders = contenders
    self.nullLibrary = nullLibrary
    self.repeats = repeats
    self.seed = seed
    self.hasTwin = hasTwin
  }

  /// Builds of the contender that has most of them.
  public var builds: Int { max(1, contenders.map(\.builds.count).max() ?? 1) }

  /// Everything that will be replayed, in order.
  public var schedule: [Key] {
    var random = SeededGenerator(seed: seed)
    var subjects: [Subject] = [.null] + contenders.indices.map { .contender($0) }
    if hasTwin && !contenders.isEmpty { subjects.append(.twin) }
    return (0..<repeats).flatMap { round in
      subjects.shuffled(using: &random).map { Key(subject: $0, round: round) }
    }
  }

  /// Measures what `store` lacks.
  /// - Parameter progress: called after every replay with the name of what was replayed.
  public func run(
    _ plan: Plan, player: Player, store: Store = .none,
    progress: (String) throws -> Void = { _ in }
  ) throws -> CampaignResult {
    var measured: [Subject: [ReplayMeasurement]] = [:]
    for key in schedule {
      let contender = self.contender(of: key.subject)
      let measurement: ReplayMeasurement
      if let found = try store.find(key) {
        measurement = found
      } else {
        measurement = try player.time(
          plan, allocator: contender.name, library: contender.build(inRound: key.round))
        try store.keep(key, measurement)
      }
      measured[key.subject, default: []].append(measurement)
      try progress(contender.name)
    }
    return CampaignResult(
      calls: plan.calls, contenders: contenders.indices.map { measured[.contender($0)] ?? [] },
      null: measured[.null] ?? [], twin: measured[.twin] ?? [], seed: seed, builds: builds)
  }

  private func contender(of subject: Subject) -> Contender {
    switch subject {
    case .null: Contender(name: "the null allocator", library: nullLibrary)
    case .twin: contenders[0]
    case .contender(let index): contenders[index]
    }
  }
}
