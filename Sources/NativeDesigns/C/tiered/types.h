// The tiered family: a block's size alone decides which of four allocators serves it.
//
// A tier begins at its threshold: below 1 KiB the small pool, from there the medium classes, from
// the mmap threshold a mapping of its own, from the huge-page threshold huge pages. Every block has
// a header of 8 bytes, which says where it came from. Blocks lie on 8-byte boundaries in the pools,
// as the design's description has it; what callers get behind the header is aligned to 16 bytes,
// because malloc's contract asks for that.

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>

/// Whether a toggle has this value in the variant that is being compiled.
#define IS(toggle, value) (MALLOMETER_TOGGLE_##toggle == MALLOMETER_##toggle##_##value)

#define TIERS IS(TIERS, ON)
#define DETECTS_PATTERNS (TIERS && IS(PATTERN_DETECTION, ON))
#define OWN_STATISTICS (TIERS && IS(STATISTICS, THREAD_LOCAL))
#define SHARED_STATISTICS (TIERS && IS(STATISTICS, RELAXED))
#define OWN_MEDIUM (TIERS && IS(MEDIUM, THREAD_LOCAL))
/// Whether every allocation needs the thread's heap, and not only the medium tier.
#define HEAP_ALWAYS (DETECTS_PATTERNS || OWN_STATISTICS)
#define WARMS (TIERS && IS(WARMING, ON))
#define HUGE_PAGES (TIERS && IS(HUGEPAGES, ON))

enum {
  /// Where the medium tier begins.
  SMALL_END = 1 << 10,
#if !TIERS
  /// Without tiers one heap serves everything below.
  POOL_END = 128 << 10,
  MMAP_THRESHOLD = POOL_END,
#elif IS(MMAP_THRESHOLD, 8KIB)
  MMAP_THRESHOLD = 8 << 10,
#else
  MMAP_THRESHOLD = 16 << 10,
#endif
#if IS(HUGEPAGE_THRESHOLD, 1MIB)
  HUGE_THRESHOLD = 1 << 20,
#else
  HUGE_THRESHOLD = 2 << 20,
#endif
  /// From the start of a region to the payload of the mapping's block: a line for its header.
  MAPPED_OFFSET = LINE_BYTES,
  /// From here on an alignment is met by a mapping, below by moving the start within a block.
  MAPPED_ALIGNMENT = OS_PAGE_BYTES,
};

/// Larger requests can't be met by any region.
#define LARGEST_REQUEST ((size_t)1 << 39)

enum tier { SMALL_TIER, MEDIUM_TIER, MAPPED_TIER, HUGE_TIER, TIER_COUNT, ALIGNED_TIER = TIER_COUNT };

enum { MAGIC_LIVE = 0x4C56, MAGIC_FREE = 0x4652 };

/// Before every payload.
struct tiered_header {
  uint16_t magic;
  uint8_t tier;
  /// Of a pool's block.
  uint8_t class;
  /// Of a moved start: how far.
  uint32_t moved;
};
_Static_assert(sizeof(struct tiered_header) == 8, "payloads follow 8 bytes behind their block");

/// Before the payload of a mapping.
struct mapped_header {
  char *region;
  size_t bytes;
  uint64_t unused[5];
  struct tiered_header header;
};
_Static_assert(sizeof(struct mapped_header) == MAPPED_OFFSET, "a line");

/// At the start of a free block's payload.
struct tiered_link {
  struct tiered_link *next;
};

/// Free blocks of one size, the last one freed first, and the rest of the run that new ones are cut
/// from.
struct tiered_class {
  struct tiered_link *free;
  char *next;
  char *end;
  /// On the list: kept by thread-local classes only, which have a limit.
  size_t count;
};

FAST struct tiered_header *header_of(void *payload) {
  return (struct tiered_header *)((char *)payload - sizeof(struct tiered_header));
}

FAST struct mapped_header *mapping_of(void *payload) {
  return (struct mapped_header *)((char *)payload - sizeof(struct mapped_header));
}

FAST void header_write(void *payload, enum tier tier, uint32_t class) {
  COUNT(HEADER_WRITE);
  *header_of(payload) =
      (struct tiered_header){.magic = MAGIC_LIVE, .tier = (uint8_t)tier, .class = (uint8_t)class};
}

/// Refuses what is no live block.
FAST struct tiered_header *header_check(void *payload) {
  struct tiered_header *header = header_of(payload);
  COUNT(HEADER_READ);
  COUNT(MAGIC_CHECK);
  if (UNLIKELY(header->magic != MAGIC_LIVE))
    design_abort(header->magic == MAGIC_FREE
                     ? "this block was freed before"
                     : "not a block of this allocator, or its header was overwritten",
                 payload);
  return header;
}

/// A payload, and whether it was never used before: then it is zero.
struct tiered_block {
  char *payload;
  bool fresh;
};

FAST struct tiered_link *class_pop(struct tiered_class *class) {
  COUNT(FREE_LIST_POP);
  struct tiered_link *link = class->free;
  class->free = link->next;
  return link;
}

FAST void class_push(struct tiered_class *class, void *payload) {
  COUNT(FREE_LIST_PUSH);
  struct tiered_link *link = payload;
  link->next = class->free;
  class->free = link;
}

/// The next block of the run, which has room for it.
FAST char *class_carve(struct tiered_class *class, size_t stride) {
  COUNT(BLOCK_CARVE);
  char *payload = class->next + sizeof(struct tiered_header);
  class->next += stride;
  return payload;
}

FAST bool class_has_room(const struct tiered_class *class, size_t stride) {
  return (size_t)(class->end - class->next) >= stride;
}

/// Cuts as many blocks as asked for and fit, and has them ready on the list.
static __attribute__((unused)) void class_warm(struct tiered_class *class, size_t stride,
                                               uint32_t blocks) {
  for (; blocks > 0 && class_has_room(class, stride); blocks--) {
    char *payload = class_carve(class, stride);
    header_of(payload)->magic = MAGIC_FREE;
    COUNT(BLOCK_LINK);
    ((struct tiered_link *)payload)->next = class->free;
    class->free = (struct tiered_link *)payload;
    class->count++;
  }
}
