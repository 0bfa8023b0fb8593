/// How much of a block a replay or a simulation touches, as the program would.
public enum TouchPolicy: String, Sendable, CaseIterable, Codable {
  case none
  /// The first cache line of the block.
  case firstLine = "first-line"
  /// One byte of every page of the block.
  case perPage = "per-page"
  /// Every cache line of the block.
  case all
  /// Chosen from the page faults the recorder saw.
  case auto
}

/// Whether a replay keeps the recorded threads or runs all events on one.
public enum ThreadMode: String, Sendable, CaseIterable, Codable {
  case recorded
  case one
}

/// Whether a replay keeps the recorded time between events.
public enum Pace: String, Sendable, CaseIterable, Codable {
  case none
  case recorded
}

/// How a trace is run: the same for simulations and replays, so that windows match.
public struct WorkloadOptions: Equatable, Sendable, Codable {
  public var touch: TouchPolicy
  public var threads: ThreadMode
  public var pace: Pace
  /// The trace this many times over; what is live at the end of a round is freed before the next.
  public var loops: Int
  /// Operations per window.
  public var windowEvents: Int

  public init(
    touch: TouchPolicy = .auto, threads: ThreadMode = .one, pace: Pace = .none, loops: Int = 1,
    windowEvents: Int = 1024
  ) {
    self.touch = touch
    self.threads = threads
    self.pace = pace
    self.loops = loops
    self.windowEvents = windowEvents
  }
}
