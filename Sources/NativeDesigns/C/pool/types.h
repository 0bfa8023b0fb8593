// The pool's structures. Glossary: a *block* is what a caller gets, with its header if there is
// one; a *page* is a run of blocks of one size; a *segment* is a region of pages of one kind; a
// *bin* is a size class; a *heap* is what a thread owns.

enum {
  HEADER_BYTES = MALLOMETER_TOGGLE_HEADER,
  SEGMENT_SHIFT = 22,
  SEGMENT_BYTES = 1 << SEGMENT_SHIFT,
  /// Up to here sizes find their page in a table indexed by words of 8 bytes.
  SMALL_BYTES = 1024,
  SMALL_WORDS = SMALL_BYTES / 8,
  /// The largest block of each kind of page; what is larger gets a region of its own.
  SMALL_PAGE_BLOCK = 8 << 10,
  MEDIUM_PAGE_BLOCK = 64 << 10,
#if HAS_LARGE_PAGES
  LARGEST_BLOCK = 2 << 20,
  KEPT_BLOCK = LARGEST_BLOCK,
#else
  LARGEST_BLOCK = 1 << 20,
  KEPT_BLOCK = MEDIUM_PAGE_BLOCK,
#endif
#if MALLOMETER_TOGGLE_BINS == MALLOMETER_BINS_32
  SMALL_BINS = 12,
  BIN_COUNT = HAS_LARGE_PAGES ? 35 : 33,
#else
  SMALL_BINS = 20,
  BIN_COUNT = HAS_LARGE_PAGES ? 65 : 61,
#endif
  /// Of one magazine.
  MAGAZINE_BLOCKS = 15,
  /// A page's blocks are linked in portions of this many bytes, so that memory is touched late.
  EXTEND_BYTES = 4096,
};

enum page_kind { SMALL_PAGE, MEDIUM_PAGE, LARGE_PAGE, HUGE_PAGE, KIND_COUNT = HUGE_PAGE };

enum page_flag {
  /// Every block is in use: the page is in no queue.
  PAGE_FULL = 1,
  /// Some block was handed out at an address other than its start.
  PAGE_ALIGNED = 2,
  /// The page's only block is the region.
  PAGE_HUGE = 4,
};

struct pool_block {
  struct pool_block *next;
};

struct pool_page {
  struct pool_block *free;
  /// Freed by the owner since `free` was last refilled.
  struct pool_block *local_free;
  /// Freed by other threads; bit 0 is REMOTE_NOTIFY.
  _Atomic(uintptr_t) remote;
  _Atomic(uint32_t) used;
  uint8_t bin;
  _Atomic(uint8_t) flags;
  uint16_t capacity;
  uint16_t reserved;
  uint16_t index;
  uint32_t block_bytes;
  struct pool_page *next, *previous;
  char *start;
};
_Static_assert(sizeof(struct pool_page) == 64, "a page's state is one cache line");

struct pool_segment {
  struct pool_heap *heap;
  uint8_t page_shift;
  uint8_t kind;
  uint32_t used_pages;
  uint64_t free_pages;
  /// Segments of the kind with free pages.
  struct pool_segment *next, *previous;
  /// Of the whole mapping; the segment starts later in it when a huge block is aligned beyond
  /// SEGMENT_BYTES.
  char *region;
  size_t region_bytes;
  _Alignas(64) struct pool_page pages[];
};
_Static_assert(offsetof(struct pool_segment, pages) == 64, "pages are lines of their own");

struct pool_magazine {
  uint64_t count;
  struct pool_block *blocks[MAGAZINE_BLOCKS];
};

struct pool_heap {
  /// By size in words, rounded up: the first page of the bin's queue.
  struct pool_page *direct[SMALL_WORDS + 1];
  /// By bin; `&empty` where there is none, so that fast paths need no test for it.
  struct pool_page *first[BIN_COUNT];
  struct pool_page *last[BIN_COUNT];
  struct pool_segment *segments[KIND_COUNT];
  /// One empty segment, kept against mapping and unmapping in turn.
  struct pool_segment *spare;
  /// Blocks that other threads freed in full pages.
  _Atomic(struct pool_block *) delayed;
  struct pool_heap *next_abandoned;
  /// Of `delayed`.
  SHARED_LINE(delayed_line)
#if IS_LOCKED
  /// For the heap, its pages and its segments.
  struct spin_lock lock;
  /// Of all heaps.
  struct pool_heap *next_heap;
#endif
  _Alignas(64) struct pool_page empty;
#if HAS_MAGAZINES
  struct pool_magazine magazines[SMALL_BINS + 1];
#endif
};

/// Set by the owner of a full page: whoever frees a block of it next tells the heap.
enum { REMOTE_NOTIFY = 1 };

/// At the very start of a block, so that the link of a free block overwrites the magic number: a
/// second free is found out.
struct pool_header {
  uint32_t magic;
  uint32_t site_low;
  uint64_t size;
#if MALLOMETER_TOGGLE_HEADER == MALLOMETER_HEADER_32
  uint64_t site;
  uint64_t reserved;
#endif
};

enum { HEADER_MAGIC = 0x6D616C6C };
