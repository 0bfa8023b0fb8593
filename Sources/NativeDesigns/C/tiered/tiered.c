#include "types.h"

#include "heap.h"

#include "small.h"

#include "medium.h"

#include "mapped.h"

#include "huge.h"

// MARK: Allocation

FAST void record(struct tiered_heap *heap, enum tier tier, size_t size) {
  pattern_record(heap, tier);
  STATISTIC(heap, allocations[tier], 1);
  STATISTIC(heap, bytes, size);
  (void)tier, (void)size;
}

/// From the mmap threshold on, or with an alignment of a page or more.
static __attribute__((noinline)) struct tiered_block allocate_large(struct tiered_heap *heap,
                                                                    size_t size,
                                                                    size_t alignment) {
#if HUGE_PAGES
  if (size >= HUGE_THRESHOLD) {
    struct tiered_block block = huge_allocate(size, alignment);
    if (block.payload) {
      record(heap, HUGE_TIER, size);
      return block;
    }
  }
#endif
  record(heap, MAPPED_TIER, size);
  return mapped_allocate(heap, size, alignment);
}

/// The payload is NULL when out of memory.
FAST struct tiered_block allocate_block(size_t size, size_t alignment) {
  struct tiered_heap *heap = NULL;
#if HEAP_ALWAYS
  heap = heap_find();
  if (UNLIKELY(!heap)) return (struct tiered_block){0};
#endif
#if TIERS
  COUNT(TIER_SELECT);
  if (LIKELY(size < SMALL_END && alignment < MAPPED_ALIGNMENT)) {
    record(heap, SMALL_TIER, size);
    return small_allocate(size);
  }
  if (size < MMAP_THRESHOLD && alignment < MAPPED_ALIGNMENT) {
#if OWN_MEDIUM && !HEAP_ALWAYS
    heap = heap_find();
    if (UNLIKELY(!heap)) return (struct tiered_block){0};
#endif
    record(heap, MEDIUM_TIER, size);
    return medium_allocate(heap, size);
  }
#else
  if (LIKELY(size <= POOL_END - sizeof(struct tiered_header) && alignment < MAPPED_ALIGNMENT))
    return small_allocate(size);
#endif
  return allocate_large(heap, size, alignment);
}

/// Alignments above malloc's own. Below a page a larger block is taken and its start moved; a second
/// header tells by how much.
SLOW void *allocate_aligned(size_t size, size_t alignment) {
  if (alignment >= MAPPED_ALIGNMENT) return allocate_block(size, alignment).payload;
  char *payload = allocate_block(size + alignment - NATURAL_ALIGNMENT, 0).payload;
  if (!payload) return NULL;
  char *aligned = (char *)align_up((uintptr_t)payload, alignment);
  if (aligned != payload) {
    COUNT(BLOCK_ALIGN);
    *header_of(aligned) = (struct tiered_header){
        .magic = MAGIC_LIVE, .tier = ALIGNED_TIER, .moved = (uint32_t)(aligned - payload)};
  }
  return aligned;
}

static inline void *design_allocate(size_t size, size_t alignment, int zeroed, uintptr_t site) {
  (void)site;
  if (UNLIKELY(size > LARGEST_REQUEST || alignment > LARGEST_REQUEST)) return out_of_memory();
  if (UNLIKELY(alignment > NATURAL_ALIGNMENT)) return allocate_aligned(size, alignment);
  struct tiered_block block = allocate_block(size, 0);
  if (zeroed && !block.fresh && LIKELY(block.payload)) zero_lines(block.payload, size);
  return block.payload;
}

// MARK: Free

/// The block behind a moved start, with the header checked.
FAST char *unaligned(char *payload, struct tiered_header **header) {
  if (LIKELY((*header)->tier != ALIGNED_TIER)) return payload;
  COUNT(BLOCK_UNALIGN);
  payload -= (*header)->moved;
  *header = header_check(payload);
  return payload;
}

FAST void mark_free(struct tiered_header *header) {
  COUNT(MAGIC_MARK);
  header->magic = MAGIC_FREE;
}

static inline void design_free(void *block) {
  struct tiered_header *header = header_check(block);
  char *payload = block;
  if (UNLIKELY(header->tier == ALIGNED_TIER)) {
    struct tiered_header *outer = header;
    payload = unaligned(payload, &header);
    mark_free(outer);
  }
  mark_free(header);
  struct tiered_heap *heap = NULL;
#if OWN_STATISTICS
  heap = heap_find();
  // A thread without memory for a heap keeps no statistics.
  if (LIKELY(heap != NULL)) STATISTIC(heap, frees[header->tier], 1);
#else
  STATISTIC(heap, frees[header->tier], 1);
#endif
  if (LIKELY(header->tier == SMALL_TIER)) {
    small_free(payload, header->class);
    return;
  }
#if TIERS
  if (LIKELY(header->tier == MEDIUM_TIER)) {
#if OWN_MEDIUM && !OWN_STATISTICS
    heap = heap_find();
#endif
    medium_free(heap, payload, header->class);
    return;
  }
#endif
#if HUGE_PAGES
  if (header->tier == HUGE_TIER) {
    huge_free(mapping_of(payload));
    return;
  }
#endif
  mapped_free(mapping_of(payload));
}

// MARK: Reallocation

static size_t usable_size(char *payload, const struct tiered_header *header) {
  if (LIKELY(header->tier == SMALL_TIER)) return small_stride(header->class) - sizeof *header;
#if TIERS
  if (header->tier == MEDIUM_TIER) return medium_stride(header->class) - sizeof *header;
#endif
  struct mapped_header *mapping = mapping_of(payload);
  return (size_t)(mapping->region + mapping->bytes - payload);
}

/// In place where the block fits and is not less than half used.
static inline void *design_reallocate(void *block, size_t size, uintptr_t site) {
  struct tiered_header *header = header_check(block);
  char *payload = unaligned(block, &header);
  size_t usable = usable_size(payload, header) - (size_t)((char *)block - payload);
  if (size <= usable && size >= usable / 2) {
    COUNT(REALLOCATE_IN_PLACE);
    return block;
  }
  void *moved = design_allocate(size, 0, 0, site);
  if (!moved) return NULL;
  copy_lines(moved, block, size < usable ? size : usable);
  design_free(block);
  return moved;
}

static size_t design_usable_size(void *block) {
  struct tiered_header *header = header_of(block);
  size_t moved = header->tier == ALIGNED_TIER ? header->moved : 0;
  char *payload = (char *)block - moved;
  return usable_size(payload, header_of(payload)) - moved;
}

// MARK: Statistics

#if OWN_STATISTICS || SHARED_STATISTICS

static void statistics_add(uint64_t *out, struct tiered_statistics *from) {
  for (uint32_t tier = 0; tier < TIER_COUNT; tier++) {
    out[tier] += atomic_load_explicit(&from->allocations[tier], memory_order_relaxed);
    out[TIER_COUNT + tier] += atomic_load_explicit(&from->frees[tier], memory_order_relaxed);
  }
  out[2 * TIER_COUNT] += atomic_load_explicit(&from->bytes, memory_order_relaxed);
  out[2 * TIER_COUNT + 1] += atomic_load_explicit(&from->hits, memory_order_relaxed);
  out[2 * TIER_COUNT + 2] += atomic_load_explicit(&from->misses, memory_order_relaxed);
}

/// The process's statistics: allocations by tier (small, medium, mapped, huge), frees by tier, bytes
/// asked for, hits and misses of the region cache.
EXPORTED void mallometer_tiered_statistics(uint64_t out[2 * TIER_COUNT + 3]) {
  memset(out, 0, (2 * TIER_COUNT + 3) * sizeof *out);
#if OWN_STATISTICS
  mutex_wait(&heaps.lock);
  for (struct tiered_heap *heap = heaps.first; heap; heap = heap->next)
    statistics_add(out, &heap->statistics);
  mutex_release(&heaps.lock);
#else
  statistics_add(out, &statistics);
#endif
}

#endif

// MARK: Processes

/// Always in this order; a thread holds at most one of them.
static struct mutex_lock *const locks[] = {
    &small.lock,
#if HEAP_ALWAYS || OWN_MEDIUM
    &heaps.lock,
#endif
#if TIERS
    &medium.lock,
#endif
#if TIERS && !IS(REGION_CACHE_ENTRIES, 0)
    &cache.lock,
#endif
#if HUGE_PAGES
    &huge.lock,
#endif
};

enum { LOCKS = sizeof locks / sizeof *locks };

static void design_before_fork(void) {
  for (int lock = 0; lock < LOCKS; lock++) mutex_wait(locks[lock]);
}

static void design_after_fork_parent(void) {
  for (int lock = LOCKS; lock-- > 0;) mutex_release(locks[lock]);
}

// In the child the heaps of the other threads are left alone: one may have been cut off in the
// middle of a change. Blocks in them can still be used and freed.
static void design_after_fork_child(void) { design_after_fork_parent(); }
