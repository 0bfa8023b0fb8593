/// First-touched pages of a program, by what it may touch of its blocks, whatever its allocator.
///
/// Blocks below a page share pages and are recycled: their peak counts. Blocks of up to 128 KiB
/// are recycled too: touched at their first line they cost a page each at their peak, touched
/// whole all their pages. Larger blocks come fresh from the kernel each time (glibc's default
/// mmap threshold).
struct PageEstimate {
  static let pageBytes: UInt64 = 4096
  static let largeBytes: UInt64 = 128 << 10

  private var smallBytes: UInt64 = 0
  private var smallPeak: UInt64 = 0
  private var mediumBlocks: UInt64 = 0
  private var mediumBlocksPeak: UInt64 = 0
  private var mediumPages: UInt64 = 0
  private var mediumPagesPeak: UInt64 = 0
  private var largeBlocks: UInt64 = 0
  private var largePages: UInt64 = 0

  /// Expected first touches if only the first line of each block is touched.
  var firstLine: UInt64 {
    smallPeak / PageEstimate.pageBytes &+ mediumBlocksPeak &+ largeBlocks
  }

  /// Expected first touches if every page of each block is touched.
  var perPage: UInt64 {
    smallPeak / PageEstimate.pageBytes &+ mediumPagesPeak &+ largePages
  }

  @inline(__always) mutating func allocate(_ size: UInt64) {
    if size < PageEstimate.pageBytes {
      smallBytes &+= (size &+ 23) & ~15
      if smallBytes > smallPeak { smallPeak = smallBytes }
    } else {
      allocatePages(size)
    }
  }

  private mutating func allocatePages(_ size: UInt64) {
    let pages = (size &+ PageEstimate.pageBytes &- 1) / PageEstimate.pageBytes
    if size < PageEstimate.largeBytes {
      mediumBlocks &+= 1
      mediumPages &+= pages
      mediumBlocksPeak = max(mediumBlocks, mediumBlocksPeak)
      mediumPagesPeak = max(mediumPages, mediumPagesPeak)
    } else {
      largeBlocks &+= 1
      largePages &+= pages
    }
  }

  @inline(__always) mutating func free(_ size: UInt64) {
    if size < PageEstimate.pageBytes {
      smallBytes &-= (size &+ 23) & ~15
    } else if size < PageEstimate.largeBytes {
      mediumBlocks &-= 1
      mediumPages &-= (size &+ PageEstimate.pageBytes &- 1) / PageEstimate.pageBytes
    }
  }
}
