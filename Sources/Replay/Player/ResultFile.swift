import CPlayerFormat
import Foundation
import Platform

/// What a player left behind, mapped.
final class ResultFile {
  private let data: Data
  let header: mallometer_result_header

  init(path: String) throws(PlayerError) {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped),
      data.count >= Int(MALLOMETER_RESULT_RECORDS)
    else { throw .unreadableResult(path) }
    self.data = data
    header = data.withUnsafeBytes { $0.loadUnaligned(as: mallometer_result_header.self) }
    guard header.magic == UInt32(MALLOMETER_RESULT_MAGIC) else {
      throw .unreadableResult(path)
    }
  }

  var isDone: Bool { header.outcome == MALLOMETER_OUTCOME_DONE.rawValue }

  /// The file that malloc came from.
  var allocatorPath: String {
    withUnsafeBytes(of: header.allocator_path) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  /// Nanoseconds per tick of the time stamp counter.
  var nanosecondsPerTick: Double { 1e9 / Double(max(header.ticks_per_second, 1)) }

  /// What follows the header, as an array of records.
  func withRecords<Record: BitwiseCopyable, Output>(
    of type: Record.Type, _ body: (UnsafeBufferPointer<Record>) throws -> Output
  ) rethrows -> Output {
    try data.withUnsafeBytes { bytes in
      let records = UnsafeRawBufferPointer(
        rebasing: bytes[Int(MALLOMETER_RESULT_RECORDS)...])
      return try body(records.bindMemory(to: type))
    }
  }
}
