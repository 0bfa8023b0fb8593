// The small pool, shared by all threads behind one lock: a free list per class, runs that blocks are
// cut from, segments that runs are cut from. Nothing goes back to the kernel.
//
// Without tiers the same heap serves everything up to 128 KiB, with four classes per doubling above
// 128 bytes instead of one every 16 bytes.

enum {
  SMALL_RUN = 32 << 10,
  SMALL_SEGMENT = 1 << 20,
#if TIERS
  SMALL_CLASSES = (SMALL_END + 16) / 16,
#else
  SMALL_CLASSES = 8 + 4 * 11,
#endif
  /// Blocks of every class that warming makes ready.
  SMALL_WARM = 8,
};

static struct {
  _Alignas(LINE_BYTES) struct mutex_lock lock;
  /// What is left of the current segment.
  char *next;
  char *end;
  _Alignas(LINE_BYTES) struct tiered_class classes[SMALL_CLASSES];
  /// Two classes share one.
  SHARED_LINES(lines, SMALL_CLASSES / 2 + 1)
} small = {.lock = MUTEX_LOCK_INITIALLY};

/// Bytes from one block of a class to the next, its header included.
FAST size_t small_stride(uint32_t class) {
#if TIERS
  return 16 * ((size_t)class + 1);
#else
  if (class < 8) return 16 * ((size_t)class + 1);
  return (size_t)(5 + (class - 8) % 4) << (5 + (class - 8) / 4);
#endif
}

FAST uint32_t small_class(size_t size) {
  size_t bytes = size + sizeof(struct tiered_header);
#if TIERS
  COUNT(SIZE_CLASS_SHIFT);
  return (uint32_t)((bytes + 15) / 16) - 1;
#else
  if (bytes <= 128) {
    COUNT(SIZE_CLASS_SHIFT);
    return (uint32_t)((bytes + 15) / 16) - 1;
  }
  COUNT(SIZE_CLASS_LEADING_ZEROS);
  uint32_t log2 = 63 - (uint32_t)__builtin_clzll(bytes - 1);
  return 8 + (log2 - 7) * 4 + ((uint32_t)((bytes - 1) >> (log2 - 2)) & 3);
#endif
}

/// A run for a class that has neither a free block nor a rest. False when out of memory.
SLOW bool small_refill(struct tiered_class *class, size_t stride) {
  size_t run = stride <= SMALL_RUN / 8 ? (size_t)SMALL_RUN : align_up(4 * stride + 8, SMALL_RUN);
  if ((size_t)(small.end - small.next) < run) {
    char *segment = region_map(SMALL_SEGMENT, OS_PAGE_BYTES);
    if (!segment) return false;
    small.next = segment;
    small.end = segment + SMALL_SEGMENT;
  }
  COUNT(RUN_CARVE);
  // Payloads are 16-byte aligned: blocks start 8 bytes before.
  class->next = small.next + 8;
  class->end = small.next + run;
  small.next += run;
  return true;
}

#if WARMS
/// Before the pool serves its first block.
SLOW void small_warm(void) {
  COUNT(POOL_WARM);
  for (uint32_t class = 0; class < SMALL_CLASSES; class++) {
    if (!small_refill(&small.classes[class], small_stride(class))) return;
    SHARED_WRITE(small.lines[class / 2]);
    class_warm(&small.classes[class], small_stride(class), SMALL_WARM);
  }
}
#endif

/// The payload is NULL when out of memory.
static inline struct tiered_block small_allocate(size_t size) {
  uint32_t number = small_class(size);
  size_t stride = small_stride(number);
  struct tiered_class *class = &small.classes[number];
  struct tiered_block block = {0};
  mutex_acquire(&small.lock);
#if WARMS
  if (UNLIKELY(!small.end)) small_warm();
#endif
  SHARED_WRITE(small.lines[number / 2]);
  if (LIKELY(class->free)) {
    block.payload = (char *)class_pop(class);
  } else if (LIKELY(class_has_room(class, stride)) || small_refill(class, stride)) {
    block.payload = class_carve(class, stride);
    block.fresh = true;
  }
  mutex_release(&small.lock);
  if (LIKELY(block.payload)) header_write(block.payload, SMALL_TIER, number);
  return block;
}

static inline void small_free(void *payload, uint32_t number) {
  mutex_acquire(&small.lock);
  SHARED_WRITE(small.lines[number / 2]);
  class_push(&small.classes[number], payload);
  mutex_release(&small.lock);
}
