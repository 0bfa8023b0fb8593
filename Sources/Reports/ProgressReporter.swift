import Foundation
import Synchronization

/// Where progress goes.
public enum ProgressStyle: Sendable, Equatable {
  /// One line that is drawn anew, at most this many columns wide.
  case bar(columns: Int)
  /// A line at the start, at each tenth (at most one in two seconds) and at the end.
  case lines
  /// Nothing (`--quiet`).
  case silent
}

/// Says how far a long run is, for people only: nothing of it is a result.
///
/// Any thread may report. Drawing costs a system call, so a bar is drawn at most ten times a
/// second; an `advance` between costs one lock.
public final class ProgressReporter: Sendable {
  private struct State {
    var name = ""
    var total = 0
    var done = 0
    var started = ContinuousClock.now
    var drawn: ContinuousClock.Instant?
    var tenthsSaid = 0
    var isActive = false
  }

  private let style: ProgressStyle
  private let write: @Sendable (String) -> Void
  private let now: @Sendable () -> ContinuousClock.Instant
  private let state = Mutex(State())

  /// - Parameters:
  ///   - write: takes whole lines, or with `bar` pieces of one line; usually standard error.
  ///   - now: the clock, replaceable by tests.
  public init(
    style: ProgressStyle, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    write: @escaping @Sendable (String) -> Void
  ) {
    self.style = style
    self.now = now
    self.write = write
  }

  /// Reports nothing.
  public static let silent = ProgressReporter(style: .silent) { _ in }

  /// Begins a stretch of work, ending the one before.
  /// - Parameter total: how many units it has; 0 when nobody knows.
  public func begin(_ name: String, total: Int = 0) {
    guard style != .silent else { return }
    state.withLock { state in
      finish(&state)
      state = State(name: name, total: total, started: now(), isActive: true)
      if style == .lines { write("\(name)…\n") } else { draw(&state) }
    }
  }

  /// Some units are done. `detail` is shown for the moment, for example the design at work.
  public func advance(by units: Int = 1, detail: String = "") {
    guard style != .silent else { return }
    state.withLock { state in
      guard state.isActive else { return }
      state.done += units
      let time = now()
      switch style {
      case .silent: break
      case .bar:
        if let drawn = state.drawn, time - drawn < .milliseconds(100) { return }
        draw(&state, detail: detail)
      case .lines:
        guard state.total > 0 else { return }
        let tenths = state.done * 10 / state.total
        guard tenths > state.tenthsSaid, tenths < 10 else { return }
        if let drawn = state.drawn, time - drawn < .seconds(2) { return }
        state.tenthsSaid = tenths
        state.drawn = time
        write("\(state.name): \(state.done) of \(state.total)\(remaining(state, time))\n")
      }
    }
  }

  /// A line that stays, above the bar if there is one.
  public func note(_ text: String) {
    guard style != .silent else { return }
    state.withLock { state in
      if case .bar = style { write("\r\u{1B}[K\(text)\n") } else { write("\(text)\n") }
      if state.isActive, case .bar = style { draw(&state) }
    }
  }

  /// Ends the stretch of work: the bar is wiped, so that results follow on a clean line.
  public func end() {
    guard style != .silent else { return }
    state.withLock { finish(&$0) }
  }

  private func finish(_ state: inout State) {
    guard state.isActive else { return }
    state.isActive = false
    switch style {
    case .silent: break
    case .bar: write("\r\u{1B}[K")
    case .lines:
      let elapsed = Self.clock(now() - state.started)
      let units = state.total > 0 ? ": \(state.done) of \(state.total)" : ""
      write("\(state.name)\(units), \(elapsed)\n")
    }
  }

  private func draw(_ state: inout State, detail: String = "") {
    guard case .bar(let columns) = style else { return }
    let time = now()
    state.drawn = time
    var line = state.name
    if state.total > 0 {
      let width = 20
      let filled = min(width, state.done * width / state.total)
      let bar =
        String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
      line += " \(bar) \(state.done)/\(state.total)\(remaining(state, time))"
    }
    if !detail.isEmpty { line += "  \(detail)" }
    write("\r\u{1B}[K\(String(line.prefix(max(columns - 1, 1))))")
  }

  private func remaining(_ state: State, _ time: ContinuousClock.Instant) -> String {
    guard state.done > 0, state.done < state.total else { return "" }
    let left = (time - state.started) * (state.total - state.done) / state.done
    return left < .seconds(1) ? "" : ", \(Self.clock(left)) left"
  }

  private static func clock(_ duration: Duration) -> String {
    let seconds = Int(duration.components.seconds)
    return seconds < 60 ? "\(seconds) s" : "\(seconds / 60) min \(seconds % 60) s"
  }
}
