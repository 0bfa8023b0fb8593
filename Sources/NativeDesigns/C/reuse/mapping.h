#ifndef MALLOMETER_REUSE_MAPPING_H
#define MALLOMETER_REUSE_MAPPING_H

/// Blocks that are a mapping of their own, and what becomes of them when the cache evicts them.
///
/// Batched: an evicted mapping waits until there are sixteen; then all are purged (MADV_DONTNEED) in
/// one go and retained, address space without memory, until sixty-four are; then the oldest is
/// unmapped for each that comes. With MADV_FREE the kernel takes the memory only when it needs it.

#include "reuse.h"

#if IS(ARENAS, ON)
#include "arena.h"
#endif

enum { MAPPING_BATCH = 16, MAPPING_RETAINED = 64 };

struct mapping {
  void *start;
  size_t bytes;
};

struct mapping_state {
  alignas(LINE_BYTES) struct spin_lock lock;
  uint32_t pending_count;
  uint32_t retained_count;
  uint32_t oldest;
  alignas(LINE_BYTES) struct mapping pending[MAPPING_BATCH];
  alignas(LINE_BYTES) struct mapping retained[MAPPING_RETAINED];
};

static struct mapping_state mappings;

static inline void mapping_purge(void *start, size_t bytes) {
#if IS(MADVISE, FREE)
  region_purge_lazily(start, bytes);
#else
  region_purge(start, bytes);
#endif
}

static inline void mapping_retain(struct mapping mapping) {
#if IS(ARENAS, ON)
  struct reuse_header *header = mapping.start;
  COUNT(HEADER_READ);
  if (header->method == REUSE_METHOD_ARENA) {
    // The first page stays, for the header and the link.
    mapping_purge((char *)mapping.start + OS_PAGE_BYTES, mapping.bytes - OS_PAGE_BYTES);
    arena_give(header);
    return;
  }
#endif
  mapping_purge(mapping.start, mapping.bytes);
  uint32_t place = mappings.oldest;
  if (mappings.retained_count == MAPPING_RETAINED) {
    struct mapping oldest = mappings.retained[place];
    region_unmap(oldest.start, oldest.bytes);
    mappings.oldest = (place + 1) % MAPPING_RETAINED;
  } else {
    place = mappings.retained_count++;
  }
  mappings.retained[place] = mapping;
}

/// Costs a lock and a store; every sixteenth time, sixteen madvise calls (batched).
static inline void mapping_evict(void *start, size_t bytes) {
#if IS(EVICTION, UNMAP)
  region_unmap(start, bytes);
#else
  lock_acquire(&mappings.lock);
#if IS(EVICTION, PURGE)
  mapping_retain((struct mapping){start, bytes});
#else
  COUNT(BATCH_APPEND);
  mappings.pending[mappings.pending_count++] = (struct mapping){start, bytes};
  if (mappings.pending_count == MAPPING_BATCH) {
    for (uint32_t i = 0; i < MAPPING_BATCH; i++) {
      mapping_retain(mappings.pending[i]);
    }
    mappings.pending_count = 0;
  }
#endif
  lock_release(&mappings.lock);
#endif
}

#if IS(ARENAS, ON)
/// Costs a lock; a system call when an arena is used up.
static inline struct reuse_header *mapping_take(size_t *bytes, bool *recycled, uint64_t *cost) {
  lock_acquire(&mappings.lock);
  struct reuse_header *block = arena_take(bytes, recycled, cost);
  lock_release(&mappings.lock);
  return block;
}

/// A block of an arena that the cache never had keeps its memory.
static inline void mapping_give(struct reuse_header *block) {
  lock_acquire(&mappings.lock);
  arena_give(block);
  lock_release(&mappings.lock);
}
#endif

#endif
