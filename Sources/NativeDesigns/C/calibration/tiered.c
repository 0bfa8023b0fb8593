#include "calibration/kernel.h"

enum { MOVED_CLASS = 0, MOVED_BLOCKS = 2 * MEDIUM_MOVE, PROBED = 8 };

static size_t sizes[KERNEL_VALUES], medium_sizes[KERNEL_VALUES];
static char block_bytes[MOVED_BLOCKS * LINE_BYTES] __attribute__((aligned(4096)));
static char run_bytes[4096] __attribute__((aligned(4096)));
static struct tiered_heap *heap;
/// Whole regions for the cache: no pages, only their names.
static char *regions;

static void begin_kernels(void) {
  draw(sizes, 1, 1000);
  draw(medium_sizes, 1024, (16 << 10) - 1);
  heap = heap_find();
  struct tiered_class *class = &heap->medium[MOVED_CLASS];
  class->free = NULL;
  class->count = 0;
  for (int i = 0; i < MOVED_BLOCKS; i++) {
    class_push(class, block_bytes + i * LINE_BYTES);
    class->count++;
  }
  regions = region_map(1 << 20, OS_PAGE_BYTES);
  for (int i = 1; i <= PROBED; i++) cache_put(regions + i * (64 << 10), 64 << 10);
}

KERNEL(shift, rounds, KEEP(small_class(VALUE(sizes))), KEEP(VALUE(sizes)));
KERNEL(zeros, rounds, KEEP(medium_class(VALUE(medium_sizes))), KEEP(VALUE(medium_sizes)));
/// A portion to the shared list and back.
KERNEL(transfer, rounds * 2 * MEDIUM_MOVE, {
  struct tiered_class *class = &heap->medium[MOVED_CLASS];
  medium_give(class, MOVED_CLASS);
  class->count = 0;
  KEEP(medium_take(class, MOVED_CLASS));
  class->count = MOVED_BLOCKS;
}, {
  mutex_acquire(&medium.lock);
  mutex_release(&medium.lock);
  mutex_acquire(&medium.lock);
  mutex_release(&medium.lock);
});
#if DETECTS_PATTERNS
KERNEL(pattern, rounds, {
  heap->pattern.round = 0;
  KEEP(heap);
  pattern_record(heap, SMALL_TIER);
  KEEP(heap);
}, {
  heap->pattern.round = 0;
  KEEP(heap);
});
KERNEL(pattern_round, rounds, {
  heap->pattern.round = PATTERN_ROUND - 1;
  KEEP(heap);
  pattern_record(heap, SMALL_TIER);
  KEEP(heap);
}, {
  heap->pattern.round = 0;
  KEEP(heap);
  pattern_record(heap, SMALL_TIER);
  KEEP(heap);
});
KERNEL(rounding, rounds, {
  heap->pattern.rounds = true;
  KEEP(heap);
  KEEP(pattern_bytes(heap, VALUE(medium_sizes) * 16));
}, {
  heap->pattern.rounds = false;
  KEEP(heap);
  KEEP(pattern_bytes(heap, VALUE(medium_sizes) * 16));
});
#endif
KERNEL(statistic, rounds, (STATISTIC(heap, bytes, 5), KEEP(round)), KEEP(round));
KERNEL(carve, rounds, {
  struct tiered_class class = {.next = run_bytes};
  HIDE(class.next);
  KEEP(class_carve(&class, 64));
  KEEP(class.next);
}, {
  struct tiered_class class = {.next = run_bytes};
  HIDE(class.next);
  KEEP(class.next);
});
/// Entries that don't fit: a search through all of them.
KERNEL(probe, rounds * PROBED, {
  size_t bytes = 1 << 10;
  HIDE(bytes);
  KEEP(cache_take(&bytes));
}, {
  mutex_acquire(&cache.lock);
  KEEP(round);
  mutex_release(&cache.lock);
});
/// The first entry fits, is taken, and goes back.
KERNEL(take_put, rounds, {
  size_t bytes = 60 << 10;
  HIDE(bytes);
  char *region = cache_take(&bytes);
  cache_put(region, bytes);
}, {
  mutex_acquire(&cache.lock);
  KEEP(cache.slots[0].next);
  mutex_release(&cache.lock);
  mutex_acquire(&cache.lock);
  KEEP(round);
  mutex_release(&cache.lock);
});
#if HUGE_PAGES
KERNEL(detect, rounds, huge_detect(), KEEP(round));
#define HUGE_KERNELS PREPARED("huge-page-detect", detect, NULL, 16),
#else
#define HUGE_KERNELS
#endif
#if SHARED_STATISTICS
#define STATISTIC_NAME "statistic-atomic"
#else
#define STATISTIC_NAME "statistic-plain"
#endif

EXPORT_KERNELS(HUGE_KERNELS MEASURED("size-class-shift", shift),
               MEASURED("size-class-leading-zeros", zeros),
               PREPARED("block-transfer", transfer, NULL, 512), MEASURED("pattern-record", pattern),
               MEASURED("pattern-update", pattern_round), MEASURED("pattern-rounding", rounding),
               MEASURED(STATISTIC_NAME, statistic), MEASURED("block-carve", carve),
               PREPARED("region-cache-probe", probe, NULL, 2048),
               PREPARED("region-cache-hit-store", take_put, NULL, 2048), COMMON_KERNELS)
