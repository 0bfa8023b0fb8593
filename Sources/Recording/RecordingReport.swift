/// What `record` tells at its end, in the keys of the command-line contract.
public struct RecordingReport: Codable, Sendable, Equatable {
  /// One recorded process image, or one that couldn't be.
  public struct Process: Codable, Sendable, Equatable {
    /// The trace file; nil if the image wasn't followed.
    public var trace: String?
    public var pid: Int32
    public var program: String
    public var events: Int
    /// Calls that were made and not recorded.
    public var dropped: UInt64
    public var threads: Int
    public var bytesPerEvent: Double
    /// False for what can't be preloaded: static and setuid programs.
    public var followed: Bool
    /// It still ran when the command ended; its trace goes on being written.
    public var running: Bool
    /// Cut short at --max-events.
    public var stopped: Bool
    /// Why the trace is incomplete, if it is.
    public var problem: String?
    /// Frees of unknown blocks, allocations on live ones, and the like, by name.
    public var counters: [String: UInt64]

    public init(
      trace: String?, pid: Int32, program: String, events: Int = 0, dropped: UInt64 = 0,
      threads: Int = 0, bytesPerEvent: Double = 0, followed: Bool = true, running: Bool = false,
      stopped: Bool = false, problem: String? = nil, counters: [String: UInt64] = [:]
    ) {
      self.trace = trace
      self.pid = pid
      self.program = program
      self.events = events
      self.dropped = dropped
      self.threads = threads
      self.bytesPerEvent = bytesPerEvent
      self.followed = followed
      self.running = running
      self.stopped = stopped
      self.problem = problem
      self.counters = counters
    }
  }

  public var processes: [Process]

  public init(processes: [Process]) { self.processes = processes }

  /// Gives a process that never said what it is the name of the command.
  public mutating func name(_ command: String?) {
    guard let program = command?.split(separator: "/").last.map(String.init) else { return }
    for index in processes.indices where processes[index].program.isEmpty {
      processes[index].program = program
    }
  }
}

extension RecordingReport.Process {
  /// With every key of the contract: `trace` is null where there is none.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(trace, forKey: .trace)
    try container.encode(pid, forKey: .pid)
    try container.encode(program, forKey: .program)
    try container.encode(events, forKey: .events)
    try container.encode(dropped, forKey: .dropped)
    try container.encode(threads, forKey: .threads)
    try container.encode(bytesPerEvent, forKey: .bytesPerEvent)
    try container.encode(followed, forKey: .followed)
    try container.encode(running, forKey: .running)
    try container.encode(stopped, forKey: .stopped)
    try container.encode(problem, forKey: .problem)
    try container.encode(counters, forKey: .counters)
  }
}
