import CTraceFormat

/// A raw record as the recorder wrote it: `mallometer_record` in CTraceFormat says what lies where.
typealias SpoolRecord = UnsafeMutablePointer<mallometer_record>

extension UnsafeMutablePointer where Pointee == mallometer_record {
  /// The word that publishes the record, and with it everything that was stored before.
  @inline(__always) var publishedHead: UInt64 {
    mallometer_load64(UnsafeRawPointer(self).assumingMemoryBound(to: UInt64.self))
  }
}

/// What the first word of a record says.
struct RecordHead {
  let word: UInt64

  /// Where the generation of a record's chunk stands in the word.
  static let generationShift: UInt64 = 56

  @inline(__always) init(_ word: UInt64) { self.word = word }

  /// Whether it was written since its chunk was claimed.
  @inline(__always) func isPublished(in generation: UInt64) -> Bool {
    word >> Self.generationShift == generation
  }

  /// The kind, without the mark of a long record.
  @inline(__always) var kind: UInt32 { UInt32(truncatingIfNeeded: word >> 48) & 0x7F }

  /// Whether a second record belongs to it.
  @inline(__always) var isLong: Bool { word & (0x80 << 48) != 0 }

  /// Whether it stands for no call: see `mallometer_record_epoch` and `mallometer_record_filler`.
  @inline(__always) var isMark: Bool { kind >= mallometer_record_epoch.rawValue }

  @inline(__always) var siteNumber: Int { Int(truncatingIfNeeded: word >> 32) & 0xFFFF }

  /// The time stamp.
  ///
  /// - Parameter epoch: The upper half that holds where the record is, in its place.
  @inline(__always) func time(in epoch: UInt64) -> UInt64 { epoch | word & 0xFFFF_FFFF }
}

/// Where in its module a call came from, as far as its record tells.
enum RecordedSite {
  case numbered(Int)
  case at(returnAddress: UInt64)
}

/// A record that stands for a call, taken apart.
struct RecordedCall {
  /// A `mallometer_record_kind`.
  var kind: UInt32
  var address: UInt64
  var size: UInt64
  var alignmentLog2: UInt8
  var site: RecordedSite
  /// Records that it takes up.
  var length: Int

  /// - Parameter record: Published and no mark; if it is long, the next one may be read too.
  @inline(__always) init(_ record: SpoolRecord) {
    let head = RecordHead(record.pointee.head)
    kind = head.kind
    if head.isLong {
      let tail = record[1]
      address = record.pointee.block & 0xFFFF_FFFF_FFFF
      size = tail.head & 0xFFFF_FFFF_FFFF
      alignmentLog2 = UInt8(truncatingIfNeeded: tail.block >> 48)
      site = .at(returnAddress: tail.block & 0xFFFF_FFFF_FFFF)
      length = 2
    } else {
      address = record.shortAddress
      size = record.pointee.block & 0xF_FFFF
      alignmentLog2 = 0
      site = .numbered(head.siteNumber)
      length = 1
    }
  }

  /// Whether the call gives its address back.
  var frees: Bool {
    kind == mallometer_record_free.rawValue || kind == mallometer_record_realloc_from.rawValue
  }
}

extension UnsafeMutablePointer where Pointee == mallometer_record {
  /// The address in a record that isn't long.
  @inline(__always) var shortAddress: UInt64 { (pointee.block >> 20) << 3 }
}
