/// Whether a trace file holds everything that was written to it, and what is missing.
public struct Completeness: Equatable, Sendable, Codable {
  /// Whether every block is there and intact, and the footer too.
  public var isComplete: Bool
  /// Intact blocks, and the events in them: those that a reader gives.
  public var blocks: Int
  public var events: Int
  /// What is lost, where the footer's index tells; nil where it is lost too.
  public var lostBlocks: Int?
  public var lostEvents: Int?
  /// Bytes of the file that belong to no intact record.
  public var lostBytes: UInt64
  /// One sentence for people: where the file ends or is damaged; nil if it is complete.
  public var reason: String?
}
