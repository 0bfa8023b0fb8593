import Foundation

extension Player {
  /// Plays a plan once under another program that watches it, such as strace.
  /// - Parameters:
  ///   - allocator: its name, for messages.
  ///   - library: preloaded; nil for glibc.
  ///   - command: the other program with its arguments; the player's command line follows.
  public func watch(
    _ plan: Plan, allocator: String, library: URL?, through command: [String]
  ) throws {
    try play(plan, mode: .time, allocator: allocator, library: library, through: command) { _ in }
  }
}
