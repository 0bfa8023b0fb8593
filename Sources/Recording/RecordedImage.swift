import CRecording
import CTraceFormat
import Foundation
import Glibc
import Traces

/// A process image under recording: its stream, whether it still runs, and what to tell of it.
final class RecordedImage {
  let spool: SpoolFile
  let tracePath: String
  let descriptor: Int32
  private var stream: ImageStream?
  private(set) var problem: String?
  private(set) var finished = false
  /// Ended, and nothing was left in the last pass.
  private(set) var isDrained = false
  /// Another image has taken its process over, or the process is gone.
  var ended = false
  var exitStatus: Int32?
  private var lastMapCheck: UInt64 = 0
  private var nanosecondsPerTick: Double
  private var journal: RecordingJournal?
  /// Of a trace that an earlier drainer had finished.
  private var whole: (events: Int, threads: Int, bytes: UInt64)?

  /// - Parameter recovering: Whether an earlier drainer may have begun the trace.
  init(
    spool: SpoolFile, tracePath: String, nanosecondsPerTick: Double, maximumEvents: Int?,
    machine: TraceHeader.Machine?, recovering: Bool = false
  ) {
    self.spool = spool
    self.tracePath = tracePath
    self.nanosecondsPerTick = nanosecondsPerTick
    descriptor = mallometer_process_descriptor(spool.process)
    do throws(TraceError) {
      let journal = try RecordingJournal(base: Self.base(of: spool))
      self.journal = journal
      if recovering, try recover(journal, maximumEvents: maximumEvents) { return }
      try note(tracePath)
      let header = TraceHeader(
        program: spool.executable, arguments: spool.arguments, process: spool.process,
        parentProcess: spool.parent,
        startedAt: Double(spool.base.pointee.start_realtime_ns) / 1e9, machine: machine,
        timeStampGHz: 1 / nanosecondsPerTick, minorFaultsAtStart: 0,
        residentBytesAtStart: Self.residentBytes(of: spool.process))
      let writer = try TraceWriter(path: tracePath, header: header)
      stream = ImageStream(
        spool: spool, writer: writer, journal: journal, nanosecondsPerTick: nanosecondsPerTick,
        maximumEvents: maximumEvents)
    } catch {
      fail(error)
    }
  }

  /// Takes the trace up where an earlier drainer stopped; false if there is nothing in it.
  private func recover(
    _ journal: RecordingJournal, maximumEvents: Int?
  ) throws(TraceError) -> Bool {
    let state = try RecordingRecovery.open(trace: tracePath, journal: journal)
    switch consume state {
    case .empty: return false
    case .whole(let events, let threads, let bytes):
      whole = (events, threads, bytes)
      ended = true
      return true
    case .resumable(let resumable):
      nanosecondsPerTick = resumable.nanosecondsPerTick
      let resumed = ImageStream(
        spool: spool, writer: resumable.writer, journal: journal,
        nanosecondsPerTick: nanosecondsPerTick, maximumEvents: maximumEvents)
      stream = resumed
      try resumed.resume(resumable.checkpoint, slots: resumable.slots, live: resumable.live)
      return true
    }
  }

  private static func base(of spool: SpoolFile) -> String { String(spool.path.dropLast(6)) }

  private static func note(of spool: SpoolFile) -> String { base(of: spool) + ".trace" }

  /// Where an earlier drainer wrote the trace of a spool; nil if it hadn't begun.
  static func notedTrace(of spool: SpoolFile) -> String? {
    let text = try? String(contentsOfFile: note(of: spool), encoding: .utf8)
    return text.flatMap { $0.hasSuffix("\n") ? String($0.dropLast()) : nil }
  }

  private func note(_ path: String) throws(TraceError) {
    do {
      try Data("\(path)\n".utf8).write(to: URL(fileURLWithPath: Self.note(of: spool)))
    } catch {
      throw TraceError(
        .file, path: Self.note(of: spool), "can't be written: \(error.localizedDescription)")
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Resident memory but for files and shared memory: what the heap and stacks hold.
  private static func residentBytes(of process: pid_t) -> UInt64? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/statm", encoding: .utf8)
    else { return nil }
    let fields = text.split(separator: " ").compactMap { UInt64($0) }
    guard fields.count > 2, fields[1] >= fields[2] else { return nil }
    return (fields[1] - fields[2]) * 4096
  }

  private func fail(_ error: TraceError) {
    problem = error.description
    spool.stop()
    spool.announceReleased()
  }

  /// Notices the end of the process, or that it has become another image.
  func checkEnd(now: UInt64) {
    guard !ended else { return }
    var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    if descriptor < 0 || poll(&poller, 1, 0) > 0 {
      ended = descriptor >= 0 || kill(spool.process, 0) != 0
      return
    }
    // An exec that the recorder began, or one that it couldn't see, unmaps the spool.
    let interval: UInt64 = spool.execBegun ? 20_000_000 : 1_000_000_000
    guard Double(now &- lastMapCheck) * nanosecondsPerTick > Double(interval) else { return }
    lastMapCheck = now
    if let map = try? String(contentsOfFile: "/proc/\(spool.process)/maps", encoding: .utf8),
      !map.isEmpty
    {
      ended = !map.contains(spool.path.split(separator: "/").last ?? "?")
    }
  }

  /// Whether more than half of the spool waits to be drained.
  var isFillingUp: Bool { stream?.isFillingUp ?? false }

  /// Writes what is there, a few blocks at most. Returns how many records that were.
  func drain(now: UInt64) -> Int {
    guard let stream, problem == nil, !finished else {
      isDrained = ended
      return 0
    }
    do throws(TraceError) {
      let count = try stream.drain(now: now, ended: ended)
      isDrained = ended && count == 0
      if count > 0 {
        stream.writer.minorFaults = stream.pageFaults
        if !ended, let resident = Self.residentBytes(of: spool.process) {
          stream.writer.residentBytes = resident
        }
      }
      return count
    } catch {
      fail(error)
      return 0
    }
  }

  /// After the last drain: writes the footer.
  func finish() {
    guard !finished else { return }
    finished = true
    if let stream, problem == nil {
      do throws(TraceError) {
        try stream.commit()
        try stream.writer.finish(footer: footer(stream))
      } catch {
        fail(error)
      }
    }
  }

  /// After `finish`: removes the spool and what lies beside it.
  func removeSpool() {
    unlink(spool.path)
    journal?.remove()
    unlink(Self.note(of: spool))
  }

  private func footer(_ stream: ImageStream) -> TraceFooter {
    let raw = spool.base.pointee
    var footer = TraceFooter(exitStatus: exitStatus)
    if raw.end_time_stamp > raw.start_time_stamp {
      footer.wallSeconds =
        Double(raw.end_time_stamp - raw.start_time_stamp) * nanosecondsPerTick / 1e9
      footer.userSeconds = Double(raw.user_ns) / 1e9
      footer.systemSeconds = Double(raw.system_ns) / 1e9
    }
    footer.recorder = .init(dropped: spool.dropped, counters: counters)
    return footer
  }

  private var counters: [String: UInt64] {
    guard let stream else { return [:] }
    let raw = spool.base.pointee
    let counted = stream.assembler.counters
    var result: [String: UInt64] = [
      "foreignFrees": counted.foreignFrees, "impliedFrees": counted.impliedFrees,
      "reordered": counted.reordered, "late": counted.late, "unfinished": counted.unfinished,
      "waitedNanoseconds": raw.waited_ns, "spoolChunks": UInt64(raw.grown),
      "peakResidentBytes": raw.peak_resident_bytes,
    ]
    if raw.modules_lost > 0 { result["modulesLost"] = UInt64(raw.modules_lost) }
    if stream.stopped { result["stoppedAtMaximum"] = 1 }
    if spool.forked { result["forked"] = 1 }
    return result
  }

  var report: RecordingReport.Process {
    if let whole {
      return .init(
        trace: tracePath, pid: spool.process, program: spool.program, events: whole.events,
        dropped: spool.dropped, threads: whole.threads,
        bytesPerEvent: whole.events > 0 ? Double(whole.bytes) / Double(whole.events) : 0)
    }
    guard let stream else {
      return .init(
        trace: nil, pid: spool.process, program: spool.program, followed: true, problem: problem)
    }
    let events = stream.writer.eventCount
    return .init(
      trace: tracePath, pid: spool.process, program: spool.program, events: events,
      dropped: spool.dropped, threads: stream.threadCount,
      bytesPerEvent: events > 0 ? Double(stream.writer.byteCount) / Double(events) : 0,
      running: !ended, stopped: stream.stopped, problem: problem, counters: counters)
  }
}
