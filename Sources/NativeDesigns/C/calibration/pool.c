#include "calibration/kernel.h"

enum { SCRATCH_BIN = 4, LARGE_BIN = 30, FRESH_PAGES = 48, LIST_BLOCKS = 64 };

static size_t sizes[KERNEL_VALUES], any_sizes[KERNEL_VALUES];
/// Probes of a search for each of `any_sizes`, added up.
static uint64_t probes;
static void *live[KERNEL_BLOCKS];
/// Free blocks, each linked to the next, the last to the first.
static struct pool_block *ring[KERNEL_BLOCKS];
static char ring_bytes[KERNEL_BLOCKS * LINE_BYTES] __attribute__((aligned(4096)));
static char extended_bytes[2 * EXTEND_BYTES] __attribute__((aligned(4096)));
/// A page without a segment, alone in the queue of a heap without a thread; pages to be extended.
static struct pool_heap scratch_heap;
static struct pool_page scratch __attribute__((aligned(64)));
static struct pool_page wide __attribute__((aligned(64))), narrow __attribute__((aligned(64)));
static struct pool_segment *scratch_segment;
static struct pool_page *taken[FRESH_PAGES + 1];

static struct pool_page *page_here(void) {
  struct pool_page *page = &scratch;
  HIDE(page);
  return page;
}

static struct pool_heap *heap_scratch(void) {
  struct pool_heap *heap = &scratch_heap;
  HIDE(heap);
  return heap;
}

/// As a page is that is found without free blocks but with freed ones.
FAST void page_refill(struct pool_page *page, struct pool_block *block) {
  page->free = NULL;
  page->local_free = block;
  KEEP(page);
}

FAST void heap_rebin(struct pool_heap *heap, struct pool_page *page, uint32_t bin) {
  page->bin = (uint8_t)bin;
  page->block_bytes = bin_bytes[bin];
  heap->first[bin] = heap->last[bin] = page;
}

static void begin_kernels(void) {
  draw(sizes, 1, 512);
  draw(any_sizes, 129, 64 << 10);
  for (int i = 0; i < KERNEL_VALUES; i++) {
    uint32_t low = 1, high = BIN_COUNT - 1;
    for (; low < high; probes++) {
      uint32_t middle = (low + high) / 2;
      if (bin_bytes[middle] < any_sizes[i]) low = middle + 1;
      else high = middle;
    }
  }
  for (int i = 0; i < KERNEL_BLOCKS; i++) {
    live[i] = design_allocate(100, 0, 0, 1);
    ring[i] = (struct pool_block *)(ring_bytes + i * LINE_BYTES);
  }
  for (int i = 0; i < KERNEL_BLOCKS; i++)
    block_set_next(ring[i], ring[(i + 1) % KERNEL_BLOCKS]);
  for (uint32_t bin = 0; bin < BIN_COUNT; bin++) scratch_heap.first[bin] = &scratch_heap.empty;
  scratch.start = ring_bytes;
  scratch.free = ring[0];
  heap_rebin(&scratch_heap, &scratch, SCRATCH_BIN);
  wide = (struct pool_page){.block_bytes = EXTEND_BYTES, .reserved = 2, .start = extended_bytes};
  narrow = (struct pool_page){.block_bytes = 16, .reserved = 512, .start = extended_bytes};
  scratch_segment = region_map(SEGMENT_BYTES, SEGMENT_BYTES);
  scratch_segment->heap = &scratch_heap;
}

KERNEL(class_direct, rounds, KEEP(heap_here()->direct[(VALUE(sizes) + 7) / 8]),
       (KEEP(heap_here()), KEEP(VALUE(sizes))));
KERNEL(class_zeros, rounds, KEEP(bin_computed(VALUE(any_sizes))), KEEP(VALUE(any_sizes)));
KERNEL(class_probe, rounds / KERNEL_VALUES * probes, KEEP(bin_searched(VALUE(any_sizes))),
       KEEP(VALUE(any_sizes)));
KERNEL(local, rounds, KEEP(heap_here()), KEEP(round));
KERNEL(lookup, rounds, KEEP(page_in(segment_of(BLOCK(live)), BLOCK(live))), KEEP(BLOCK(live)));
KERNEL(list_pop, rounds, KEEP(pop(page_here())), {
  struct pool_page *page = page_here();
  KEEP(page->free);
  page_add_used(page, 1);
});
KERNEL(list_push, rounds, push_local(page_here(), BLOCK(ring)),
       (KEEP(page_here()), KEEP(BLOCK(ring))));
KERNEL(collect, rounds, {
  struct pool_page *page = page_here();
  page_refill(page, BLOCK(ring));
  page_collect(page);
}, page_refill(page_here(), BLOCK(ring)));
KERNEL(visit, rounds, {
  struct pool_page *page = page_here();
  page_refill(page, BLOCK(ring));
  KEEP(page_find(heap_scratch(), SCRATCH_BIN));
}, {
  struct pool_page *page = page_here();
  page_refill(page, BLOCK(ring));
  page_collect(page);
  KEEP(page);
});
KERNEL(slow, rounds, {
  page_refill(page_here(), BLOCK(ring));
  KEEP(allocate_slow(heap_scratch(), SCRATCH_BIN));
}, {
  page_refill(page_here(), BLOCK(ring));
  KEEP(take(page_find(heap_scratch(), SCRATCH_BIN)));
});
KERNEL(retire, rounds, page_retire(heap_scratch(), page_here()), KEEP(round));
KERNEL(entries, rounds * 16, queue_update_direct(heap_scratch(), 20), KEEP(round));
KERNEL(unalign, rounds, KEEP(block_start(page_here(), (char *)BLOCK(ring) + 8)),
       KEEP((char *)BLOCK(ring) + 8));
KERNEL(in_place, rounds, KEEP(design_reallocate(BLOCK(live), 100, 1)), {
  header_check(BLOCK(live));
  KEEP(usable_size(BLOCK(live)));
  header_write(BLOCK(live), 100, 1);
});
KERNEL(fresh, rounds, KEEP(segment_take_page(heap_scratch(), SCRATCH_BIN)), KEEP(round));
KERNEL(give_back, rounds, segment_return_page(heap_scratch(), taken[round]), KEEP(taken[round]));
KERNEL(segment, rounds, {
  struct pool_heap *heap = heap_scratch();
  heap->spare = scratch_segment;
  KEEP(segment_new(heap, SMALL_PAGE));
  segment_unlink(heap, scratch_segment);
}, {
  struct pool_heap *heap = heap_scratch();
  heap->spare = scratch_segment;
  segment_link(heap, scratch_segment);
  KEEP(heap->spare);
  heap->spare = NULL;
  segment_unlink(heap, scratch_segment);
});
KERNEL(pair, rounds * 2, {
  void *(*allocate)(size_t, uintptr_t) = mallometer_malloc_at;
  void (*release)(void *) = free;
  HIDE(allocate);
  HIDE(release);
  void *block = allocate(VALUE(sizes), 1);
  KEEP(block);
  release(block);
}, KEEP(VALUE(sizes)));

/// Every page of the segment free.
static uint64_t segment_reset(uint64_t rounds) {
  scratch_heap.segments[SMALL_PAGE] = NULL;
  scratch_heap.spare = scratch_segment;
  segment_new(&scratch_heap, SMALL_PAGE);
  return rounds;
}

/// One page more than will be returned is taken: the segment stays in use.
static uint64_t segment_fill(uint64_t rounds) {
  segment_reset(rounds);
  for (int i = 0; i <= FRESH_PAGES; i++) taken[i] = segment_take_page(&scratch_heap, SCRATCH_BIN);
  return rounds;
}

#if HAS_BUMP
KERNEL(bump, rounds, {
  struct pool_page *page = page_here();
  page->free = NULL;
  page->capacity = 0;
  KEEP(page);
  KEEP(take(page));
}, {
  struct pool_page *page = page_here();
  page->free = NULL;
  page->capacity = 0;
  KEEP(page);
  KEEP(page_add_used(page, 1));
});
#define VARIANT_KERNELS MEASURED("block-bump", bump)
#else
KERNEL(extend, rounds, {
  wide.capacity = 0;
  KEEP(&wide);
  page_extend(&wide);
}, {
  wide.capacity = 0;
  KEEP(&wide);
});
KERNEL(link, rounds * 255, {
  narrow.capacity = 0;
  KEEP(&narrow);
  page_extend(&narrow);
}, {
  wide.capacity = 0;
  KEEP(&wide);
  page_extend(&wide);
});
#define EXTEND_KERNELS                                                                             \
  MEASURED("page-extend", extend), PREPARED("block-link", link, NULL, 256)
#endif

#if !IS_LOCKED && !HAS_BUMP
KERNEL(full, rounds, {
  struct pool_heap *heap = heap_scratch();
  struct pool_page *page = page_here();
  heap_rebin(heap, page, LARGE_BIN);
  page_make_full(heap, page);
  page_make_available(heap, page);
}, {
  struct pool_page *page = page_here();
  heap_rebin(heap_scratch(), page, LARGE_BIN);
  uintptr_t none = 0;
  KEEP(atomic_compare_exchange_strong(&page->remote, &none, REMOTE_NOTIFY));
  KEEP(atomic_exchange_explicit(&page->remote, 0, memory_order_acquire));
});
KERNEL(remote, rounds, free_remote(scratch_segment, page_here(), BLOCK(ring)), {
  struct pool_page *page = page_here();
  uintptr_t list = atomic_load_explicit(&page->remote, memory_order_relaxed);
  KEEP(atomic_compare_exchange_weak_explicit(&page->remote, &list, (uintptr_t)BLOCK(ring),
                                             memory_order_acq_rel, memory_order_relaxed));
});
/// A list that ends, and the page it is on; taking it reverses it.
static uint64_t list_build(uint64_t rounds) {
  for (int i = 0; i < LIST_BLOCKS; i++)
    block_set_next(ring[i], i + 1 < LIST_BLOCKS ? ring[i + 1] : NULL);
  scratch.free = ring[0];
  return rounds;
}
/// The ring again.
static uint64_t ring_build(uint64_t rounds) {
  for (int i = 0; i < KERNEL_BLOCKS; i++)
    block_set_next(ring[i], ring[(i + 1) % KERNEL_BLOCKS]);
  scratch.free = ring[0];
  scratch.local_free = NULL;
  atomic_store_explicit(&scratch.remote, 0, memory_order_relaxed);
  atomic_store_explicit(&scratch.flags, 0, memory_order_relaxed);
  scratch.next = scratch.previous = NULL;
  heap_rebin(&scratch_heap, &scratch, SCRATCH_BIN);
  return rounds;
}
KERNEL(remote_take, rounds * LIST_BLOCKS, {
  struct pool_page *page = page_here();
  struct pool_block *list = page->free;
  page->free = NULL;
  page_take_remote(page, (uintptr_t)list);
}, KEEP(page_here()->free));
#define REMOTE_KERNELS                                                                             \
  PREPARED("page-full-available", full, ring_build, KERNEL_ROUNDS),                                \
      PREPARED("remote-free", remote, ring_build, KERNEL_ROUNDS),                                  \
      PREPARED("remote-collect", remote_take, list_build, 512)
#endif

#if MALLOMETER_TOGGLE_HEADER > 0
KERNEL(write_header, rounds, header_write(BLOCK(live), 100, round), KEEP(BLOCK(live)));
KERNEL(read_header, rounds, KEEP(header_of(BLOCK(live))->magic), KEEP(BLOCK(live)));
KERNEL(check, rounds, header_check(BLOCK(live)), KEEP(header_of(BLOCK(live))->magic));
#define VARIANT_KERNELS                                                                            \
  MEASURED("header-write", write_header), MEASURED("header-read", read_header),                    \
      MEASURED("magic-check", check)
#endif

#if IS_ENCODED
KERNEL(encode, rounds, (block_set_next(BLOCK(ring), ring[0]), KEEP(round)),
       (BLOCK(ring)->next = ring[0], KEEP(round)));
KERNEL(decode, rounds, KEEP(block_next(BLOCK(ring))), KEEP(BLOCK(ring)->next));
#define VARIANT_KERNELS                                                                            \
  MEASURED("free-list-decode", decode), MEASURED("free-list-encode", encode)
#endif

#if IS_EAGER
KERNEL(ask, rounds, (page_check_remote(page_here()), KEEP(round)), KEEP(page_here()));
#define VARIANT_KERNELS MEASURED("remote-check", ask)
#endif

#if HAS_MAGAZINES
KERNEL(magazine_out, rounds, {
  struct pool_magazine *magazine = &heap_scratch()->magazines[SCRATCH_BIN];
  magazine->count = 8;
  KEEP(magazine);
  KEEP(magazine_pop(magazine));
}, {
  struct pool_magazine *magazine = &heap_scratch()->magazines[SCRATCH_BIN];
  magazine->count = 8;
  KEEP(magazine);
});
KERNEL(magazine_in, rounds, {
  struct pool_heap *heap = heap_scratch();
  heap->magazines[SCRATCH_BIN].count = 4;
  KEEP(heap);
  KEEP(magazine_push(heap, page_here(), BLOCK(ring)));
}, {
  struct pool_heap *heap = heap_scratch();
  heap->magazines[SCRATCH_BIN].count = 4;
  KEEP(heap);
  KEEP(BLOCK(ring));
});
#define VARIANT_KERNELS                                                                            \
  MEASURED("magazine-pop", magazine_out), MEASURED("magazine-push", magazine_in)
#endif

#if MALLOMETER_TOGGLE_PREFETCH == MALLOMETER_PREFETCH_ON
KERNEL(fetch, rounds, KEEP(pop(page_here())), {
  struct pool_page *page = page_here();
  struct pool_block *block = page->free;
  page->free = block_next(block);
  page_add_used(page, 1);
  KEEP(block);
});
#define VARIANT_KERNELS PREPARED("block-prefetch", fetch, ring_build, KERNEL_ROUNDS)
#endif

#if MALLOMETER_TOGGLE_TLS_MODEL == MALLOMETER_TLS_MODEL_GLOBAL_DYNAMIC
#define LOCAL_NAME "thread-local-call"
#else
#define LOCAL_NAME "thread-local-access"
#endif

#ifndef VARIANT_KERNELS
#define VARIANT_KERNELS MEASURED(LOCAL_NAME, local)
#endif
#ifndef REMOTE_KERNELS
#define REMOTE_KERNELS COMMON_KERNELS
#define ring_build NULL
#endif
#ifndef EXTEND_KERNELS
#define EXTEND_KERNELS MEASURED(LOCAL_NAME, local)
#endif

EXPORT_KERNELS(
    // The first changes nothing: it puts back what the last left.
    PREPARED("free-list-pop", list_pop, ring_build, KERNEL_ROUNDS),
    MEASURED("size-class-direct", class_direct), MEASURED("size-class-leading-zeros", class_zeros),
    MEASURED("size-class-search-probe", class_probe), MEASURED(LOCAL_NAME, local),
    MEASURED("page-lookup", lookup), PREPARED("free-list-push", list_push, NULL, KERNEL_ROUNDS),
    PREPARED("free-list-collect", collect, ring_build, KERNEL_ROUNDS),
    PREPARED("page-visit", visit, ring_build, KERNEL_ROUNDS),
    PREPARED("allocate-slow", slow, ring_build, KERNEL_ROUNDS),
    PREPARED("page-retire", retire, ring_build, KERNEL_ROUNDS),
    MEASURED("direct-entry-write", entries), MEASURED("block-unalign", unalign),
    MEASURED("reallocate-in-place", in_place), EXTEND_KERNELS,
    PREPARED("page-fresh", fresh, segment_reset, FRESH_PAGES),
    PREPARED("page-return", give_back, segment_fill, FRESH_PAGES),
    PREPARED("segment-init", segment, segment_reset, KERNEL_ROUNDS), REMOTE_KERNELS,
    MEASURED("malloc-free", pair), VARIANT_KERNELS, COMMON_KERNELS)
