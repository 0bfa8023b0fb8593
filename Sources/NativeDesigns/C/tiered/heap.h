// What a thread owns: its medium classes, what it has seen of its own pattern, its statistics. An
// ended thread's heap waits, whole, for the next thread that starts.

enum { MEDIUM_CLASSES = 5 };

struct tiered_pattern {
  /// Allocations of this round by tier.
  uint32_t seen[TIER_COUNT];
  uint32_t round;
  /// Mappings of as many pages as the one before.
  uint32_t repeats;
  size_t last_bytes;
  /// Whether mappings are rounded up, so that they fit again.
  bool rounds;
};

struct tiered_statistics {
  _Atomic(uint64_t) allocations[TIER_COUNT];
  _Atomic(uint64_t) frees[TIER_COUNT];
  _Atomic(uint64_t) bytes;
  _Atomic(uint64_t) hits;
  _Atomic(uint64_t) misses;
  SHARED_LINES(lines, 2)
};

struct tiered_heap {
  struct tiered_class medium[MEDIUM_CLASSES];
  _Alignas(LINE_BYTES) struct tiered_pattern pattern;
  _Alignas(LINE_BYTES) struct tiered_statistics statistics;
  struct tiered_heap *next_abandoned;
  struct tiered_heap *next;
};

#if HEAP_ALWAYS || OWN_MEDIUM

THREAD_LOCAL(struct tiered_heap *, thread_heap, NULL);

static struct {
  struct mutex_lock lock;
  struct tiered_heap *first;
  struct tiered_heap *abandoned;
} heaps = {.lock = MUTEX_LOCK_INITIALLY};

static void medium_warm(struct tiered_class *classes);

/// The calling thread's first heap: an abandoned one, or a new one. NULL when out of memory.
SLOW struct tiered_heap *heap_begin(void) {
  mutex_acquire(&heaps.lock);
  struct tiered_heap *heap = heaps.abandoned;
  if (heap) heaps.abandoned = heap->next_abandoned;
  mutex_release(&heaps.lock);
  if (!heap) {
    heap = region_map(sizeof *heap, OS_PAGE_BYTES);
    if (!heap) return NULL;
    COUNT(HEAP_INIT);
    mutex_acquire(&heaps.lock);
    heap->next = heaps.first;
    heaps.first = heap;
    mutex_release(&heaps.lock);
#if WARMS && OWN_MEDIUM
    medium_warm(heap->medium);
#endif
  }
  THREAD(thread_heap) = heap;
  thread_on_exit(heap);
  return heap;
}

/// NULL when the thread has none and there is no memory for one.
FAST struct tiered_heap *heap_find(void) {
  COUNT(THREAD_LOCAL_ACCESS);
  struct tiered_heap *heap = THREAD(thread_heap);
  return LIKELY(heap != NULL) ? heap : heap_begin();
}

static void design_thread_exit(void *value) {
  struct tiered_heap *heap = value;
  THREAD(thread_heap) = NULL;
  mutex_acquire(&heaps.lock);
  heap->next_abandoned = heaps.abandoned;
  heaps.abandoned = heap;
  mutex_release(&heaps.lock);
}

#else

static void design_thread_exit(void *value) { (void)value; }

#endif

#if SHARED_STATISTICS
static _Alignas(LINE_BYTES) struct tiered_statistics statistics;
#endif

/// One counter changed: a locked addition where all threads share it, a plain one where each has
/// its own. Nobody waits for an order: both are relaxed.
#if SHARED_STATISTICS
#define STATISTIC(heap, field, n)                                                                  \
  ((void)(heap), COUNT(STATISTIC_ATOMIC),                                                          \
   SHARED_WRITE(statistics.lines[offsetof(struct tiered_statistics, field) / LINE_BYTES]),         \
   (void)atomic_fetch_add_explicit(&statistics.field, (n), memory_order_relaxed))
#elif OWN_STATISTICS
#define STATISTIC(heap, field, n)                                                                  \
  (COUNT(STATISTIC_PLAIN),                                                                         \
   atomic_store_explicit(                                                                          \
       &(heap)->statistics.field,                                                                  \
       atomic_load_explicit(&(heap)->statistics.field, memory_order_relaxed) + (n),                \
       memory_order_relaxed))
#else
#define STATISTIC(heap, field, n) ((void)(heap))
#endif

// MARK: Patterns

enum {
  /// Allocations between two looks at the pattern.
  PATTERN_ROUND = 256,
  /// Mappings from which on a round says something about mappings.
  PATTERN_MAPPINGS = 8,
};

/// Enters an allocation. After every round: where fewer than half of the mappings repeated the size
/// before, sizes vary, and mappings are rounded up so that those in the cache fit more requests.
FAST void pattern_record(struct tiered_heap *heap, enum tier tier) {
#if DETECTS_PATTERNS
  COUNT(PATTERN_RECORD);
  struct tiered_pattern *pattern = &heap->pattern;
  pattern->seen[tier]++;
  if (LIKELY(++pattern->round < PATTERN_ROUND)) return;
  COUNT(PATTERN_UPDATE);
  uint32_t mappings = pattern->seen[MAPPED_TIER];
  if (mappings >= PATTERN_MAPPINGS) pattern->rounds = 2 * pattern->repeats < mappings;
  pattern->round = 0;
  pattern->repeats = 0;
  for (uint32_t tier = 0; tier < TIER_COUNT; tier++) pattern->seen[tier] = 0;
#else
  (void)heap, (void)tier;
#endif
}

/// The bytes of a mapping, as the pattern wants them: whole pages, or rounded up to an eighth of a
/// doubling.
FAST size_t pattern_bytes(struct tiered_heap *heap, size_t bytes) {
#if DETECTS_PATTERNS
  struct tiered_pattern *pattern = &heap->pattern;
  if (bytes == pattern->last_bytes) pattern->repeats++;
  pattern->last_bytes = bytes;
  if (!pattern->rounds) return bytes;
  COUNT(PATTERN_ROUNDING);
  size_t eighth = (size_t)1 << (60 - (uint32_t)__builtin_clzll(bytes));
  return align_up(bytes, eighth > OS_PAGE_BYTES ? eighth : OS_PAGE_BYTES);
#else
  (void)heap;
  return bytes;
#endif
}
