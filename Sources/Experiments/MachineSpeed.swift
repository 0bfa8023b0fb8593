import Foundation

/// How fast the machine was in the sessions of a fit, by the work that the player times in every
/// replay.
///
/// Designs of one trace are replayed in turns, traces one after the other. Whoever shares the
/// processor with this machine makes all of a trace slower, by up to twice, and a fit would take
/// that for what the trace's own steps cost.
struct MachineSpeed {
  /// The slowness that times are brought to: a quarter of the sessions were at least as fast. Nil
  /// where no session timed it.
  let usual: Slowness?
  /// How much longer the same work took in the slowest session than in the fastest.
  let range: Double

  /// - Parameter known: what times are to be brought to; nil is what these sessions say.
  init(_ sessions: [SessionSpeed], known: Slowness? = nil) {
    let usual = known ?? Slowness.lowerQuartile(sessions.compactMap(\.usual))
    self.usual = usual
    let factors = usual.map { usual in
      sessions.filter { $0.usual != nil }.map { $0.factor(to: usual) }
    }
    range = (factors?.max() ?? 1) / (factors?.min() ?? 1)
  }

  /// By what a session's times are multiplied to be as if it had been at the usual speed.
  func factor(_ session: SessionSpeed) -> Double { usual.map(session.factor) ?? 1 }

  /// What the user should know where the speed was not the same throughout.
  var notice: String? {
    guard range > Self.noticed else { return nil }
    let percent = Int((100 * (range - 1)).rounded())
    return "the machine was up to \(percent) % slower in some sessions than in others: times are"
      + " brought to one speed by what the player's reference work took; costs are more certain"
      + " from a machine that nobody else uses"
  }

  /// What a quiet machine's own clock may do.
  private static let noticed = 1.15
}
