/// A small predictor of the data-dependent branches of an allocator and of the loop that calls it.
///
/// A two-bit counter per branch, overruled by the longest of three tagged tables that knows the
/// recent history of all branches together: the scheme of TAGE (Seznec and Michaud, A case for
/// (partially) tagged geometric history length branch prediction, JILP 8, 2006) with 4, 12 and 32
/// outcomes of history, which is what a machine of this class has and more for so few branches.
final class BranchPredictor {
  private static let tableBits: UInt64 = 11

  private struct Entry {
    var tag: UInt16
    /// 0…7, taken from 4.
    var counter: Int8
    var useful: Int8
  }

  /// Plain counters, 0…3, taken from 2; in entries, so that they are updated as the tagged ones.
  private let base: UnsafeMutablePointer<Entry>
  private let tables: UnsafeMutablePointer<Entry>
  private var history: UInt64 = 0

  init() {
    base = .allocate(capacity: 1024)
    base.initialize(repeating: Entry(tag: 0, counter: 2, useful: 0), count: 1024)
    let capacity = 3 << Int(Self.tableBits)
    tables = .allocate(capacity: capacity)
    tables.initialize(repeating: Entry(tag: 0, counter: 4, useful: 0), count: capacity)
  }

  func deallocate() {
    base.deallocate()
    tables.deallocate()
  }

  /// Predicts, learns the outcome, and tells whether the prediction was wrong.
  ///
  /// Without branches of its own: a simulated branch that can't be predicted would be one that the
  /// host can't predict either.
  @inline(__always)
  func mispredicts(_ site: UInt32, taken: Bool) -> Bool {
    let short = entry(0, site, 4)
    let middle = entry(1, site, 12)
    let long = entry(2, site, 32)
    let isKnown = short.known || middle.known || long.known
    let simple = base + Int(site & 1023)
    var provider = short.known ? short.entry : simple
    provider = middle.known ? middle.entry : provider
    provider = long.known ? long.entry : provider
    let old = provider.pointee
    // A tagged counter has eight states, a plain one four; the upper half is taken.
    let top: Int8 = isKnown ? 7 : 3
    let wrong = (old.counter > top >> 1) != taken
    let stepped = old.counter &+ (taken ? 1 : -1)
    provider.pointee = Entry(
      tag: old.tag, counter: min(max(stepped, 0), top),
      useful: wrong ? max(old.useful &- 1, 0) : 1)
    // A wrong prediction earns an entry with a longer history than the one that gave it.
    var candidate = short.known ? middle : short
    candidate = middle.known ? long : candidate
    let kept = candidate.entry.pointee
    let earns = wrong && !long.known
    let isFree = kept.useful <= 0
    candidate.entry.pointee = Entry(
      tag: earns && isFree ? candidate.tag : kept.tag,
      counter: earns && isFree ? (taken ? 4 : 3) : kept.counter,
      useful: kept.useful &- (earns && !isFree ? 1 : 0))
    history = history << 1 | (taken ? 1 : 0)
    return wrong
  }

  @inline(__always)
  private func entry(
    _ table: Int, _ site: UInt32, _ length: UInt64
  ) -> (entry: UnsafeMutablePointer<Entry>, known: Bool, tag: UInt16) {
    let recent = history & (1 << length - 1)
    let mixed = (recent ^ (UInt64(site) &+ 1) << 33) &* 0x9E37_79B9_7F4A_7C15
    let index = Int(truncatingIfNeeded: mixed >> (64 - Self.tableBits))
    // A tag of 0 is an entry that was never used.
    let tag = UInt16(truncatingIfNeeded: mixed >> 32) | 1
    let entry = tables + (table << Int(Self.tableBits) &+ index)
    return (entry, entry.pointee.tag == tag, tag)
  }
}
