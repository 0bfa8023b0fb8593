/// The constants of the `.mlt` format, version 1. Documentation/trace-format.md is the reference.
enum TraceFormat {
  static let version: UInt32 = 1
  /// First eight bytes: a byte no text has, and line ends that a text-mode copy would change.
  static let magic: [UInt8] = [0x89, 0x4D, 0x4C, 0x54, 0x0D, 0x0A, 0x1A, 0x0A]
  /// Last eight bytes of a complete file: `MLT END\n`.
  static let endMagic: [UInt8] = [0x4D, 0x4C, 0x54, 0x20, 0x45, 0x4E, 0x44, 0x0A]
  /// The magic, the version and four reserved bytes.
  static let preambleBytes = 16
  /// Record tag, body length, checksum of the body.
  static let frameBytes = 16
  /// Offset of the footer record, then the end magic.
  static let trailerBytes = 16

  static let headerTag: UInt32 = 0x4441_4548  // "HEAD"
  static let blockTag: UInt32 = 0x4B43_4C42  // "BLCK"
  static let footerTag: UInt32 = 0x454E_4F44  // "DONE"

  static let maximumHeaderBytes = 1 << 20
  static let maximumFooterBytes = 64 << 20
  static let maximumBlockBytes = 8 << 20
  /// Fixed part of a block's body, before the column table.
  static let blockHeadBytes = 88
  static let blockEvents = 65536
  static let maximumSites = 1 << 22
  static let maximumModules = 1 << 16
  static let maximumPathBytes = 4096
  static let maximumBuildIDBytes = 64
  static let maximumSlots = 1 << 31 - 2
  /// glibc refuses more, and so does every allocator: sizes above can't have been returned.
  static let maximumSize = UInt64(1) << 47
}

/// The columns of a block, in file order.
enum Column: Int, CaseIterable {
  /// New modules and sites.
  case definitions
  /// One operation code per event, and a prefix per change of thread.
  case codes
  /// Quantised time since the previous event, 255 for an entry in `longTimes`.
  case times
  case longTimes
  case threads
  case siteLow
  case siteHigh
  case sizeHigh
  case sizeLow
  case slotLow
  case slotMiddle
  case slotHigh
  case alignments

  /// Most bytes that `events` events need.
  func capacity(events: Int) -> Int {
    switch self {
    case .definitions: 2 << 20
    case .codes: 2 * events
    case .times, .siteHigh, .sizeHigh, .slotMiddle, .slotHigh, .alignments: events
    case .longTimes: 10 * events
    case .threads: 3 * events
    case .siteLow, .slotLow: 4 * events
    case .sizeLow: 6 * events
    }
  }
}

/// Operation codes. Ranges are decoded arithmetically, so their order is part of the format.
enum Code {
  /// 0…63: kind (malloc, calloc, realloc of nothing, aligned) × 16 + site code × 4 + size code.
  static let frees: UInt8 = 64
  /// 64…138: one of 25 slot codes × 3 + site code.
  static let reallocs: UInt8 = 139
  /// 139…202: slot code × 16 + site code × 4 + size code.
  static let impliedFree: UInt8 = 203
  static let foreignFree: UInt8 = 204
  static let threadStart: UInt8 = 205
  static let threadEnd: UInt8 = 206
  /// Prefix: the thread that was current before the current one.
  static let previousThread: UInt8 = 207
  /// Prefix: the thread in column `threads`.
  static let otherThread: UInt8 = 208

  /// Slot codes of a free: k-th newest live object, k-th live object born after the one this
  /// thread freed last, k-th born before it, or the slot itself in the slot columns.
  static let nearSlots = 8
  static let newest = 0
  static let after = 8
  static let before = 16
  static let explicitSlot = 24
}
