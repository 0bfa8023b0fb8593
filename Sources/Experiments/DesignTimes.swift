import Designs

/// Designs of a trace whose times were measured in another session than most.
public struct OtherSession: Sendable, Codable, Equatable {
  public let trace: String
  public let designs: [String]
  /// What their times were multiplied by, so that designs that both sessions have take the same;
  /// nil where there are none, and the times are as they were measured.
  public let scale: Double?
}

/// Times of some designs on one trace.
struct DesignTimes {
  /// Per window, less the null allocator's, by the design's index.
  var windowNanoseconds: [Int: [Float]] = [:]
  /// Of the mean of these per operation, by the design's index; none where a single repeat was made.
  var standardErrors: [Int: Double] = [:]
  /// Of the null replays that were taken off, by the design's index.
  var nullStandardErrors: [Int: Double] = [:]
  /// The place of the session that each is of among the trace's sessions, by the design's index.
  var sessions: [Int: Int] = [:]
  private var parts = 0
  var otherSessions: [OtherSession] = []
  /// The core clock of each session, GHz.
  var clocks: [Double] = []
  /// Of the session to whose level all others are brought.
  var speed: SessionSpeed?

  /// Adds what a part measured: of its members, then of its bridges.
  mutating func add(
    _ part: SessionPart, measured: [[Float]], standardErrors: [Double?] = [],
    nullStandardError: Double? = nil, of designs: [Design], on trace: String
  ) {
    let scale = SessionPart.scale(
      from: Array(measured[part.members.count...]),
      to: part.bridges.map { windowNanoseconds[$0] ?? [] })
    let isFirst = windowNanoseconds.isEmpty
    for (index, windows) in zip(part.members, measured) {
      windowNanoseconds[index] = windows.map { $0 * Float(scale ?? 1) }
    }
    for index in part.members {
      sessions[index] = parts
      nullStandardErrors[index] = nullStandardError.map { $0 * (scale ?? 1) }
    }
    parts += 1
    for (index, error) in zip(part.members, standardErrors) {
      self.standardErrors[index] = error.map { $0 * (scale ?? 1) }
    }
    guard !isFirst else { return }
    otherSessions.append(
      OtherSession(
        trace: trace, designs: part.members.map { designs[$0].description }, scale: scale))
  }
}
