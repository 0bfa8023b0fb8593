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
  /// Whether an earlier drainer may have begun what this one finds.
  private let recovering: Bool
  private var images: [RecordedImage] = []
  private var reports: [RecordingReport.Process] = []
  /// Process and start of every image ever seen, to tell which were not followed.
  private var seen: [(process: pid_t, start: UInt64)] = []
  private var started: [SpoolFile.BegunImage] = []
  private var known: Set<String> = []
  private var root: pid_t?
  private var rootStatus: Int32?
  private var control: Int32? = 0
  private var pendingInput = ""
  private var reported = false
  private var quietPasses = 0
  private var isDone = false
  private var keepsSpools = false

  /// - Parameters:
  ///   - folder: The session's folder, which exists.
  ///   - output: Where traces go.
  public init(
    folder: String, output: String, follow: Bool, maximumEvents: Int?
  ) throws(RecordingError) {
    session = try RecordingSession(
      folder: folder, follow: follow, maximumEvents: maximumEvents)
    self.output = output
    self.maximumEvents = maximumEvents
    nanosecondsPerTick = Self.measureClock()
    machine = Self.describeMachine()
    recovering = false
  }

  /// Goes on where the drainer of a session was killed.
  ///
  /// - Parameters:
  ///   - folder: The session's folder, in the folder of its traces.
  ///   - controlled: Whether `record` started this process and talks to it.
  public init(recovering folder: String, controlled: Bool) throws(RecordingError) {
    session = try RecordingSession(recovering: folder)
    output = (folder as NSString).deletingLastPathComponent
    maximumEvents = session.maximumEvents
    nanosecondsPerTick = Self.measureClock()
    machine = Self.describeMachine()
    recovering = true
    control = controlled ? 0 : nil
    reports = session.notedReports()
    // When they began isn't known any more: whatever these processes became counts as seen.
    seen = reports.map { ($0.pid, .max) }
  }

  /// Recovers every recording in a folder of traces whose drainer was killed, and waits for those of
  /// their programs that still run.
  ///
  /// - Returns: What each recording's images gave, those finished before it was killed included.
  public static func recover(in output: String) throws(RecordingError) -> RecordingReport {
    let folders = RecordingSession.folders(in: output)
    guard !folders.isEmpty else {
      throw .notRecoverable(path: output, reason: "there is no unfinished recording in it")
    }
    var processes: [RecordingReport.Process] = []
    for folder in folders {
      let drainer = try Drainer(recovering: folder, controlled: false)
      drainer.drainAll()
      processes += drainer.reports
    }
    return RecordingReport(processes: processes)
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
    drainAll()
  }

  private func drainAll() {
    while !isDone {
      if mayLag {
        mallometer_run_courteously(
          { context in
            guard let context else { return }
            let drainer = Unmanaged<Drainer>.fromOpaque(context).takeUnretainedValue()
            while !drainer.isDone && drainer.mayLag { drainer.pass() }
          }, Unmanaged.passUnretained(self).toOpaque())
      } else {
        pass()
      }
    }
    session.close(keepingSpools: keepsSpools)
  }

  /// Whether draining may wait for idle processors: programs run whose time shouldn't be disturbed,
  /// and their spools have room. Once they have ended, `record` waits for us; a program whose spool
  /// fills up soon would.
  private var mayLag: Bool {
    var running = false
    for image in images where !image.ended {
      running = true
      if image.isFillingUp { return false }
    }
    return running
  }

  private func pass() {
    readControl()
    discover()
    let now = mallometer_time_stamp()
    for image in images { image.checkEnd(now: now) }
    // Ends were noticed before this drain, so that it sees all that was written.
    var work = 0
    for image in images { work += image.drain(now: mallometer_time_stamp()) }
    finishEnded()
    if let rootStatus, !reported, !images.contains(where: \.ended) { report(rootStatus) }
    if images.isEmpty && isOver() {
      isDone = true
      return
    }
    quietPasses = work > 0 ? 0 : quietPasses + 1
    if work == 0 { wait(milliseconds: quietPasses < 100 ? 1 : quietPasses < 1000 ? 3 : 10) }
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
      let noted = recovering ? RecordedImage.notedTrace(of: spool) : nil
      let image = RecordedImage(
        spool: spool, tracePath: noted ?? tracePath(for: spool),
        nanosecondsPerTick: nanosecondsPerTick, maximumEvents: maximumEvents, machine: machine,
        recovering: noted != nil)
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
    for image in images where image.ended && image.isDrained {
      // The root's exit status comes from `record`, if that still lives.
      if image.spool.process == root, control != nil, rootStatus == nil,
        image.spool.start == seen.last(where: { $0.process == root })?.start
      {
        continue
      }
      if image.spool.process == root { image.exitStatus = rootStatus }
      started += image.spool.images
      image.finish()
      let report = image.report
      if report.trace == nil || !reports.contains(where: { $0.trace == report.trace }) {
        if report.problem == nil { session.note(report) }
        reports.append(report)
      }
      // A trace that went wrong keeps its spool: it can be recovered once there is room again.
      if report.problem == nil || !recovering {
        image.removeSpool()
      } else {
        keepsSpools = true
      }
    }
    images.removeAll { $0.finished }
  }

  /// Images that were begun and have no spool. A process that is followed may become one that
  /// isn't: only a spool younger than the call that began an image can be that image's.
  private func notFollowed() -> [SpoolFile.BegunImage] {
    var candidates = started
    for image in images { candidates += image.spool.images }
    if let root { candidates.append(.init(process: root, path: "", time: 0)) }
    var result: [SpoolFile.BegunImage] = []
    for candidate in candidates
    where !seen.contains(where: {
      $0.process == candidate.process && $0.start > candidate.time
    })
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
