#include "calibration/kernel.h"

enum { STRATEGY_TAKEN = 3, RUN_BLOCKS = 64, RUN_BYTES = 64 };

static size_t sizes[KERNEL_VALUES], large_sizes[KERNEL_VALUES], sites[KERNEL_VALUES];
static struct reuse_header *blocks[KERNEL_BLOCKS];
/// Headers of blocks that nobody will use: the cache never reads further.
static char block_bytes[KERNEL_BLOCKS * LINE_BYTES] __attribute__((aligned(4096)));
static char run_bytes[RUN_BLOCKS * RUN_BYTES] __attribute__((aligned(4096)));

static void begin_kernels(void) {
  draw(sizes, 16, 1000);
  draw(large_sizes, 1 << 20, 15 << 20);
  draw(sites, 1 << 12, (size_t)1 << 40);
  for (int i = 0; i < KERNEL_BLOCKS; i++) {
    blocks[i] = (struct reuse_header *)(block_bytes + i * LINE_BYTES);
    write_header(blocks[i], REUSE_METHOD_MAPPED, (size_t)2 << 20, (size_t)2 << 20, sites[0]);
  }
}

// MARK: Headers

KERNEL(mark, rounds, (mark_magic(BLOCK(blocks), REUSE_FREE), KEEP(round)), KEEP(BLOCK(blocks)));
#if IS(HEADER, 32) && IS(SITE_FIELDS, CACHEABLE)
KERNEL(site_fields, rounds, {
  size_t actual = (size_t)2 << 20;
  HIDE(actual);
  write_header(BLOCK(blocks), REUSE_METHOD_MAPPED, actual, actual, round);
  KEEP(round);
}, {
  size_t actual = 112;
  HIDE(actual);
  write_header(BLOCK(blocks), REUSE_METHOD_MAPPED, actual, actual, round);
  KEEP(round);
});
#define SITE_KERNELS MEASURED("site-fields-write", site_fields),
#else
#define SITE_KERNELS
#endif

// MARK: Cache

#if IS(CACHE, GLOBAL) && IS(FREE_LISTS, OFF)
FAST struct cache_slot *slot_here(int valid) {
  struct cache_slot *slot = &CACHE_HERE.slots[1][1];
  HIDE(slot);
  slot->valid = (uint64_t)valid;
  slot->site = sites[0];
  KEEP(slot);
  return slot;
}

KERNEL(class, rounds, KEEP(cache_class(VALUE(large_sizes))), KEEP(VALUE(large_sizes)));
KERNEL(hash, rounds, KEEP(&CACHE_HERE.slots[(VALUE(sites) >> 12) % CACHE_SITES][1]),
       KEEP(&CACHE_HERE.slots[VALUE(sites) & 63][1]));
KERNEL(lookup, rounds, KEEP(cache_take(VALUE(large_sizes), VALUE(sites))), {
  struct cache_slot *slot = cache_slot_of(VALUE(sites), cache_class(VALUE(large_sizes)));
  cache_lock();
  KEEP(slot);
  cache_unlock();
});
KERNEL(hit, rounds, KEEP(cache_slot_take(slot_here(1), 1 << 20, sites[0])),
       KEEP(cache_slot_take(slot_here(0), 1 << 20, sites[0])));
KERNEL(store, rounds, KEEP(cache_slot_put(slot_here(0), BLOCK(blocks), sites[0])), {
  slot_here(0);
  KEEP(BLOCK(blocks));
});
KERNEL(evict, rounds, KEEP(cache_slot_put(slot_here(1), BLOCK(blocks), sites[0])),
       KEEP(cache_slot_put(slot_here(0), BLOCK(blocks), sites[0])));
KERNEL(append, rounds, {
  mappings.pending_count = 3;
  KEEP(round);
  mapping_evict(BLOCK(blocks), (size_t)2 << 20);
}, {
  mappings.pending_count = 3;
  KEEP(round);
  lock_acquire(&mappings.lock);
  KEEP(BLOCK(blocks));
  lock_release(&mappings.lock);
});
#if IS(CACHE_PREFETCH, ON)
KERNEL(fetch, rounds, KEEP(cache_slot_of(VALUE(sites), 1)),
       KEEP(&CACHE_HERE.slots[(VALUE(sites) >> 12) % CACHE_SITES][1]));
#define CACHE_KERNELS MEASURED("cache-prefetch", fetch),
#else
#define CACHE_KERNELS                                                                              \
  MEASURED("cache-class", class), MEASURED("site-hash", hash), MEASURED("cache-lookup", lookup),   \
      MEASURED("cache-hit", hit), MEASURED("cache-store", store), MEASURED("cache-evict", evict),  \
      MEASURED("batch-append", append),
#endif
#else
#define CACHE_KERNELS
#endif

// MARK: Policy

KERNEL(random, rounds, KEEP(policy_random()), KEEP(round));
KERNEL(test, rounds, KEEP(policy_explores()), KEEP(policy_random()));
KERNEL(scan_best, rounds * POLICY_STRATEGIES, KEEP(policy_scan_best()), KEEP(round));
KERNEL(scan_active, rounds * POLICY_STRATEGIES, {
  uint8_t list[POLICY_STRATEGIES];
  KEEP(policy_scan_active(list));
}, KEEP(round));
KERNEL(exploit, rounds, KEEP(policy_exploit()), KEEP(round));
KERNEL(explore, rounds, KEEP(policy_explore()), KEEP(policy_random()));
KERNEL(threshold, rounds, {
  uint32_t strategy = (uint32_t)round & 7;
  HIDE(strategy);
  KEEP(policy.strategies[strategy].threshold);
}, {
  uint32_t strategy = (uint32_t)round & 7;
  HIDE(strategy);
});
KERNEL(use, rounds, {
  uint32_t strategy = STRATEGY_TAKEN;
  HIDE(strategy);
  ADD(policy.strategies[strategy].uses, 1);
  uint64_t selections = LOAD(policy.selections) + 1;
  if (UNLIKELY(selections >= (uint64_t)1 << 40)) STORE(policy.selections, 0);
  else STORE(policy.selections, selections);
  KEEP(round);
}, KEEP(round));
/// The choice itself: the branch on the random test, and what calls it.
KERNEL(select, rounds, KEEP(policy_explores() ? policy_explore() : policy_exploit()), {
  KEEP(policy_explores());
  KEEP(policy_exploit());
});
KERNEL(outcome, rounds, {
  uint32_t strategy = STRATEGY_TAKEN;
  HIDE(strategy);
  policy_outcome(strategy, POLICY_DECISIVE, 3);
  KEEP(round);
}, KEEP(round));
KERNEL(evolution, rounds, (evolution_record(VALUE(sizes)), KEEP(round)), KEEP(VALUE(sizes)));
/// Twelve strategies with decisions enough: as many games as there are pairs.
FAST void policy_restart(void) {
  for (uint32_t i = 0; i < POLICY_STRATEGIES; i++) {
    STORE(policy.strategies[i].rating, POLICY_RATING);
    STORE(policy.strategies[i].active, 1);
    STORE(policy.strategies[i].decisions, POLICY_DECISIONS);
    STORE(policy.strategies[i].cost, 100 + i);
  }
  KEEP(&policy);
}
KERNEL(update, rounds * (POLICY_STRATEGIES * (POLICY_STRATEGIES - 1) / 2),
       (policy_restart(), policy_update()), policy_restart());

#if IS(RANDOM_TEST, FLOAT)
#define TEST_KERNELS MEASURED("policy-test-float", test),
#else
#define TEST_KERNELS MEASURED("policy-test-integer", test),
#endif
#if IS(BEST_STRATEGY, CACHED)
#define BEST_KERNELS MEASURED("policy-best-cached", exploit),
#else
#define BEST_KERNELS MEASURED("policy-scan-best", scan_best),
#endif
#if IS(ACTIVE_LIST, PRECOMPUTED)
#define ACTIVE_KERNELS MEASURED("policy-active-cached", explore),
#else
#define ACTIVE_KERNELS MEASURED("policy-scan-active", scan_active),
#endif

// MARK: Backing

#if IS(BACKING, SEGREGATED)
static uint64_t run_end(uint64_t rounds) {
  struct backing_bin *bin = &backing.bins[backing_bin_of(RUN_BYTES)];
  bin->free = NULL;
  bin->end = run_bytes + sizeof run_bytes;
  return rounds;
}
KERNEL(carve, rounds, {
  backing.bins[backing_bin_of(RUN_BYTES)].next = run_bytes;
  KEEP(round);
  KEEP(backing_allocate(RUN_BYTES).header);
}, {
  backing.bins[backing_bin_of(RUN_BYTES)].next = run_bytes;
  lock_acquire(&backing.lock);
  KEEP(round);
  lock_release(&backing.lock);
});
/// As if the segment were new; nobody writes to what is cut.
FAST void segment_restart(void) {
  char *segment = run_bytes;
  HIDE(segment);
  backing.next = segment;
  backing.end = segment + BACKING_SEGMENT;
  KEEP(segment);
}
KERNEL(run, rounds, {
  struct backing_bin bin;
  struct backing_block block = {.bytes = RUN_BYTES};
  segment_restart();
  KEEP(backing_refill(&bin, &block));
}, segment_restart());
#define BACKING_KERNELS                                                                            \
  PREPARED("block-carve", carve, run_end, KERNEL_ROUNDS), MEASURED("run-carve", run),
#else
KERNEL(call, rounds * 2, {
  struct backing_block block = backing_allocate(VALUE(sizes));
  KEEP(block.header);
  backing_free(block.header, block.bytes);
}, KEEP(VALUE(sizes)));
#define BACKING_KERNELS MEASURED("backing-call", call),
#endif

EXPORT_KERNELS(SITE_KERNELS CACHE_KERNELS TEST_KERNELS BEST_KERNELS ACTIVE_KERNELS BACKING_KERNELS
                   MEASURED("magic-mark", mark),
               MEASURED("policy-random", random), MEASURED("policy-select", select),
               MEASURED("policy-threshold", threshold), MEASURED("policy-record", use),
               MEASURED("policy-outcome", outcome), MEASURED("evolution-record", evolution),
               PREPARED("policy-update", update, NULL, 512), COMMON_KERNELS)
