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
  /// Another image has taken its process over, or the process is gone.
  var ended = false
  var exitStatus: Int32?
  private var lastMapCheck: UInt64 = 0
  private let nanosecondsPerTick: Double
  private var bytes: UInt64 = 0
  private var events = 0

  init(
    spool: SpoolFile, tracePath: String, nanosecondsPerTick: Double, maximumEvents: Int?,
    machine: TraceHeader.Machine?
  ) {
    self.spool = spool
    self.tracePath = tracePath
    self.nanosecondsPerTick = nanosecondsPerTick
    descriptor = mallometer_process_descriptor(spool.process)
    let header = TraceHeader(
      program: spool.executable, arguments: spool.arguments, process: spool.process,
      parentProcess: spool.parent,
      startedAt: Double(spool.base.pointee.start_realtime_ns) / 1e9, machine: machine,
      timeStampGHz: 1 / nanosecondsPerTick, minorFaultsAtStart: 0,
      residentBytesAtStart: Self.residentBytes(of: spool.process))
    do throws(TraceError) {
      let writer = try TraceWriter(path: tracePath, header: header)
      stream = ImageStream(
        spool: spool, writer: writer, nanosecondsPerTick: nanosecondsPerTick,
        maximumEvents: maximumEvents)
    } catch {
      fail(error)
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

  /// Writes what is there. Returns how many records that were.
  func drain(now: UInt64) -> Int {
    guard let stream, problem == nil, !finished else { return 0 }
    do throws(TraceError) {
      let count = try stream.drain(now: now, ended: ended)
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

  /// After the last drain: writes the footer and removes the spool.
  func finish() {
    guard !finished else { return }
    finished = true
    if let stream, problem == nil {
      do throws(TraceError) { try stream.writer.finish(footer: footer(stream)) } catch {
        fail(error)
      }
    }
    unlink(spool.path)
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
