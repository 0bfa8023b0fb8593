import CPlatform
import CRecording
import CTraceFormat
import Foundation
import Glibc
import Traces

/// The process that writes traces while the recorded programs run. It is not `record` itself, so
/// that nothing is lost when `record` is killed: it goes on until the last program has ended.
///
/// `record` talks to it by lines: `root PID` once the program runs, `done STATUS` when it ended; the
/// answers are `ready` and, after `done`, the report as one line of JSON.
public final class Drainer {
  private let session: RecordingSession
  private let output: String
  private let maximumEvents: Int?
  private let nanosecondsPerTick: Double
  private let machine: TraceHeader.Machine?
  private var images: [RecordedImage] = []
  private var reports: [RecordingReport.Process] = []
  /// Process and start of every image ever seen, to tell which were not followed.
  private var seen: [(process: pid_t, start: UInt64)] = []
  private var started: [(process: pid_t, path: String)] = []
  private var known: Set<String> = []
  private var root: pid_t?
  private var rootStatus: Int32?
  private var control: Int32? = 0
  private var pendingInput = ""
  private var reported = false

  /// - Parameters:
  ///   - folder: The session's folder, which exists.
  ///   - output: Where traces go.
  public init(
    folder: String, output: String, follow: Bool, maximumEvents: Int?
  ) throws(RecordingError) {
    session = try RecordingSession(folder: folder, follow: follow)
    self.output = output
    self.maximumEvents = maximumEvents
    nanosecondsPerTick = Self.measureClock()
    machine = Self.describeMachine()
  }

  /// Nanoseconds per tick of the time stamp counter, over 20 ms.
  private static func measureClock() -> Double {
    func now() -> (UInt64, UInt64) {
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC_RAW, &time)
      return (mallometer_time_stamp(), UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }
    let first = now()
    usleep(20_000)
    let last = now()
    return Double(last.1 - first.1) / Double(max(last.0 - first.0, 1))
  }

  private static func describeMachine() -> TraceHeader.Machine? {
    let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model =
      information.split(separator: "\n").first { $0.hasPrefix("model name") }?
      .split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
    let caches = [_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE]
    let kernel =
      (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? ""
    return .init(
      cpuModel: model, processors: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
      cacheBytes: caches.map { UInt64(max(0, sysconf(Int32($0)))) },
      kernel: kernel.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  /// Runs until every recorded program has ended.
  public func run() {
    mallometer_name_process("mlt-drain")
    signal(SIGPIPE, SIG_IGN)
    _ = fcntl(0, F_SETFL, O_NONBLOCK)
    answer("ready")
    var quietPasses = 0
    while true {
      readControl()
      discover()
      let now = mallometer_time_stamp()
      for image in images { image.checkEnd(now: now) }
      // Ends were noticed before this drain, so that it sees all that was written.
      var work = 0
      for image in images { work += image.drain(now: mallometer_time_stamp()) }
      finishEnded()
      if let rootStatus, !reported { report(rootStatus) }
      if images.isEmpty && isOver() { break }
      quietPasses = work > 0 ? 0 : quietPasses + 1
      wait(milliseconds: quietPasses < 100 ? 1 : quietPasses < 1000 ? 3 : 10)
    }
    session.close()
  }

  private func answer(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
  }

  private func wait(milliseconds: Int32) {
    var pollers = images.filter { !$0.ended && $0.descriptor >= 0 }
      .map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    if let control {
      pollers.append(pollfd(fd: control, events: Int16(POLLIN), revents: 0))
    }
    _ = poll(&pollers, nfds_t(pollers.count), milliseconds)
  }

  private func readControl() {
    guard let control else { return }
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = read(control, &buffer, buffer.count)
    if count == 0 {
      self.control = nil
      return
    }
    guard count > 0 else { return }
    pendingInput += String(decoding: buffer[..<count], as: UTF8.self)
    while let end = pendingInput.firstIndex(of: "\n") {
      let words = pendingInput[..<end].split(separator: " ")
      pendingInput.removeSubrange(...end)
      guard words.count == 2, let number = Int32(words[1]) else { continue }
      if words[0] == "root" { root = number }
      if words[0] == "done" { rootStatus = number }
    }
  }

  private func discover() {
    var fresh: [SpoolFile] = []
    for name in session.spoolNames() where !known.contains(name) {
      guard let spool = SpoolFile(path: session.folder + "/" + name) else { continue }
      known.insert(name)
      fresh.append(spool)
    }
    // The folder's order says nothing; the images of one process must come in theirs.
    for spool in fresh.sorted(by: { $0.start < $1.start }) {
      // The process has become another image: the one before is over.
      for image in images where image.spool.process == spool.process { image.ended = true }
      let image = RecordedImage(
        spool: spool, tracePath: tracePath(for: spool), nanosecondsPerTick: nanosecondsPerTick,
        maximumEvents: maximumEvents, machine: machine)
      images.append(image)
      seen.append((spool.process, spool.start))
    }
  }

  /// `<program>.<pid>.mlt`, with a number before the ending from the second image on.
  private func tracePath(for spool: SpoolFile) -> String {
    let stem = "\(output)/\(spool.program).\(spool.process)"
    var number = 1 + seen.count { $0.process == spool.process }
    while true {
      let path = number == 1 ? "\(stem).mlt" : "\(stem).\(number).mlt"
      if access(path, F_OK) != 0 { return path }
      number += 1
    }
  }

  private func finishEnded() {
    for image in images where image.ended {
      // The root's exit status comes from `record`, if that still lives.
      if image.spool.process == root, control != nil, rootStatus == nil,
        image.spool.start == seen.last(where: { $0.process == root })?.start
      {
        continue
      }
      if image.spool.process == root { image.exitStatus = rootStatus }
      started += image.spool.images
      image.finish()
      reports.append(image.report)
    }
    images.removeAll { $0.finished }
  }

  private func notFollowed() -> [(process: pid_t, path: String)] {
    var candidates = started
    for image in images { candidates += image.spool.images }
    if let root { candidates.append((root, "")) }
    var result: [(process: pid_t, path: String)] = []
    for candidate in candidates
    where !seen.contains(where: { $0.process == candidate.process })
      && !result.contains(where: { $0.process == candidate.process })
    {
      result.append(candidate)
    }
    return result
  }

  private func report(_ status: Int32) {
    // A child that was only just started may not have its stream yet.
    for _ in 0..<50 where notFollowed().contains(where: { kill($0.process, 0) == 0 }) {
      usleep(2000)
      discover()
    }
    reported = true
    var processes = reports + images.map(\.report)
    for image in notFollowed() {
      let program = image.path.split(separator: "/").last.map(String.init) ?? ""
      processes.append(
        .init(trace: nil, pid: image.process, program: program, followed: false))
    }
    processes.sort { ($0.pid, $0.trace ?? "") < ($1.pid, $1.trace ?? "") }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if let data = try? encoder.encode(RecordingReport(processes: processes)) {
      answer(String(decoding: data, as: UTF8.self))
    }
    close(1)
  }

  /// Whether nothing more can come: asked when no image is left.
  private func isOver() -> Bool {
    if reported { return true }
    guard control == nil else { return false }
    // `record` is gone. A program that was only just started may still turn up.
    if let root, kill(root, 0) == 0, !seen.contains(where: { $0.process == root }) {
      return false
    }
    for _ in 0..<20 {
      usleep(50_000)
      discover()
      if !images.isEmpty { return false }
    }
    return true
  }
}
