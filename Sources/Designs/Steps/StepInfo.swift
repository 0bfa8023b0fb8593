/// What is known of a step whatever was measured: the one place that says it.
///
/// Each part is an exhaustive switch: a step that is added doesn't compile until all is said of it.
public struct StepInfo: Sendable {
  /// What part of an allocator it belongs to, in the order of Documentation/steps.md.
  public enum Group: String, CaseIterable, Sendable {
    /// The program's calls.
    case entry
    /// Where a thread finds its heap.
    case heap
    /// Pages, free lists and bins of `pool`.
    case pool
    /// The cache of recent frees of `reuse`.
    case reuse
    /// Which strategy decides, in `reuse`.
    case policy
    /// What serves what no cache has.
    case backing
    /// Tiers, statistics and freed mappings of `tiered`.
    case tiered
    /// System calls.
    case kernel
    /// Locks, atomics and lines that threads share.
    case lock
    /// What stands before a block.
    case header
    /// Lines copied and cleared.
    case bulk
    /// Caches, address translation, page faults, branches: no counting build has them.
    case machine
  }

  /// What steps are asked for together.
  public struct Traits: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A call of the program: one for every operation.
    public static let call = Traits(rawValue: 1)
    /// A system call.
    public static let systemCall = Traits(rawValue: 2)
    /// Something found held or changed by another thread.
    public static let wait = Traits(rawValue: 4)
    /// Counted by the machine model only: no counting build has it.
    public static let machine = Traits(rawValue: 8)
    /// A locked instruction that has its line at hand: how much of its latency other work hides is
    /// much the same for all of them.
    public static let locked = Traits(rawValue: 16)
  }

  /// How its cost is measured alone.
  public enum Isolation: Equatable, Sendable {
    /// By the player: factor × (primitive − less).
    /// - unless: why it may be missing nevertheless.
    case primitive(String, less: String? = nil, factor: Double = 1, unless: String? = nil)
    /// By a kernel of a calibration build, less its loop.
    /// - share: what part of the kernel's time is this step's.
    case kernel(String, share: Double)
    /// By two calibration builds of `pool`: a malloc and a free in turn, with a toggle changed, less
    /// the same as they come.
    case builds(toggle: String, value: String, factor: Double)
    /// Not at all, because it leaves out what its alternative, measured by `builds`, does besides.
    case baseline
    /// Not at all.
    case impossible(reason: String)

    /// Why nothing may be known of it alone; nil of what a kernel or two builds show.
    public var reason: String? {
      switch self {
      case .primitive(_, _, _, let reason): reason
      case .kernel, .builds: nil
      case .baseline: "what its alternative is compared with"
      case .impossible(let reason): reason
      }
    }
  }

  /// What it is paid by amid a program's own work (Documentation/predictions.md, "The program's
  /// share").
  public enum Kind: String, CaseIterable, Sendable {
    /// Plain instructions, their branches and what is in the first caches.
    case plain
    /// A locked instruction, which waits in a replay for what was stored before.
    case locked
    /// The kernel's work and what misses the caches: the same anywhere.
    case elsewhere
  }

  public let group: Group
  public let kind: Kind
  /// What it is counted once for.
  public let doc: String
  /// Nanoseconds that what it does may take in place, by its order of magnitude: its lines may be
  /// cold there. Nil for a few instructions on lines at hand, of which nothing else is assumed.
  public let orderNs: Double?
  public let traits: Traits
  public let isolation: Isolation

  /// Nanoseconds that it may be taken to cost before anything is measured.
  public var assumedNs: Double { isolation == .baseline ? 0 : orderNs ?? Self.usualNs }
  /// Nanoseconds of a few instructions on lines at hand.
  static let usualNs = 1.0
}

extension Step {
  public var info: StepInfo {
    StepInfo(
      group: group, kind: kind, doc: doc, orderNs: orderNs, traits: traits, isolation: isolation)
  }

  /// Steps that have a trait, in the catalogue's order.
  public static func all(_ trait: StepInfo.Traits) -> [Step] {
    allCases.filter { $0.traits.contains(trait) }
  }

  /// Whether only the machine model counts this step: no counting build has it.
  public var isMachineStep: Bool { traits.contains(.machine) }
}
