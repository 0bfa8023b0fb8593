/// What a trace says of itself before its first event. Stored as JSON; unknown keys are ignored.
public struct TraceHeader: Codable, Equatable, Sendable {
  /// The machine a trace was recorded on.
  public struct Machine: Codable, Equatable, Sendable {
    public var cpuModel: String
    /// Online processors.
    public var processors: Int
    /// Bytes of the first-, second- and third-level data caches, 0 where unknown.
    public var cacheBytes: [UInt64]
    public var kernel: String

    public init(cpuModel: String, processors: Int, cacheBytes: [UInt64], kernel: String) {
      self.cpuModel = cpuModel
      self.processors = processors
      self.cacheBytes = cacheBytes
      self.kernel = kernel
    }
  }

  /// Of a generated trace: how to generate the same bytes again.
  public struct Origin: Codable, Equatable, Sendable {
    public var recipe: String
    public var parameters: [String: UInt64]
    public var seed: UInt64

    public init(recipe: String, parameters: [String: UInt64], seed: UInt64) {
      self.recipe = recipe
      self.parameters = parameters
      self.seed = seed
    }
  }

  /// The recorded program's file, or the recipe's name.
  public var program: String
  public var arguments: [String]
  public var process: Int32?
  public var parentProcess: Int32?
  /// Seconds since 1970 at the start of the recording; nil for generated traces.
  public var startedAt: Double?
  public var machine: Machine?
  /// Ticks of the time stamp counter per nanosecond, measured by the recorder.
  public var timeStampGHz: Double?
  /// Event times are multiples of 2 to this power, in nanoseconds.
  public var timeResolutionLog2: Int
  /// Minor page faults and resident bytes of the process at the first event.
  public var minorFaultsAtStart: UInt64?
  public var residentBytesAtStart: UInt64?
  /// What `--touch auto` means, where page faults can't tell (generated traces).
  public var touch: TouchPolicy?
  public var origin: Origin?
  /// What was changed since the recording, in order: see `Transform`. Nil where nothing was.
  public var transforms: [String]?

  /// 64 ns: about the time between two events of a busy program, so that a time costs two bits.
  public static let defaultTimeResolutionLog2 = 6

  public init(
    program: String, arguments: [String] = [], process: Int32? = nil, parentProcess: Int32? = nil,
    startedAt: Double? = nil, machine: Machine? = nil, timeStampGHz: Double? = nil,
    timeResolutionLog2: Int = TraceHeader.defaultTimeResolutionLog2,
    minorFaultsAtStart: UInt64? = nil, residentBytesAtStart: UInt64? = nil,
    touch: TouchPolicy? = nil, origin: Origin? = nil
  ) {
    self.program = program
    self.arguments = arguments
    self.process = process
    self.parentProcess = parentProcess
    self.startedAt = startedAt
    self.machine = machine
    self.timeStampGHz = timeStampGHz
    self.timeResolutionLog2 = timeResolutionLog2
    self.minorFaultsAtStart = minorFaultsAtStart
    self.residentBytesAtStart = residentBytesAtStart
    self.touch = touch
    self.origin = origin
  }
}

/// What is known only when the recording ends. Stored as JSON; unknown keys are ignored.
public struct TraceFooter: Codable, Equatable, Sendable {
  /// What the recorder says of its own work.
  public struct Recorder: Codable, Equatable, Sendable {
    /// Events that couldn't be kept; 0 unless the spool's disk was full.
    public var dropped: UInt64
    /// Anything the recorder wants to tell besides, by name.
    public var counters: [String: UInt64]

    public init(dropped: UInt64 = 0, counters: [String: UInt64] = [:]) {
      self.dropped = dropped
      self.counters = counters
    }
  }

  /// Elapsed seconds of the recorded process, and the processor seconds it used.
  public var wallSeconds: Double?
  public var userSeconds: Double?
  public var systemSeconds: Double?
  /// How the process ended: exit status, or 128 + signal; nil when it isn't known.
  public var exitStatus: Int32?
  public var recorder: Recorder?

  public init(
    wallSeconds: Double? = nil, userSeconds: Double? = nil, systemSeconds: Double? = nil,
    exitStatus: Int32? = nil, recorder: Recorder? = nil
  ) {
    self.wallSeconds = wallSeconds
    self.userSeconds = userSeconds
    self.systemSeconds = systemSeconds
    self.exitStatus = exitStatus
    self.recorder = recorder
  }
}

/// A file that code was loaded from: the program, a shared library.
public struct Module: Codable, Hashable, Sendable {
  /// Absolute path; empty for module 0, the unknown one.
  public var path: String
  /// The ELF build id in hexadecimal, empty when there is none.
  public var buildID: String

  public init(path: String, buildID: String = "") {
    self.path = path
    self.buildID = buildID
  }

  /// Module 0 of every trace: code whose file isn't known.
  public static let unknown = Module(path: "")
}
