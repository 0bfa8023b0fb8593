import CTraceFormat
import Foundation
import Glibc
import Traces

/// What lies on disk beside a spool so that another drainer can go on where this one was killed.
///
/// Three files: two checkpoints, written in turn, each before the block that makes it valid; and
/// the address of the block in every slot, brought up to date after the block. Whenever a drainer
/// is killed, one checkpoint fits the whole blocks of the trace, and its assignments, made once
/// more, complete the addresses. Costs 8 bytes of disk per slot and about 1 MB; survives the death of
/// processes, not that of the machine, as nothing is synced.
final class RecordingJournal {
  private let base: String
  private let checkpoints: [Int32]
  private let addressFile: Int32
  /// Addresses by slot, mapped.
  private var addresses: UnsafeMutablePointer<UInt64>
  private var capacity: Int
  private var serial: UInt64 = 0

  /// What the allocations since the last block did.
  private let pendingSlots: UnsafeMutablePointer<UInt32>
  private let pendingAddresses: UnsafeMutablePointer<UInt64>
  private var pending = 0
  /// A realloc that failed notes a slot without an event, so there may be more than events.
  private static let pendingCapacity = 1 << 17

  /// Opens the journal beside a spool, or creates it.
  ///
  /// - Parameter base: The spool's path without its ending.
  init(base: String) throws(TraceError) {
    self.base = base
    var files: [Int32] = []
    for name in ["even", "odd", "addresses"] {
      let path = "\(base).\(name)"
      let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
      guard file >= 0 else {
        let error = Self.error(path, "created", errno)
        for file in files { close(file) }
        throw error
      }
      files.append(file)
    }
    checkpoints = Array(files[..<2])
    addressFile = files[2]
    pendingSlots = .allocate(capacity: Self.pendingCapacity)
    pendingAddresses = .allocate(capacity: Self.pendingCapacity)
    var status = stat()
    fstat(addressFile, &status)
    capacity = max(1 << 14, Int(status.st_size) / 8)
    // Never used: `map` fails or replaces it.
    addresses = pendingAddresses
    addresses = try Self.map(addressFile, capacity, base)
  }

  deinit {
    if addresses != pendingAddresses { munmap(addresses, capacity * 8) }
    pendingSlots.deallocate()
    pendingAddresses.deallocate()
    for file in checkpoints { close(file) }
    close(addressFile)
  }

  /// Whether nothing more can be noted before the next block.
  var isNearlyFull: Bool { pending > Self.pendingCapacity - 2 * EventAssembler.runRecords }

  /// Notes the address of the block that a slot has got.
  @inline(__always) func note(_ slot: UInt32, at address: UInt64) {
    pendingSlots[pending] = slot
    pendingAddresses[pending] = address
    pending &+= 1
  }

  /// Writes a checkpoint; to be called before the block of the events that it counts.
  func prepare(_ checkpoint: consuming Checkpoint) throws(TraceError) {
    serial += 1
    checkpoint.serial = serial
    let words = checkpoint.encoded(
      slots: UnsafeBufferPointer(start: pendingSlots, count: pending),
      addresses: UnsafeBufferPointer(start: pendingAddresses, count: pending))
    let place = Int(serial % 2)
    var done = 0
    let bytes = words.count * 8
    while done < bytes {
      let written = words.withUnsafeBytes {
        pwrite(checkpoints[place], $0.baseAddress.map { $0 + done }, bytes - done, off_t(done))
      }
      if written < 0 {
        if errno == EINTR { continue }
        throw Self.error("\(base).\(place == 0 ? "even" : "odd")", "written", errno)
      }
      done += written
    }
    var most: UInt32 = 0
    for index in 0..<pending { most = max(most, pendingSlots[index]) }
    try reserve(Int(most) + 1)
  }

  /// Makes the assignments since the last block; to be called after the block.
  func apply() {
    for index in 0..<pending {
      addresses[Int(pendingSlots[index])] = pendingAddresses[index]
    }
    pending = 0
  }

  /// The checkpoint that fits a trace with so many events, its assignments made; nil if none does.
  func restore(events: Int) throws(TraceError) -> Checkpoint? {
    let read = checkpoints.compactMap { Self.read($0) }
    guard
      let fitting = read.filter({ $0.events == events }).max(by: { $0.serial < $1.serial })
    else { return nil }
    serial = fitting.serial
    try reserve(Int(fitting.assignments.map(\.slot).max() ?? 0) + 1)
    for assignment in fitting.assignments {
      addresses[Int(assignment.slot)] = assignment.address
    }
    return fitting
  }

  /// The address of the block in a slot, 0 if it isn't known.
  func address(ofSlot slot: Int) -> UInt64 { slot < capacity ? addresses[slot] : 0 }

  /// Removes the files.
  func remove() { for name in ["even", "odd", "addresses"] { unlink("\(base).\(name)") } }

  private static func read(_ file: Int32) -> Checkpoint? {
    var status = stat()
    guard fstat(file, &status) == 0, status.st_size >= 8 else { return nil }
    var words = [UInt64](repeating: 0, count: Int(status.st_size) / 8)
    let wanted = words.count * 8
    guard words.withUnsafeMutableBytes({ pread(file, $0.baseAddress, wanted, 0) }) == wanted
    else { return nil }
    return Checkpoint(words)
  }

  private func reserve(_ slots: Int) throws(TraceError) {
    guard slots > capacity else { return }
    var larger = capacity
    while larger < slots { larger *= 2 }
    let mapped = try Self.map(addressFile, larger, base)
    munmap(addresses, capacity * 8)
    addresses = mapped
    capacity = larger
  }

  /// Maps the addresses with every page backed, so that a full disk is an error here and no signal
  /// later.
  private static func map(
    _ file: Int32, _ capacity: Int, _ base: String
  ) throws(TraceError) -> UnsafeMutablePointer<UInt64> {
    let status = posix_fallocate(file, 0, off_t(capacity * 8))
    guard status == 0,
      let mapped = mmap(nil, capacity * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
      mapped != MAP_FAILED
    else { throw error("\(base).addresses", "extended", status == 0 ? errno : status) }
    return mapped.bindMemory(to: UInt64.self, capacity: capacity)
  }

  private static func error(_ path: String, _ action: String, _ code: Int32) -> TraceError {
    TraceError(
      .file, path: path, "can't be \(action): \(RecordingError.reason(code))",
      remedy: code == ENOSPC ? "free some disk space and run the command again" : nil)
  }
}
