import CPlatform
import Foundation
import Synchronization

/// What is done when the user presses Ctrl-C, or a batch system ends the job.
///
/// Everything measured is in the notebook as soon as it is measured, so an interruption needs no
/// orderly way back up: registered clean-ups (temporary files, child processes) run, then the
/// process ends with 128 + signal, 130 for SIGINT.
public enum Interruption {
  private struct CleanUps {
    var next = 0
    var actions: [Int: @Sendable () -> Void] = [:]
  }

  private static let cleanUps = Mutex(CleanUps())

  /// Starts catching SIGINT, SIGTERM and SIGHUP. Call once, from the executable.
  /// - Parameter end: ends the process with the given status after the clean-ups.
  public static func install(end: @escaping @Sendable (Int32) -> Void) {
    var ends: [Int32] = [-1, -1]
    // Without a pipe the default action stays: the process dies of the signal, as it should.
    guard mallometer_pipe(&ends) == 0 else { return }
    let readEnd = ends[0]
    let thread = Thread {
      var byte: UInt8 = 0
      while true {
        let count = read(readEnd, &byte, 1)
        if count == 1 { break }
        if count < 0, errno == EINTR { continue }
        return
      }
      runCleanUps()
      end(128 + Int32(byte))
    }
    thread.name = "interruption"
    thread.start()
    _ = mallometer_catch_signals(ends[1])
  }

  /// Runs `action` if the process is interrupted before `cancel` is called with the result. The
  /// action runs on another thread while the interrupted work goes on.
  public static func onInterruption(_ action: @escaping @Sendable () -> Void) -> Int {
    cleanUps.withLock { state in
      state.next += 1
      state.actions[state.next] = action
      return state.next
    }
  }

  /// The clean-up is no longer needed.
  public static func cancel(_ token: Int) {
    cleanUps.withLock { _ = $0.actions.removeValue(forKey: token) }
  }

  /// Runs what is registered, newest first, each once.
  static func runCleanUps() {
    let actions = cleanUps.withLock { state in
      defer { state.actions = [:] }
      return state.actions
    }
    for (_, action) in actions.sorted(by: { $0.key > $1.key }) { action() }
  }
}
