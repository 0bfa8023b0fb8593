/// How fast the machine was in the sessions of a fit, by the reference work that the player times in
/// every replay.
///
/// Designs of one trace are replayed in turns, traces one after the other. Whoever shares the
/// processor with this machine makes all of a trace slower, by up to twice, and a fit would take
/// that for what the trace's own steps cost.
struct MachineSpeed {
  /// Nanoseconds of the reference work at the speed that times are brought to: a quarter of the
  /// sessions were at least as fast. Nil where no session timed it.
  let usualNs: Double?
  /// The slowest session's over the fastest one's.
  let range: Double

  /// - Parameter references: nanoseconds of the reference work by session; 0 where it wasn't timed.
  init(_ references: [Double]) {
    let known = references.filter { $0 > 0 }.sorted()
    usualNs = known.isEmpty ? nil : known[known.count / 4]
    range = (known.last ?? 1) / (known.first ?? 1)
  }

  /// By what a session's times are multiplied to be as if it had been at the usual speed.
  func factor(_ reference: Double) -> Double {
    guard let usualNs, reference > 0 else { return 1 }
    return usualNs / reference
  }

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
